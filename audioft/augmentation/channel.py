"""What lies between a sound and its recording: a microphone's band, a telephone line, a coloured response."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from audioft.augmentation import dsp
from audioft.augmentation.base import Augmentation, Draw, augmentation
from audioft.augmentation.ranges import ordered

PADDING_SECONDS = 0.25
"""Zeros after a clip, so that no end rings into the other: 20 Hz of order 6 falls by 60 dB in 0.21 s."""

TELEPHONE_RATE = 8000
TELEPHONE_BAND = (300.0, 3400.0, 8)
"""The voice band of ITU-T G.712, and a roll-off about as steep as its filters'."""

MU = 255


@augmentation("band_limit")
class BandLimit(Augmentation):
    """Only a band of frequencies is left, as a poor microphone or a codec does. Inside it the level stays.

    Both edges are drawn uniformly on a logarithmic scale. One above half the rate has no effect.

    Args:
        p: in [0, 1].
        min_low_hz: of the lower edge, where 3 dB are lost, in [1, 500000].
        max_low_hz: in [1, 500000], at most `min_high_hz`.
        min_high_hz: of the upper edge, in [1, 500000].
        max_high_hz: in [1, 500000].
        order: of the roll-off, in [1, 24]: 6 dB an octave for each.
    """

    caption = "{low_hz:.0f} to {high_hz:.0f} Hz"
    limits: ClassVar = {
        ("min_low_hz", "max_low_hz"): (1, 500_000),
        ("min_high_hz", "max_high_hz"): (1, 500_000),
        "order": (1, 24),
    }
    min_low_hz: float = 20.0
    max_low_hz: float = 400.0
    min_high_hz: float = 2500.0
    max_high_hz: float = 8000.0
    order: int = 6

    @classmethod
    def validate(cls, **settings: Any) -> list[str]:
        found = super().validate(**settings)
        # asked only of edges that are right by themselves, so that nothing is told twice
        right = not any("_hz: " in problem for problem in found)
        return found + (ordered("max_low_hz", "min_high_hz", settings) if right else [])

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        return {
            "low_hz": math.exp(rng.uniform(math.log(self.min_low_hz), math.log(self.max_low_hz))),
            "high_hz": math.exp(rng.uniform(math.log(self.min_high_hz), math.log(self.max_high_hz))),
            "order": self.order,
        }

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        return filtered(waveform, rate, lambda hz: band(hz, rate, draw["low_hz"], draw["high_hz"], draw["order"]))


@augmentation("telephone")
class Telephone(Augmentation):
    """A narrow-band telephone line: 300 to 3400 Hz, sampled at 8 kHz, in 8 bits of mu-law (ITU-T G.711).

    The sound enters the codec at a drawn level and leaves at its own. The noise of a loud one lies 38 dB below
    it; a soft one falls on fewer steps. Length and position stay.

    Args:
        p: in [0, 1].
        min_level_db: the peak of what the band left, over the codec's full scale, in [-60, 20].
        max_level_db: in [-60, 20]; what exceeds 0 dB is clipped.
    """

    caption = "at {level_db:+.1f} dB"
    limits: ClassVar = {("min_level_db", "max_level_db"): (-60, 20)}
    min_level_db: float = -40.0
    max_level_db: float = 0.0

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        narrow = dsp.resampled(waveform, rate / TELEPHONE_RATE)
        narrow = filtered(narrow, TELEPHONE_RATE, lambda hz: band(hz, TELEPHONE_RATE, *TELEPHONE_BAND))
        peak = float(narrow.abs().max())
        if peak > dsp.SILENCE:
            gain = 10 ** (draw["level_db"] / 20) / peak
            narrow = companded(narrow * gain) / gain
        return dsp.resampled(narrow, TELEPHONE_RATE / rate, length=len(waveform))


