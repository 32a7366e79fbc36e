"""A classifier written as an ONNX file."""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from audioft.core.quieter import quieter
from audioft.core.wording import first_line
from audioft.errors import ModelError, UsageError
from audioft.models import adapting
from audioft.models.classifier import AudioClassifier
from audioft.models.exported.classifier import Graph, PipelineGraph
from audioft.models.exported.convolution import is_known, keep_taps

OPSET = 20  # the first with an operator for GELU
MISSING = "an export to ONNX needs onnx, onnxscript and onnxruntime: pip install 'audioft[onnx]'"
MOST_BYTES = 2**31 - 2**24  # a file of one piece holds no more
_SPOKEN = ("torch.onnx", "onnxscript", "onnx_ir")  # loggers that tell of what no user can change


def needed() -> None:
    """Raise where a package is missing that an export needs.

    Raises:
        UsageError: with what to install.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as e:
        raise UsageError(MISSING) from e


def graph_of(model: AudioClassifier, multilabel: bool) -> Graph:
    """A copy of a model in the form of a graph: on the CPU, in float32, adapters merged into the weights."""
    own = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    for encoder in {id(m.encoder): m.encoder for m in getattr(own, "leaves", [own])}.values():
        adapting.merge(encoder)
        if (front := getattr(encoder.model, "feature_extractor", None)) is not None and is_known(front.conv_layers):
            keep_taps(front.conv_layers)
    for name, module in [*own.named_modules()]:
        if parametrize.is_parametrized(module):
            own.set_submodule(name, _plain(module))
    return Graph(own, multilabel)


def _plain(module: Any) -> nn.Module:
    """A module with what its parametrizations compute as weights of its own.

    torch's `remove_parametrizations` takes them from the module's class, which copies of it share.
    """
    kind: Any = type(module).__bases__[0]  # torch puts a class of its own before it
    found = kind.__new__(kind)
    found.__dict__.update({k: copy.copy(v) for k, v in vars(module).items()})
    del found._modules["parametrizations"]
    for name in module.parametrizations:
        found.register_parameter(name, nn.Parameter(getattr(module, name).detach(), requires_grad=False))
    return found


def write(graph: Graph | PipelineGraph, path: Path) -> None:
    """Write a file whose batch and samples are of any number.

    Raises:
        UsageError: a package is missing, see `needed`.
        ModelError: the model is too large for one file, or torch cannot make a graph of it.
    """
    needed()
    size = sum(p.numel() * p.element_size() for p in graph.parameters())
    if size > MOST_BYTES:
        raise ModelError(f"the model has {size / 2**30:.1f} GiB of weights, and one ONNX file holds at most 2")
    dynamic = {name: {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC} for name in graph.inputs}
    given = graph.example()
    for name, one in zip(graph.inputs, given, strict=True):
        if one.ndim == 1:
            del dynamic[name][1]
    try:
        with torch.no_grad(), _quiet():
            made: Any = torch.onnx.export(
                graph,
                given,
                input_names=list(graph.inputs),
                output_names=[f"{name}." for name in graph.outputs],  # no inner value is called so
                dynamic_shapes=dynamic,
                dynamo=True,
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
    except (torch.onnx.OnnxExporterError, RuntimeError, ValueError, TypeError) as e:
        raise ModelError(f"torch cannot make a graph of this model: {_reason(e)}") from e
    _tidy(made.model, graph.outputs)
    with _quiet():
        made.save(path, external_data=False)


def _tidy(model: Any, outputs: Sequence[str]) -> None:
    """Give outputs and axes their names, and leave out what the exporter notes of the program that it traced."""
    values = {id(v): v for node in model.graph.all_nodes() for v in node.outputs}
    values |= {id(v): v for v in (*model.graph.inputs, *model.graph.outputs, *model.graph.initializers.values())}
    for value in values.values():
        if value.name in outputs:
            value.name += "_inside"
    named = dict(zip([d.value for d in model.graph.inputs[0].shape], ("batch", "samples"), strict=True))
    for value in values.values():
        value.metadata_props.clear()
        value.doc_string = None
        if value.shape is not None:
            for axis, size in enumerate(value.shape):
                if getattr(size, "value", None) in named:
                    value.shape[axis] = named[size.value]
    for value, name in zip(model.graph.outputs, outputs, strict=True):
        value.name = name
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
    for held in (model, model.graph):
        held.metadata_props.clear()
        held.doc_string = None


def _reason(e: BaseException) -> str:
    while e.__cause__ is not None:
        e = e.__cause__
    return first_line(e)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with quieter(*_SPOKEN, level=logging.CRITICAL), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
