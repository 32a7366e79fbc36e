"""Other recordings than the clip that is disturbed: those of the data, or of folders of the user's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audioft.audio.hearing import Hearing
from audioft.augmentation import dsp, sound_folder
from audioft.data.clip import Clip
from audioft.data.dataset import beginning
from audioft.errors import AudioError, UsageError

LONGEST = 60.0  # seconds of another clip that are read
TRIES = 20
DECAY = 1e-3  # of a response's energy that is left where it has rung out: 30 dB


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """Where other sound comes from, see `disturbances.base.Others`.

    Attributes:
        clips: of the data; those of the clip's own group and label are not taken for noise.
        hearing: how recordings reach the encoder.
        noise: a folder of the user's with noises, which take the place of the clips; None for none.
        impulses: impulse responses of the user's, from the one that rings out first.
        clip: the one that is disturbed.
    """

    clips: Sequence[Clip]
    hearing: Hearing
    noise: str | None = None
    impulses: Sequence[Tensor] = ()
    clip: Clip | None = None

    def of(self, clip: Clip) -> Surroundings:
        """What is around a clip."""
        return dataclasses.replace(self, clip=clip)

    def missing(self) -> str:
        """Why there are no other recordings; empty where there are some."""
        groups = {c.group or c.key for c in self.clips}
        if self.noise is not None or len(groups) > 1:
            return ""
        return "all clips are of one group, and what is added must come from another; give a folder with --noise"

    def recording(self, rng: np.random.Generator, samples: int) -> Tensor:
        """A stretch of a drawn one, `(samples,)` float32; silent ones are drawn again.

        Raises:
            AudioError: it cannot be read.
        """
        found = torch.zeros(samples)
        for _ in range(TRIES):
            found = self._folder(rng, samples) if self.noise is not None else self._clip(rng, samples)
            if dsp.rms(found) > dsp.SILENCE:
                break
        return found

    def impulse(self, severity: float) -> Tensor | None:
        return self.impulses[round(severity * (len(self.impulses) - 1))] if self.impulses else None

    def _folder(self, rng: np.random.Generator, samples: int) -> Tensor:
        assert self.noise is not None
        files = sound_folder.sounds(self.noise)
        path = files[int(rng.integers(len(files)))]
        return sound_folder.excerpt(self.noise, path, self.hearing, samples, rng.random())

    def _clip(self, rng: np.random.Generator, samples: int) -> Tensor:
        own = self.clip
        other = self.clips[int(rng.integers(len(self.clips)))]
        for _ in range(TRIES):
            if own is None or ((other.group or other.key) != (own.group or own.key) and other.labels != own.labels):
                break
            other = self.clips[int(rng.integers(len(self.clips)))]
        sound = beginning(other, self.hearing, LONGEST / self.hearing.expansion)
        first = int(rng.random() * len(sound))
        return torch.from_numpy(sound[(first + np.arange(samples)) % len(sound)])


def noises(folder: str | None) -> str | None:
    """A folder of noises, looked at before anything is computed.

    Raises:
        UsageError: it is not there, or holds no recordings.
    """
    if folder is None:
        return None
    if problems := _folder_problems(folder, "noises"):
        raise UsageError(f"--noise: {problems}")
    return folder


def impulses(folder: str | None, hearing: Hearing) -> tuple[Tensor, ...]:
    """The impulse responses `(R,)` of a folder, from the one that rings out first; none without a folder.

    Raises:
        UsageError: it is not there, or holds no recordings, or one of them is none.
    """
    if folder is None:
        return ()
    if problems := _folder_problems(folder, "impulse responses"):
        raise UsageError(f"--impulses: {problems}")
    try:
        found = [sound_folder.whole(folder, path, hearing) for path in sound_folder.sounds(folder)]
    except AudioError as e:
        raise UsageError(f"--impulses: {e}; take it out of the folder") from e
    return tuple(sorted(found, key=_rings))


def _folder_problems(folder: str, content: str) -> str:
    if not Path(folder).expanduser().is_dir():
        return f"there is no folder {folder!r}; give one that holds {content}"
    return "" if sound_folder.sounds(folder) else f"no recordings in {folder!r}; put {content} there"


def _rings(response: Tensor) -> int:
    """Samples from the direct sound to where a response has rung out."""
    energy = response.double().square()
    left = energy.flip(0).cumsum(0).flip(0)
    return int((left > DECAY * left[0]).sum()) - int(response.abs().argmax())
