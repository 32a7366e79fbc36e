"""What goes wrong in time: gaps, lost packets, wrong clocks, another speed or pitch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from audioft.augmentation import dsp
from audioft.augmentation.waveform import Pitch
from audioft.tasks.robustness.disturbances.base import Scene, disturbance, sign

GAP_SECONDS = 0.1
PACKET_SECONDS = 0.02
BURST_PACKETS = 3


@disturbance("dropouts")
def dropouts(waveform: Tensor, percent: float, scene: Scene) -> Tensor:
    """Gaps at drawn places; those of a milder strength are among those of a harder one."""
    size = max(1, round(GAP_SECONDS * scene.rate))
    count = -(-len(waveform) // size)
    return _without(waveform, scene.rng.permutation(count)[: round(count * percent / 100)], size)


@disturbance("packet_loss")
def packet_loss(waveform: Tensor, percent: float, scene: Scene) -> Tensor:
    """A chain of two states, as many packets lost as said in the long run, in bursts of three on average."""
    size = max(1, round(PACKET_SECONDS * scene.rate))
    ends = 1 / BURST_PACKETS
    begins = ends * percent / (100 - percent)
    lost, now = [], scene.rng.random() < percent / 100
    for packet, coin in enumerate(scene.rng.random(-(-len(waveform) // size))):
        if now:
            lost.append(packet)
        now = coin >= ends if now else coin < begins
    return _without(waveform, lost, size)


def _without(waveform: Tensor, places: list[int] | np.ndarray, size: int) -> Tensor:
    """Zeros at these stretches of `size` samples."""
    kept = torch.ones(len(waveform))
    for place in places:
        kept[place * size : (place + 1) * size] = 0
    return waveform * kept


@disturbance("speed")
def speed(waveform: Tensor, percent: float, scene: Scene) -> Tensor:
    return dsp.resampled(waveform, 1 + sign(scene) * percent / 100)


@disturbance("drift")
def drift(waveform: Tensor, percent: float, scene: Scene) -> Tensor:
    return dsp.resampled(waveform, 1 + sign(scene) * percent / 100)


@disturbance("pitch")
def pitch(waveform: Tensor, semitones: float, scene: Scene) -> Tensor:
    return Pitch(p=1).apply(waveform, scene.rate, {"semitones": sign(scene) * semitones})
