"""Noise added at a drawn signal-to-noise ratio."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import torch

from audioft.augmentation import dsp, sound_folder
from audioft.augmentation.base import Draw, augmentation

COLORS = {"white": 0.0, "pink": 1.0, "brown": 2.0, "blue": -1.0, "violet": -2.0}
"""Exponents b of the power density 1 / f**b: 3 dB an octave for each step."""

LOWEST_HZ = 20.0


@augmentation("noise")
class Noise(sound_folder.WithFolder):
    """Noise at a uniformly drawn signal-to-noise ratio: a coloured one, or one of the user's.

    The ratio is that of the two RMS over the clip. A silent clip has none and stays as it is, and so does a
    clip for which a silent stretch of noise was drawn.

    Args:
        p: in [0, 1].
        min_snr_db: in [-60, 120].
        max_snr_db: in [-60, 120].
        color: of the noise; `any` draws one of the five.
        folder: the user's noises, in depth; takes the place of `color`. A random stretch of a random one is
            taken, looped if it is shorter than the clip.
    """

    limits: ClassVar = {("min_snr_db", "max_snr_db"): (-60, 120)}
    content = "recordings of noise"
    min_snr_db: float = 5.0
    max_snr_db: float = 30.0
    color: Literal["any", "white", "pink", "brown", "blue", "violet"] = "any"
    folder: str | None = None

    @classmethod
    def validate(cls, **settings: Any) -> list[str]:
        problems, color = super().validate(**settings), settings["color"]
        if color != "any" and color not in COLORS:
            problems.append(f"color: {color!r} is none of any, {', '.join(COLORS)}")
        if settings["folder"] is not None and color != "any":
            problems.append(f"color: {color!r} has no effect on the noises of a folder; set one of the two")
        return problems

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        ratio = super().draw(rng, samples, rate)
        if self.folder is not None:
            return {**ratio, "path": self.files[rng.integers(len(self.files))], "start": rng.random()}
        seed = int(rng.integers(2**53))
        any_color = list(COLORS)[rng.integers(len(COLORS))]
        return {**ratio, "color": any_color if self.color == "any" else self.color, "seed": seed}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        if "path" in draw:
            assert self.folder is not None
            noise = sound_folder.excerpt(self.folder, draw["path"], self.hearing or rate, len(waveform), draw["start"])
        else:
            noise = colored(draw["color"], len(waveform), rate, draw["seed"])
        return waveform + dsp.at_level(noise, dsp.rms(waveform) * 10 ** (-draw["snr_db"] / 20))

    def describe(self, draw: Draw) -> str:
        return f"{self.name} {draw.get('path') or draw['color']} at {draw['snr_db']:.1f} dB SNR"


def colored(color: str, samples: int, rate: int, seed: int) -> torch.Tensor:
    """Gaussian noise of power density `1 / f**b` above 20 Hz and even below, without an offset.

    White noise is shaped in the frequency domain (Timmer and Koenig, 1995). It is as loud as it comes out.

    Args:
        color: a key of `COLORS`.
        samples: the length.
        rate: in Hz.
        seed: the same seed gives the same noise.

    Returns:
        (samples,) float32.
    """
    from scipy import fft

    # a few samples have no spectrum to shape, so at least 1024 are made and the rest is cut off
    size = fft.next_fast_len(max(samples, 1024), real=True)
    spectrum = fft.rfft(np.random.default_rng(seed).standard_normal(size, dtype=np.float32))
    frequencies = np.maximum(fft.rfftfreq(size, 1 / rate), LOWEST_HZ)
    spectrum *= (frequencies / LOWEST_HZ) ** (-COLORS[color] / 2)
    spectrum[0] = 0
    return torch.from_numpy(np.ascontiguousarray(fft.irfft(spectrum, size)[:samples], dtype=np.float32))