@augmentation("equalizer")
class Equalizer(Augmentation):
    """A smooth random colouring of the spectrum, as another microphone, place or loudspeaker gives it.

    The gains of bands evenly spaced on the mel scale, from 0 to half the rate, are drawn from a normal
    distribution. Length, position and RMS are kept.

    Args:
        p: in [0, 1].
        bands: how many, in [2, 64]; more make a more ragged curve.
        sd_db: standard deviation of a gain, in [0, 20]; none exceeds three of them.
    """

    limits: ClassVar = {"bands": (2, 64), "sd_db": (0, 20)}
    bands: int = 8
    sd_db: float = 4.0

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        """`gains_db`: one a band, from the lowest."""
        return {"gains_db": (self.sd_db * rng.standard_normal(self.bands).clip(-3, 3)).tolist()}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        colored = filtered(waveform, rate, lambda hz: 10 ** (curve_db(hz, rate, draw["gains_db"]) / 20))
        return dsp.at_level(colored, dsp.rms(waveform))

    def describe(self, draw: Draw) -> str:
        return f"{self.name} " + " ".join(f"{gain:+.0f}" for gain in draw["gains_db"]) + " dB"


def filtered(waveform: torch.Tensor, rate: int, gains: Callable[[np.ndarray], np.ndarray]) -> torch.Tensor:
    """`waveform` with its spectrum multiplied by real gains: nothing is delayed.

    Args:
        waveform: (T,) float32.
        rate: in Hz.
        gains: from frequencies in Hz, rising from 0 to half the rate, to factors, both (N,).

    Returns:
        (T,) float32.
    """
    from scipy import fft

    size = fft.next_fast_len(len(waveform) + round(PADDING_SECONDS * rate), real=True)
    spectrum = fft.rfft(waveform.numpy(), size)
    spectrum *= gains(fft.rfftfreq(size, 1 / rate)).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(fft.irfft(spectrum, size)[: len(waveform)], dtype=np.float32))


def band(hz: np.ndarray, rate: int, low_hz: float, high_hz: float, order: int) -> np.ndarray:
    """Gains of a high-pass and a low-pass of Butterworth's magnitude (1930) one after the other.

    Args:
        hz: (N,) float64, frequencies up to half the rate.
        rate: in Hz.
        low_hz: where the high-pass takes 3 dB; no high-pass if it lies at half the rate or above.
        high_hz: where the low-pass takes 3 dB; no low-pass if it lies at half the rate or above.
        order: of both, 6 dB an octave for each.

    Returns:
        (N,) float64, in [0, 1].
    """
    power = np.ones_like(hz)
    if low_hz < rate / 2:
        # of one order, the powers of a low-pass and a high-pass add up to 1
        power -= 1 / (1 + (hz / low_hz) ** (2 * order))
    if high_hz < rate / 2:
        power /= 1 + (hz / high_hz) ** (2 * order)
    return np.sqrt(power)


def companded(waveform: torch.Tensor) -> torch.Tensor:
    """Through 8 bits of mu-law and back: `F(x) = sgn(x) ln(1 + 255 |x|) / ln(256)` (ITU-T G.711).

    A sign and 127 steps of `F`, so that silence stays silence. G.711 itself draws `F` as 8 straight segments.

    Args:
        waveform: (T,) float32 in [-1, 1]; what exceeds it is clipped.

    Returns:
        (T,) float32, of 255 different values.
    """
    steps = torch.round(torch.log1p(MU * waveform.abs().clamp(max=1)) * (127 / math.log1p(MU)))
    return torch.expm1(steps * (math.log1p(MU) / 127)) / MU * waveform.sign()


def curve_db(hz: np.ndarray, rate: int, gains_db: Sequence[float]) -> np.ndarray:
    """A curve through `gains_db`, which lie evenly on the mel scale from 0 to half the rate.

    Between two neighbours it follows half a period of a cosine: without corners, and never beyond either.

    Args:
        hz: (N,), frequencies up to half the rate.
        rate: in Hz.
        gains_db: at least two.

    Returns:
        (N,) in decibels.
    """
    points = np.asarray(gains_db)
    # mel is 2595 log10(1 + hz / 700) (O'Shaughnessy, 1987); in a share of it the factor cancels
    place = np.log1p(hz / 700) * ((len(points) - 1) / math.log1p(rate / 2 / 700))
    before = np.minimum(place.astype(np.intp), len(points) - 2)
    share = (1 - np.cos(np.pi * (place - before))) / 2
    return points[before] + np.diff(points)[before] * share
