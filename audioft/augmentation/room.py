"""Reverberation: the clip as it would sound in a room."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from audioft.augmentation import dsp, sound_folder
from audioft.augmentation.base import Draw, augmentation

PREDELAY_SECONDS = 0.002


@augmentation("reverb")
class Reverb(sound_folder.WithFolder):
    """Convolution with an impulse response: one of the user's, or a synthetic one.

    The direct sound stays where it was, the length is kept, and so is the RMS.

    Args:
        p: in [0, 1].
        min_rt60: seconds in which the synthetic tail falls by 60 dB, in [0.01, 20].
        max_rt60: in [0.01, 20].
        min_drr_db: energy of the direct sound over that of the tail, in [-40, 60]; lower is farther away.
        max_drr_db: in [-40, 60].
        folder: the user's impulse responses, in depth; takes the place of the synthetic ones.
    """

    limits: ClassVar = {("min_rt60", "max_rt60"): (0.01, 20), ("min_drr_db", "max_drr_db"): (-40, 60)}
    content = "impulse responses"
    min_rt60: float = 0.1
    max_rt60: float = 0.8
    min_drr_db: float = 0.0
    max_drr_db: float = 15.0
    folder: str | None = None

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        if self.folder is not None:
            return {"path": self.files[rng.integers(len(self.files))]}
        return {**super().draw(rng, samples, rate), "seed": int(rng.integers(2**53))}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        if "path" in draw:
            assert self.folder is not None
            response = sound_folder.whole(self.folder, draw["path"], self.hearing or rate)
            direct = int(response.abs().argmax())
        else:
            response = impulse_response(draw["rt60"], draw["drr_db"], rate, draw["seed"])
            direct = 0  # not the largest value where the tail is strong
        return placed(waveform, response, direct)

    def describe(self, draw: Draw) -> str:
        if "path" in draw:
            return f"{self.name} {draw['path']}"
        return f"{self.name} RT60 {draw['rt60']:.2f} s, direct to reverberant {draw['drr_db']:+.1f} dB"


def placed(waveform: torch.Tensor, response: torch.Tensor, direct: int) -> torch.Tensor:
    """A clip `(T,)` in the room of a response `(R,)`: the direct sound, at `direct`, stays where it was, and the RMS.

    A response that is silent, or whose tail misses a short clip, leaves nothing to scale: then the clip is as it was.
    """
    response = response[: direct + len(waveform)]  # what comes later falls behind the clip's end
    wet = dsp.convolved(waveform, response)[direct : direct + len(waveform)]
    return dsp.at_level(wet, dsp.rms(waveform)) if dsp.rms(wet) > dsp.SILENCE else waveform


def impulse_response(rt60: float, drr_db: float, rate: int, seed: int) -> torch.Tensor:
    """A direct sound of 1, then Gaussian noise that decays exponentially (Polack's model; Habets, 2007).

    Args:
        rt60: seconds in which the tail falls by 60 dB, which is also where it ends.
        drr_db: energy of the direct sound over that of the tail.
        rate: in Hz.
        seed: the same seed gives the same response.

    Returns:
        (R,) float32; the direct sound is at 0 and the tail begins 2 ms later.
    """
    begin = max(1, round(PREDELAY_SECONDS * rate))
    length = max(1, round(rt60 * rate))
    envelope = 10 ** (-3 * np.arange(length) / (rt60 * rate))
    tail = np.random.default_rng(seed).standard_normal(length) * envelope
    tail *= 10 ** (-drr_db / 20) / np.sqrt(np.sum(tail**2))
    response = np.zeros(begin + length, dtype=np.float32)
    response[0] = 1
    response[begin:] = tail
    return torch.from_numpy(response)
