"""What disturbances have in common: they are entered by the name that they have in the table of strengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from audioft.audio.hearing import Heard
from audioft.tasks.robustness.strengths import STRENGTHS


class Others(Protocol):
    """Recordings besides the clip that is disturbed."""

    def recording(self, rng: np.random.Generator, samples: int) -> Tensor:
        """A stretch of one of them, `(samples,)` float32, as the encoder hears it."""
        ...

    def impulse(self, severity: float) -> Tensor | None:
        """The user's impulse response, `(R,)`; `severity` is from 0, the driest, to 1. None where there are none."""
        ...


@dataclass(frozen=True)
class Scene:
    """Where a clip is disturbed.

    Attributes:
        rate: samples a second of the recording, as they reach the encoder.
        rng: at the address of the clip and the kind: all five strengths draw alike, so that one is only stronger.
        others: other recordings.
        hearing: how recordings reach the encoder.
        severity: 0 for the mildest strength to 1 for the hardest.
    """

    rate: int
    rng: np.random.Generator
    others: Others
    hearing: Heard
    severity: float = 0.0


#: From the clip `(T,)` float32 on the CPU, the strength in the unit of its kind and the scene to the disturbed clip.
Disturbance = Callable[[Tensor, float, Scene], Tensor]
KINDS: dict[str, Disturbance] = {}


def disturbance(name: str) -> Callable[[Disturbance], Disturbance]:
    """Function decorator that enters a disturbance; its strengths stand in `STRENGTHS`."""
    assert name in STRENGTHS, name

    def enter(function: Disturbance) -> Disturbance:
        KINDS[name] = function
        return function

    return enter


def seed(scene: Scene) -> int:
    """A seed for what makes its own generator."""
    return int(scene.rng.integers(2**53))


def sign(scene: Scene) -> int:
    """1 or -1."""
    return 1 if scene.rng.random() < 0.5 else -1
