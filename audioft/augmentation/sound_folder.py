"""A folder of the user's own sounds: noises, impulse responses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from audioft.audio import media
from audioft.audio.hearing import Heard, Hearing
from audioft.audio.recording_kinds import may_be_recording, other_decoder
from audioft.augmentation.base import Augmentation
from audioft.core.wording import counted
from audioft.errors import AudioError

SHORTEST_READ = 0.05
"""Seconds."""


def sounds(folder: str) -> list[str]:
    """Relative paths of all sounds in `folder`, in depth, sorted; none if it does not exist."""
    root = Path(folder).expanduser()
    found = (f for f in root.rglob("*") if not f.name.startswith(".") and may_be_recording(f))
    return sorted(f.relative_to(root).as_posix() for f in found if f.is_file())


class WithFolder(Augmentation):
    """An augmentation that can use a folder of the user's; `files` are the sounds in it.

    They reach the encoder as `hearing` says, which is that of the clips; None for as they are.
    """

    content: ClassVar[str]
    """What the folder holds, for messages."""
    folder: str | None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.files = [] if self.folder is None else sounds(self.folder)
        self.hearing: Hearing | None = None

    @classmethod
    def validate(cls, **settings: Any) -> list[str]:
        problems, folder = super().validate(**settings), settings["folder"]
        if folder is not None and not Path(folder).expanduser().is_dir():
            problems.append(f"folder: there is no folder {folder!r}; give one that holds {cls.content}")
        elif folder is not None and not (found := sounds(folder)):
            ending = f"put {cls.content} there as WAV, FLAC, OGG, MP3, M4A or whatever else is a recording"
            problems.append(f"folder: no sound files in {folder!r}; {ending}")
        elif folder is not None and (unread := _undecodable(folder, found)):
            told = f"{counted(len(unread), 'file')} in {folder!r} cannot be decoded here, as {unread[0]}"
            problems.append(f"folder: {told}: {media.ADVICE}, or take them out")
        return problems


def _undecodable(folder: str, files: Sequence[str]) -> list[str]:
    """Those that need a decoder which is not there."""
    others = [f for f in files if other_decoder(Path(folder).expanduser() / f)]
    return [] if not others or media.decoder() is not None else others


def whole(folder: str, path: str, rate: Heard) -> torch.Tensor:
    """One sound of the folder, (T,) float32 at `rate` Hz, or as it reaches an encoder.

    Raises:
        AudioError: it cannot be read or has no samples.
    """
    return torch.from_numpy(_read(str(Path(folder).expanduser() / path), rate))


def excerpt(folder: str, path: str, rate: Heard, samples: int, start: float) -> torch.Tensor:
    """`samples` samples from a sound of the folder, which is looped if it is shorter.

    Args:
        folder: of the user's.
        path: relative to it.
        rate: in Hz, or how it reaches an encoder.
        samples: the length of the excerpt.
        start: where it begins, as a share in [0, 1) of all places where it can.

    Raises:
        AudioError: the sound cannot be read or has no samples.
    """
    from audioft.audio import isolated_decoder

    full = str(Path(folder).expanduser() / path)
    info = isolated_decoder.probe(full)
    # a clip of a few samples would ask for less than one sample of a recording at a lower rate
    wanted = max(samples / Hearing.of(rate).per_second, SHORTEST_READ)
    seconds = info.frames / info.rate  # negative where the header does not say: then all of it is read
    if seconds > wanted:
        begin = start * (seconds - wanted)
        sound, first = _read(full, rate, begin, begin + wanted), 0
    else:
        sound = _read(full, rate)
        first = int(start * len(sound))
    return torch.from_numpy(sound[(first + np.arange(samples)) % len(sound)])


def _read(path: str, rate: Heard, start: float = 0.0, end: float | None = None) -> np.ndarray:
    from audioft.audio import isolated_decoder

    sound = np.ascontiguousarray(isolated_decoder.read(path, rate=rate, start=start, end=end), dtype=np.float32)
    if not len(sound) or not np.isfinite(sound).all():
        raise AudioError(path, "check", "no samples" if not len(sound) else "samples that are not finite")
    return sound
