"""A saved model, of whatever kind, loaded to label recordings."""

from __future__ import annotations

import os
from pathlib import Path

from audioft.errors import UsageError
from audioft.evaluation.labelling.labeller import Labeller
from audioft.models.card import ModelCard
from audioft.models.hub import exported_file

NO_TORCH = (
    "{path} is computed by torch, which is not installed here; `pip install audioft` installs it, and what `audioft "
    "export MODEL --to onnx` writes is run without it"
)


def load(
    path: str | os.PathLike[str], device: str, precision: str, batch_seconds: float | None
) -> tuple[Path, ModelCard, Labeller]:
    """Where the model is, what is known of it, and what computes it; arguments and errors are those of `Predictor`."""
    file = exported_file(path)
    if file is None:
        return _of_torch(path, device, precision, batch_seconds)
    if precision == "bf16":
        raise UsageError(f"{file} computes in the precision that it was exported in; leave --precision out")
    from audioft.inference.exported.labeller import OnnxLabeller

    labeller = OnnxLabeller(file, device, batch_seconds)
    return file, labeller.about.card, labeller


def _of_torch(
    path: str | os.PathLike[str], device: str, precision: str, batch_seconds: float | None
) -> tuple[Path, ModelCard, Labeller]:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as e:
        raise UsageError(NO_TORCH.format(path=path)) from e
    from audioft.core.runtime import choose_precision, find_device
    from audioft.evaluation.labelling.torch_labeller import TorchLabeller
    from audioft.models import folder
    from audioft.models.hub import model_folder

    place = find_device(device)
    found = model_folder(path)
    model, card = folder.load(found)
    model.to(place)
    return found, card, TorchLabeller(model, card.multilabel, choose_precision(precision, place), batch_seconds)
