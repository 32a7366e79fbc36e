"""Levels that a recorder was not set for."""

from __future__ import annotations

from torch import Tensor

from audioft.tasks.robustness.disturbances.base import Scene, disturbance, sign

FULL = 32768  # steps of 16 bits


def as_16_bits(waveform: Tensor) -> Tensor:
    """As a file of 16 bits holds it: rounded, and cut at full scale."""
    return (waveform * FULL).round().clamp(-FULL, FULL - 1) / FULL


@disturbance("clipping")
def clipping(waveform: Tensor, below_db: float, scene: Scene) -> Tensor:
    if not len(waveform):
        return waveform
    limit = float(waveform.abs().max()) * 10 ** (-below_db / 20)
    return waveform.clamp(-limit, limit)


@disturbance("quiet")
def quiet(waveform: Tensor, db: float, scene: Scene) -> Tensor:
    return as_16_bits(waveform * 10 ** (db / 20))


@disturbance("loud")
def loud(waveform: Tensor, db: float, scene: Scene) -> Tensor:
    return as_16_bits(waveform * 10 ** (db / 20))


@disturbance("dc")
def dc(waveform: Tensor, share: float, scene: Scene) -> Tensor:
    return as_16_bits(waveform + sign(scene) * share)
