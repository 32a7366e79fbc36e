"""Bands that a line or a device lets through."""

from __future__ import annotations

from torch import Tensor

from audioft.augmentation import dsp
from audioft.augmentation.channel import Telephone
from audioft.tasks.robustness.disturbances.base import Scene, disturbance


def at_rate(waveform: Tensor, rate: int, lower: float) -> Tensor:
    """Sampled at `lower` Hz in between, as long as it was; as it is where that is no less."""
    if lower >= rate:
        return waveform
    return dsp.resampled(dsp.resampled(waveform, rate / lower), lower / rate, length=len(waveform))


@disturbance("bandlimit")
def bandlimit(waveform: Tensor, kilohertz: float, scene: Scene) -> Tensor:
    return at_rate(waveform, scene.rate, 1000 * kilohertz)


@disturbance("telephone")
def telephone(waveform: Tensor, level_db: float, scene: Scene) -> Tensor:
    return Telephone(p=1).apply(waveform, scene.rate, {"level_db": level_db})
