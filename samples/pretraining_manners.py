"""Manners of speaking for pretraining: calm, angry, sad, whispering ..., asked of a synthesiser or done to a sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mixing import RATE, band, frames
from numpy.random import Generator
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter


@dataclass(frozen=True)
class Manner:
    """How somebody speaks: `pitch`, `range` and `rate` as factors of the voice's own, the rest done to the sound.

    `tilt` is of effort, dB at 4 kHz; `breath` 0 to 1 (a whisper); `tremor` and `swing` move the pitch, as fractions.
    """

    pitch: float
    range: float
    rate: float
    tilt: float
    breath: float
    tremor: float
    swing: float


# Ranges to draw from: calm, glad, angry, sad, afraid, tired, whispering, and anything.
MANNERS: dict[str, tuple[tuple[float, float], ...]] = {
    "calm": ((0.85, 1.15), (0.8, 1.2), (0.85, 1.15), (-2, 2), (0, 0), (0, 0.003), (0, 0.02)),
    "glad": ((1.1, 1.5), (1.4, 2.5), (1.0, 1.3), (0, 6), (0, 0.1), (0, 0.01), (0.03, 0.10)),
    "angry": ((1.0, 1.4), (1.2, 2.2), (1.0, 1.5), (4, 12), (0, 0), (0, 0.02), (0.02, 0.10)),
    "sad": ((0.75, 1.0), (0.3, 0.7), (0.6, 0.85), (-12, -3), (0.1, 0.5), (0.005, 0.03), (0.01, 0.05)),
    "afraid": ((1.2, 1.7), (0.5, 1.5), (1.0, 1.5), (-4, 4), (0.1, 0.5), (0.02, 0.05), (0.02, 0.06)),
    "tired": ((0.7, 0.9), (0.2, 0.5), (0.6, 0.9), (-8, 0), (0, 0.3), (0, 0.01), (0.0, 0.03)),
    "whisper": ((0.8, 1.2), (0.5, 1.5), (0.7, 1.1), (-3, 3), (0.85, 1), (0, 0), (0, 0.02)),
    "any": ((0.6, 1.8), (0.2, 2.5), (0.6, 1.7), (-12, 12), (0, 0.3), (0, 0.04), (0, 0.12)),
}
SHARES = (0.3, 0.12, 0.12, 0.1, 0.1, 0.08, 0.05, 0.13)


def manner(g: Generator) -> Manner:
    """One drawn from `MANNERS`."""
    return Manner(*(g.uniform(*ends) for ends in MANNERS[str(g.choice(list(MANNERS), p=SHARES))]))


def breathed(sound: np.ndarray, share: float, g: Generator) -> np.ndarray:
    """`sound` with `share` of its voice replaced by breath: noise through linear prediction of every 32 ms."""
    size, hop = frames(0.032), frames(0.008)
    window = np.hanning(size)
    out = np.zeros(len(sound) + size)
    for at in range(0, len(sound) - size, hop):
        piece = sound[at : at + size] * window
        r = np.correlate(piece, piece, "full")[size - 1 : size + 18]
        if r[0] < 1e-6:
            continue
        r[0] *= 1.0001
        a = solve_toeplitz(r[:-1], r[1:])
        gain = np.sqrt(max(r[0] - a @ r[1:], 0.0) / np.sum(window**2))
        out[at : at + size] += window * lfilter([gain], np.r_[1.0, -a], g.standard_normal(size))
    air = band(out[: len(sound)], 250.0, None) * hop / np.sum(window**2) * np.sqrt(size / hop)
    return np.sqrt(1 - share) * sound + 1.5 * share * air


def expressed(sound: np.ndarray, how: Manner, stretch: float, g: Generator) -> np.ndarray:
    """`sound` with the breath, moving pitch and effort of `how`, and a vocal tract longer by `stretch`."""
    if how.breath > 0.05:
        sound = breathed(sound, how.breath, g)
    seconds = len(sound) / RATE
    knots = how.swing * g.standard_normal(int(seconds * 2.5) + 2)
    t = np.arange(int(len(sound) * stretch)) / RATE
    speed = np.interp(t / stretch, np.arange(len(knots)) / 2.5, knots)
    speed = (1 + np.clip(speed, -0.3, 0.3) + how.tremor * np.sin(2 * np.pi * g.uniform(4, 9) * t)) / stretch
    at = np.cumsum(speed)
    sound = np.interp(at[at < len(sound) - 1], np.arange(len(sound)), sound)
    low = band(sound, None, 1000.0, order=1)
    return low * 10 ** (-how.tilt / 40) + (sound - low) * 10 ** (how.tilt / 40)
