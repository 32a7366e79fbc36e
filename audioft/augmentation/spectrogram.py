"""Augmentations on the complex spectrogram, turned back into a waveform by the inverse STFT.

The masks are SpecAugment's (Park et al., 2019); as waveforms they suit encoders that take no spectrogram.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from audioft.augmentation import dsp
from audioft.augmentation.base import Augmentation, Draw, augmentation
from audioft.augmentation.waveform import Faster


@augmentation("time_stretch")
class TimeStretch(Faster):
    """Faster or slower at the same pitch, by torchaudio's phase vocoder; the length changes with it.

    Args:
        p: in [0, 1].
        min_rate: in [0.25, 4]; 0.9 makes a clip 11 % longer.
        max_rate: in [0.25, 4].
    """

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        return dsp.stretched(waveform, rate, draw["factor"])


@augmentation("time_mask")
class TimeMask(Augmentation):
    """Silences stretches of the clip; the frames whose centre lies inside are set to zero, so the edges fade.

    Args:
        p: in [0, 1].
        masks: how many, in [1, 20]; they may overlap.
        max_seconds: the longest one, in [0, 3600]; each is drawn uniformly up to it.
        max_share: of the clip that one mask takes at most, in [0, 0.9].
    """

    limits: ClassVar = {"masks": (1, 20), "max_seconds": (0, 3600), "max_share": (0, 0.9)}
    masks: int = 1
    max_seconds: float = 0.5
    max_share: float = 0.2

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        """`spans`: a list of [begin, end] in [0, 1], shares of the clip whatever its length is by then."""
        widest = min(self.max_share, self.max_seconds * rate / max(samples, 1))
        return {"spans": _spans(rng, self.masks, widest)}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        spectrum = dsp.to_stft(waveform, rate)
        centres = torch.arange(spectrum.shape[1]) * dsp.hop(rate)
        ends = [(begin * len(waveform), end * len(waveform)) for begin, end in draw["spans"]]
        kept = ~_inside(centres, ends)
        return dsp.from_stft(spectrum * kept, len(waveform), rate)

    def describe(self, draw: Draw) -> str:
        return f"{self.name} " + " and ".join(f"{a:.0%} to {b:.0%}" for a, b in draw["spans"])


@augmentation("frequency_mask")
class FrequencyMask(Augmentation):
    """Removes bands of frequencies; the bins whose centre lies inside are set to zero.

    Width and position are uniform on the mel scale, as a mask over mel bands would be: uniform in Hz, most of
    them would fall where speech has little.

    Args:
        p: in [0, 1].
        masks: how many, in [1, 20]; they may overlap.
        max_share: of the mel range from 0 to half the rate that one mask takes at most, in [0, 0.9].
    """

    limits: ClassVar = {"masks": (1, 20), "max_share": (0, 0.9)}
    masks: int = 1
    max_share: float = 0.2

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        """`bands`: a list of [low, high] in Hz."""
        top = mel(rate / 2)
        spans = _spans(rng, self.masks, self.max_share)
        return {"bands": [[hertz(low * top), hertz(high * top)] for low, high in spans]}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        spectrum = dsp.to_stft(waveform, rate)
        centres = torch.arange(spectrum.shape[0]) * (rate / dsp.frame_size(rate))
        kept = ~_inside(centres, draw["bands"])
        return dsp.from_stft(spectrum * kept[:, None], len(waveform), rate)

    def describe(self, draw: Draw) -> str:
        return f"{self.name} " + " and ".join(f"{a:.0f} to {b:.0f} Hz" for a, b in draw["bands"])


def mel(hz: float) -> float:
    """Mel of a frequency (O'Shaughnessy, 1987).

    >>> round(mel(1000.0))
    1000
    """
    return float(2595 * np.log10(1 + hz / 700))


def hertz(mels: float) -> float:
    """The inverse of `mel`."""
    return float(700 * (10 ** (mels / 2595) - 1))


def _spans(rng: np.random.Generator, count: int, widest: float) -> list[list[float]]:
    """`count` pairs of [begin, end] in [0, 1]: a width up to `widest`, then a place where it fits."""
    spans = []
    for _ in range(count):
        width = rng.uniform(0, widest)
        begin = rng.uniform(0, 1 - width)
        spans.append([begin, begin + width])
    return spans


def _inside(values: torch.Tensor, spans: list) -> torch.Tensor:
    """Which values lie in any of the half-open `spans`, as booleans."""
    inside = torch.zeros(len(values), dtype=torch.bool)
    for begin, end in spans:
        inside |= (values >= begin) & (values < end)
    return inside
