"""Augmentations of level, position, speed and pitch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from audioft.augmentation import dsp
from audioft.augmentation.base import Augmentation, Draw, augmentation


@augmentation("gain")
class Gain(Augmentation):
    """Louder or softer by a uniformly drawn number of decibels. Nothing is clipped.

    Encoders that normalise each clip by itself undo it; it matters to those that do not.

    Args:
        p: in [0, 1].
        min_db: in [-120, 60].
        max_db: in [-120, 60].
    """

    caption = "{db:+.1f} dB"
    limits: ClassVar = {("min_db", "max_db"): (-120, 60)}
    min_db: float = -12.0
    max_db: float = 6.0

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        return waveform * 10 ** (draw["db"] / 20)


@augmentation("shift")
class Shift(Augmentation):
    """Later or earlier by a uniformly drawn time; the length stays.

    Args:
        p: in [0, 1].
        max_seconds: the farthest in either direction, in [0, 3600]; never more than half of the clip, so that
            sound is left.
        rolled: what leaves at one end comes in at the other; else zeros come in.
    """

    moves = True
    caption = "{seconds:+.3f} s"
    limits: ClassVar = {"max_seconds": (0, 3600)}
    max_seconds: float = 0.25
    rolled: bool = False

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        farthest = min(self.max_seconds, samples / rate / 2)
        return {"seconds": rng.uniform(-farthest, farthest), "rolled": self.rolled}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        by = round(draw["seconds"] * rate)
        if draw["rolled"]:
            return waveform.roll(by)
        by = max(-len(waveform), min(len(waveform), by))
        # a negative padding cuts, so this adds zeros at one end and removes as many samples at the other
        return torch.nn.functional.pad(waveform, (by, -by))


@dataclass(eq=False)
class Faster(Augmentation):
    """What plays a clip `factor` times as fast."""

    moves = True
    caption = "x{factor:.3f}"
    limits: ClassVar = {("min_rate", "max_rate"): (0.25, 4)}
    min_rate: float = 0.9
    max_rate: float = 1.1

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        return {"factor": rng.uniform(self.min_rate, self.max_rate)}


@augmentation("speed")
class Speed(Faster):
    """Played faster or slower, which changes tempo, pitch and length together (Ko et al., 2015).

    Args:
        p: in [0, 1].
        min_rate: in [0.25, 4]; 0.9 makes a clip 11 % longer.
        max_rate: in [0.25, 4]; 1.1 makes it 9 % shorter.
    """

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        return dsp.resampled(waveform, draw["factor"])


@augmentation("pitch")
class Pitch(Augmentation):
    """Higher or lower at the same length: stretched by a phase vocoder, then resampled back.

    Args:
        p: in [0, 1].
        min_semitones: in [-24, 24].
        max_semitones: in [-24, 24]; 12 doubles every frequency.
    """

    caption = "{semitones:+.2f} semitones"
    limits: ClassVar = {("min_semitones", "max_semitones"): (-24, 24)}
    min_semitones: float = -2.0
    max_semitones: float = 2.0

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        factor = 2 ** (draw["semitones"] / 12)
        longer = dsp.stretched(waveform, rate, 1 / factor)
        return dsp.resampled(longer, factor, length=len(waveform))
