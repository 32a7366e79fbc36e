"""A recording being decoded by libsndfile, and what its header says."""

from __future__ import annotations

import dataclasses
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from audioft.audio import mpeg_frames
from audioft.audio.parts import Part, Parts
from audioft.errors import AudioError

LIBRARY = f"libsndfile {soundfile.__libsndfile_version__}"
#: What opening something that is no audio raises.
DECODER_ERRORS = (soundfile.SoundFileError, TypeError, ValueError, OSError)
#: What reading from it may raise.
READING_ERRORS = (soundfile.SoundFileError, OSError)


@dataclasses.dataclass(frozen=True, slots=True)
class Info:
    """What a recording's header says.

    Attributes:
        rate: samples a second, Hz.
        frames: samples a channel, -1 where the header does not say.
        channels: number of channels.
        format: container and encoding, as `WAV PCM_16`.
        recordings: how many lie one after the other in the file.
    """

    rate: int
    frames: int
    channels: int
    format: str
    recordings: int = 1

    @property
    def seconds(self) -> float:
        """Duration in seconds; NaN where the header does not say."""
        return self.frames / self.rate if self.frames >= 0 else math.nan


class Recording(soundfile.SoundFile):
    """A recording being decoded.

    soundfile seeks after each read of a seekable file, which fails where the length is unknown: so none is seekable.

    Attributes:
        raw: what it is read through, where the decoder stops at a guess.
        whole: the length was counted, not claimed.
        counted: frames that there are, where the decoder only guesses how many.
        skipped: frames at its beginning that are none of the recording.
        container: what the stream lies in, where that is shown without it.
        said: what is to be said of it.
        more: more of it is heard, or said, than an audioft heard that ended where the decoder does.
    """

    raw: BinaryIO | None = None
    whole = False
    counted = 0
    skipped = 0
    container = ""
    said = ""
    more = False
    _parts: Parts | None = None

    @classmethod
    def of_parts(cls, path: str | Path, parts: Sequence[Part]) -> Recording:
        """As if the file were made of these parts."""
        held = Parts(path, parts)
        try:
            file = cls(held)
        except BaseException:
            held.close()
            raise
        file._parts = held
        return file

    @classmethod
    def of_mpeg(cls, path: str | Path, stream: mpeg_frames.Stream) -> Recording:
        """An MP3 stream whose frames were counted."""
        file = cls.of_parts(path, stream.parts())
        file.whole = True
        file.skipped = max(0, file.frames - stream.samples)
        file.read(file.skipped)
        return file

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        super().close()
        for below in (self.raw, self._parts):
            if below is not None:
                below.close()

    def left(self) -> int:
        """Bytes the decoder has not looked at; only known where it reads through `raw`."""
        if self.raw is None:
            return 0
        return os.fstat(self.raw.fileno()).st_size - self.raw.tell()


def begun(path: str | Path, rate: int, channels: int, form: str, subtype: str | None = None) -> soundfile.SoundFile:
    """A recording to be written, block by block, `(T,)` or `(T, channels)`; in libsndfile's names of formats.

    Raises:
        DECODER_ERRORS: one of them.
    """
    named = os.fsencode(path) if os.name == "posix" else str(path)  # bytes that are no text, too
    return soundfile.SoundFile(named, "w", rate, channels, subtype=subtype, format=form)


def encoded(
    samples: np.ndarray, rate: int, form: str, subtype: str, compression: float | None = None, constant: bool = False
) -> bytes:
    """`(T,)` samples as a file in memory; in libsndfile's names of formats.

    Args:
        samples, rate, form, subtype: what and how.
        compression: from 0, the best, to 1, the smallest; None for what the library takes by itself.
        constant: as many bits in each second, where the format has a choice.
    """
    out = io.BytesIO()
    how = {"compression_level": compression, "bitrate_mode": "CONSTANT" if constant else None}
    soundfile.write(out, samples, rate, format=form, subtype=subtype, **how)
    return out.getvalue()


def decoded(data: bytes, name: str) -> np.ndarray:
    """The samples `(T,)` float32 of a mono file in memory that this program has encoded.

    Raises:
        AudioError: there are none in it; `name` is what it is called.
    """
    try:
        return soundfile.read(io.BytesIO(data), dtype="float32")[0]
    except DECODER_ERRORS as e:
        raise AudioError(name, "decode", str(e)) from e
