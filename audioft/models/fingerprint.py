"""What tells one model's embeddings from another's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import torch

from audioft.models.classifier import AudioClassifier


def fingerprint(model: AudioClassifier) -> str:
    """A sha256, in hex, over all that an embedding depends on: the weights, the parts, and what is done to a clip.

    It is the same on every device, and for a model that was saved and loaded again.
    """
    about = {"spec": model.spec, "preprocessing": asdict(model.encoder.preprocessing)}
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, value in sorted(model.state_dict().items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()
