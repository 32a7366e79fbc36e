"""Energies in bands as products of matrices, for a graph: runtimes have slow transforms, or none."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def framed(waveforms: Tensor, size: int, hop: int) -> Tensor:
    """All whole frames of `(B, T, ...)` as `(B, F, size, ...)`; `unfold` becomes a loop in ONNX, and this one look-up."""
    count = (waveforms.shape[1] - size) // hop + 1
    return waveforms[:, torch.arange(count)[:, None] * hop + torch.arange(size)[None]]


def energies(
    waveforms: Tensor, prepared: Callable[[Tensor], Tensor], window: Tensor, points: int, hop: int, filters: Tensor
) -> Tensor:
    """As `features._energies`, `(B, F, bands)` float64.

    What `prepared` does to a frame, the window and the transform are linear, so that all three are one matrix. It is
    in float64, like the product: in float32 a sum of 400 numbers is less exact than a fast transform of them.
    """
    size, bins = len(window), points // 2 + 1
    turns = torch.outer(torch.arange(size), torch.arange(bins)) % points
    angles = turns.double() * (2 * math.pi / points)
    waves = torch.cat([angles.cos(), angles.sin()], 1) * window.double()[:, None]
    matrix = prepared(torch.eye(size, dtype=torch.float64)[None])[0] @ waves
    power = (framed(waveforms, size, hop).double() @ matrix).square()
    return (power[..., :bins] + power[..., bins:]) @ filters
