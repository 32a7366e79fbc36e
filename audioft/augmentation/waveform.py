"""Augmentations of level, position, speed and pitch."""

from __future__ import annotations

import numpy as np
import torch

from audioft.augmentation import dsp
from audioft.augmentation.base import Augmentation, Draw, augmentations
from audioft.augmentation.ranges import interval, probability, within


@augmentations.register("gain")
class Gain(Augmentation):
    """Louder or softer by a uniformly drawn number of decibels. Nothing is clipped.

    Encoders that normalise each clip by itself undo it; it matters to those that do not.

    Args:
        p: in [0, 1].
        min_db: in [-120, 60].
        max_db: in [-120, 60].
    """

    name = "gain"
    caption = "{db:+.1f} dB"
    min_db: float
    max_db: float

    def __init__(self, p: float = 0.5, min_db: float = -12.0, max_db: float = 6.0):
        super().__init__(p, min_db=min_db, max_db=max_db)

    @staticmethod
    def validate(p: float, min_db: float, max_db: float) -> list[str]:
        return [*probability(p), *interval(("min_db", "max_db"), (min_db, max_db), -120, 60)]

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        return {"db": rng.uniform(self.min_db, self.max_db)}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        return waveform * 10 ** (draw["db"] / 20)


@augmentations.register("shift")
class Shift(Augmentation):
    """Later or earlier by a uniformly drawn time; the length stays.

    Args:
        p: in [0, 1].
        max_seconds: the farthest in either direction, in [0, 3600]; never more than half of the clip, so that
            sound is left.
        rolled: what leaves at one end comes in at the other; else zeros come in.
    """

    moves = True
    name = "shift"
    caption = "{seconds:+.3f} s"
    max_seconds: float
    rolled: bool

    def __init__(self, p: float = 0.5, max_seconds: float = 0.25, rolled: bool = False):
        super().__init__(p, max_seconds=max_seconds, rolled=rolled)

    @staticmethod
    def validate(p: float, max_seconds: float, rolled: bool) -> list[str]:
        return [*probability(p), *within("max_seconds", max_seconds, 0, 3600)]

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


@augmentations.register("speed")
class Speed(Augmentation):
    """Played faster or slower, which changes tempo, pitch and length together (Ko et al., 2015).

    Args:
        p: in [0, 1].
        min_rate: in [0.25, 4]; 0.9 makes a clip 11 % longer.
        max_rate: in [0.25, 4]; 1.1 makes it 9 % shorter.
    """

    moves = True
    name = "speed"
    caption = "x{factor:.3f}"
    min_rate: float
    max_rate: float

    def __init__(self, p: float = 0.5, min_rate: float = 0.9, max_rate: float = 1.1):
        super().__init__(p, min_rate=min_rate, max_rate=max_rate)

    @staticmethod
    def validate(p: float, min_rate: float, max_rate: float) -> list[str]:
        return [*probability(p), *interval(("min_rate", "max_rate"), (min_rate, max_rate), 0.25, 4)]

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        return {"factor": rng.uniform(self.min_rate, self.max_rate)}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        return dsp.resampled(waveform, draw["factor"])


@augmentations.register("pitch")
class Pitch(Augmentation):
    """Higher or lower at the same length: stretched by a phase vocoder, then resampled back.

    Args:
        p: in [0, 1].
        min_semitones: in [-24, 24].
        max_semitones: in [-24, 24]; 12 doubles every frequency.
    """

    name = "pitch"
    caption = "{semitones:+.2f} semitones"
    min_semitones: float
    max_semitones: float

    def __init__(self, p: float = 0.5, min_semitones: float = -2.0, max_semitones: float = 2.0):
        super().__init__(p, min_semitones=min_semitones, max_semitones=max_semitones)

    @staticmethod
    def validate(p: float, min_semitones: float, max_semitones: float) -> list[str]:
        names = ("min_semitones", "max_semitones")
        return [*probability(p), *interval(names, (min_semitones, max_semitones), -24, 24)]

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        return {"semitones": rng.uniform(self.min_semitones, self.max_semitones)}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        factor = 2 ** (draw["semitones"] / 12)
        longer = dsp.stretched(waveform, rate, 1 / factor)
        return dsp.resampled(longer, factor, length=len(waveform))
