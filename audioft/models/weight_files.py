"""Weights on disk, in safetensors' format as transformers writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from audioft.core.storage import write_bytes


def write_weights(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a whole file, as `new_file` does."""
    from safetensors.torch import save as serialised

    write_bytes(path, serialised(tensors, metadata={"format": "pt"}))


def misfits(expected: Mapping[str, Tensor | None], found: Mapping[str, Tensor]) -> list[str]:
    """The names, at most three, of what is on one side only or of another shape on the other; none if all fits."""
    shapes = [{k: None if t is None else t.shape for k, t in side.items()} for side in (expected, found)]
    return sorted(k for k in expected.keys() | found.keys() if shapes[0].get(k) != shapes[1].get(k))[:3]
