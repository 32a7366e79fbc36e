"""What tells one model's numbers from another's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.classifier import AudioClassifier


def fingerprint(model: AudioClassifier) -> str:
    """A sha256, in hex, over all that an embedding depends on: the weights, the parts, and what is done to a clip.

    It is the same on every device, and for a model that was saved and loaded again.
    """
    return fingerprint_of(model, {"spec": model.spec, "preprocessing": model.encoder.preprocessing.told()})


def fingerprint_of(module: nn.Module, about: Mapping[str, Any]) -> str:
    """A sha256, in hex, over a module's weights with their names, and over what else is said of it."""
    return weights_hash(module.state_dict(), about)


def weights_hash(weights: Mapping[str, Tensor], about: Mapping[str, Any] | None = None) -> str:
    """A sha256, in hex, over weights with their names, and over what else is said of them."""
    found = hashlib.sha256(b"" if about is None else json.dumps(about, sort_keys=True, default=str).encode())
    for name, value in sorted(weights.items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
