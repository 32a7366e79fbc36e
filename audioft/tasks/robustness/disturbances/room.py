"""What a room does to a sound between its source and the microphone."""

from __future__ import annotations

import math

from torch import Tensor

from audioft.augmentation.noise import colored
from audioft.augmentation.room import impulse_response, placed
from audioft.tasks.robustness.disturbances.base import Scene, disturbance, seed
from audioft.tasks.robustness.disturbances.noise import mixed

LIVING_ROOM_RT60 = 0.5
CRITICAL_METRES = 1.0
OWN_NOISE_DB = 40.0


@disturbance("reverb")
def reverb(waveform: Tensor, rt60: float, scene: Scene) -> Tensor:
    """In a synthetic room, or in one of the user's: his are ordered by how long they ring."""
    own = scene.others.impulse(scene.severity)
    if own is not None:
        return placed(waveform, own, int(own.abs().argmax()))
    return placed(waveform, impulse_response(rt60, 0.0, scene.rate, seed(scene)), 0)


@disturbance("far")
def far(waveform: Tensor, metres: float, scene: Scene) -> Tensor:
    """The direct sound falls below the room's, and both below the microphone's own noise."""
    falls_db = 20 * math.log10(metres / CRITICAL_METRES)
    response = impulse_response(LIVING_ROOM_RT60, -falls_db, scene.rate, seed(scene))
    own = colored("pink", len(waveform), scene.rate, seed(scene))
    return mixed(placed(waveform, response, 0), own, OWN_NOISE_DB - falls_db)
