"""Taking layers, attention heads and feed-forward units away: what stays is smaller, not zero."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audioft.models.classifier import AudioClassifier
from audioft.models.compression import layout
from audioft.models.compression.int8 import replace
from audioft.models.compression.layout import Attention, FeedForward
from audioft.models.encoder import Encoder


def keep_layers(model: AudioClassifier, kept: Sequence[int]) -> None:
    """Leave only some layers of a classifier's encoder, with what a sum over its layers weighs of the others.

    Args:
        model: it is changed.
        kept: positions from 0, in order.

    Raises:
        ValueError: none stays, or one that must.
    """
    encoder = model.encoder
    if not kept or (0 not in kept and layout.first_stays(encoder)):
        raise ValueError(layout.first_stays(encoder) or "a layer at least must stay")
    layers = nn.ModuleList([encoder.backbone.layers[i] for i in kept])
    holder, _, name = encoder.backbone.layers_in.rpartition(".")
    setattr(encoder.model.get_submodule(holder), name, layers)
    setattr(encoder.model.config, encoder.backbone.layers_counted, len(kept))
    encoder.num_layers = len(kept)
    if model.layer_sum is not None:
        rows = [0, *(i + 1 for i in kept)]
        weights = model.layer_sum.layer_weights
        model.layer_sum.layer_weights = nn.Parameter(weights.detach()[rows].clone(), weights.requires_grad)
    if isinstance(model.spec["layers"], int):
        model.spec["layers"] = len(kept)
    encoder.freeze({name for name in encoder.frozen if name in {n for n, _ in encoder.parts()}})


def keep_heads(encoder: Encoder, found: Attention, kept: Sequence[int]) -> None:
    """Leave only some heads of an attention, at least one."""
    rows = layout.head_rows(encoder, found, sorted(kept))
    for name in found.inputs:
        replace(encoder.model, name, _of_outputs(encoder.model.get_submodule(name), rows))
    replace(encoder.model, found.output, _of_inputs(encoder.model.get_submodule(found.output), rows))
    holder = encoder.model.get_submodule(found.holder)
    for name in found.by_head:
        own = name.rpartition(".")[2]
        before = getattr(holder, own)
        setattr(holder, own, nn.Parameter(before.detach()[sorted(kept)].clone(), before.requires_grad))
    setattr(holder, found.counted, len(kept))
    encoder.compressed = True
    if hasattr(holder, "all_head_size"):
        holder.all_head_size = len(rows)


def keep_units(encoder: Encoder, found: FeedForward, kept: Tensor) -> None:
    """Leave only some units, `(K,)` int64 positions in order, of a feed-forward part."""
    model = encoder.model
    replace(model, found.first, _of_outputs(model.get_submodule(found.first), kept))
    replace(model, found.second, _of_inputs(model.get_submodule(found.second), kept))
    encoder.compressed = True


def _of_outputs(linear: nn.Module, rows: Tensor) -> nn.Linear:
    assert isinstance(linear, nn.Linear)
    made = nn.Linear(linear.in_features, len(rows), linear.bias is not None, device="meta")
    made.weight = _some(linear.weight, rows, 0)
    if linear.bias is not None:
        made.bias = _some(linear.bias, rows, 0)
    return made.train(linear.training)


def _of_inputs(linear: nn.Module, columns: Tensor) -> nn.Linear:
    assert isinstance(linear, nn.Linear)
    made = nn.Linear(len(columns), linear.out_features, linear.bias is not None, device="meta")
    made.weight = _some(linear.weight, columns, 1)
    if linear.bias is not None:
        made.bias = linear.bias
    return made.train(linear.training)


def _some(held: Tensor, which: Tensor, dim: int) -> nn.Parameter:
    chosen = torch.index_select(held.detach(), dim, which.to(held.device)).contiguous()
    return nn.Parameter(chosen, held.requires_grad)
