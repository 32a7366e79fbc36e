"""Recordings read and written: the only module that knows a decoder.

Three facts about libsndfile shape this module. The header's frame count is a claim: `soundfile.read` allocates what it
says, so blocks are read and what arrives is counted. For WAV, AIFF, AU, W64 and RF64 the library quietly lowers that
claim to what the file holds, and only its log tells of the original one. And after a seek in a compressed file (Vorbis,
MP3, ADPCM) the samples are not those of a decoding from the beginning, so there a cut is decoded from 0.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from audioft.audio.header_claims import claimed, guessed
from audioft.audio.resample import resampled
from audioft.audio.shortfalls import cut_short, within
from audioft.audio.windows import joined
from audioft.errors import AudioError

#: What is taken for a recording when a folder is searched. A file named explicitly is tried whatever its name is.
EXTENSIONS = frozenset(
    {
        *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"),
        *(".snd", ".caf", ".w64", ".rf64", ".sph", ".nist", ".voc", ".avr"),
    }
)

LIBRARY = f"libsndfile {soundfile.__libsndfile_version__}"
#: What opening something that is no audio raises.
DECODER_ERRORS = (soundfile.SoundFileError, TypeError, ValueError, OSError)
_EXACT_SEEK = re.compile(r"PCM_\w+|FLOAT|DOUBLE|ULAW|ALAW")
_UNKNOWN = 2**62  # libsndfile's way to say that the header holds no length (a FLAC written to a pipe)
_PIECE_SECONDS = 0.1  # a decoder's error loses the piece it was in, so pieces are small whatever the block is


@dataclasses.dataclass(frozen=True, slots=True)
class Info:
    """What a recording's header says.

    Attributes:
        rate: samples a second, Hz.
        frames: samples a channel, -1 where the header does not say.
        channels: number of channels.
        format: container and encoding, as `WAV PCM_16`.
    """

    rate: int
    frames: int
    channels: int
    format: str

    @property
    def seconds(self) -> float:
        """Duration in seconds; NaN where the header does not say."""
        return self.frames / self.rate if self.frames >= 0 else math.nan


class Recording(soundfile.SoundFile):
    """A recording being decoded.

    soundfile seeks after each read of a seekable file, which fails where the length is unknown: so none is seekable.
    """

    raw: BinaryIO | None = None

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        super().close()
        if self.raw is not None:
            self.raw.close()

    def left(self) -> int:
        """Bytes the decoder has not looked at; only known where it reads through `raw`."""
        if self.raw is None:
            return 0
        return os.fstat(self.raw.fileno()).st_size - self.raw.tell()


def probe(path: str | Path) -> Info:
    """Read a recording's header, nothing else.

    Raises:
        AudioError: at stage `open`: there is no such file, or it is not audio that soundfile reads.
    """
    with _opened(path) as file:
        return info_of(path, file)


def seeks(info: Info) -> bool:
    """Whether decoding can begin anywhere in such a recording; otherwise it begins at 0."""
    form, _, subtype = info.format.partition(" ")
    return form == "FLAC" or bool(_EXACT_SEEK.fullmatch(subtype))


def stream(
    path: str | Path,
    rate: int | None = 16000,
    start: float = 0.0,
    end: float | None = None,
    block_seconds: float = 30.0,
    alive: Callable[[], None] = lambda: None,
) -> Iterator[np.ndarray]:
    """Decode a recording, or a cut of it, block by block in bounded memory.

    The cut is made in the recording's own samples and resampled by itself, so a cut sounds the same whatever
    lies around it. Non-finite samples pass through.

    Args:
        path: the recording.
        rate: sample rate of what is returned, Hz (soxr, quality HQ); None keeps the recording's own.
        start: seconds from the recording's beginning.
        end: seconds from the recording's beginning, exclusive; None is the recording's end.
        block_seconds: about how much one block holds.
        alive: called whenever the decoder has got on.

    Yields:
        Arrays `(T,)` float32, all channels mixed down by their mean.

    Raises:
        AudioError: at stage `open`: no such file, not audio, no samples; at stage `check`: the cut lies
            outside of the recording; at stage `decode`: fewer samples arrived than the header promises. What could be
            decoded before has been given by then.
    """
    with _opened(path) as file:
        info = info_of(path, file)
        pieces = mono(path, file, info, start, end, _PIECE_SECONDS, alive)
        if rate is not None and rate != info.rate:
            pieces = resampled(pieces, info.rate, rate)
        yield from _in_blocks(pieces, block_seconds * (rate or info.rate))


def _in_blocks(pieces: Iterable[np.ndarray], size: float) -> Iterator[np.ndarray]:
    """Pieces put together to blocks of about `size` samples; what came before an error is given before it."""
    held: list[np.ndarray] = []
    count, failure = 0, None
    try:
        for piece in pieces:
            held.append(piece)
            count += len(piece)
            if count >= size:
                yield np.concatenate(held)
                held, count = [], 0
    except AudioError as e:
        failure = e
    if held:
        yield np.concatenate(held)
    if failure is not None:
        raise failure


def read(path: str | Path, rate: int | None = 16000, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """A recording, or the cut `[start, end)` seconds of it, as one array `(T,)` float32; see `stream`."""
    return joined(stream(path, rate, start, end))


def begun(path: str | Path, rate: int, channels: int, form: str, subtype: str | None = None) -> soundfile.SoundFile:
    """A recording to be written, block by block, `(T,)` or `(T, channels)`; in libsndfile's names of formats.

    Raises:
        DECODER_ERRORS: one of them.
    """
    return soundfile.SoundFile(str(path), "w", rate, channels, subtype=subtype, format=form)


def _opened(path: str | Path) -> Recording:
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(path, "open", "this is a folder, not a recording")
        if not stat.S_ISREG(mode):
            raise AudioError(path, "open", "this is a pipe or a device, not a file; standard input is given as -")
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise AudioError(path, "open", "no such file") from None
    except (OSError, ValueError) as e:
        raise AudioError(path, "open", f"cannot be read: {getattr(e, 'strerror', None) or e}") from None
    if not head:
        raise AudioError(path, "open", "the file is empty (0 bytes)")
    try:
        # a name that is not UTF-8 is opened by its bytes
        file = Recording(os.fsencode(path) if os.name == "posix" else str(path))
        if guessed(path, file):
            file.close()
            raw = path.open("rb")
            file = Recording(raw)
            file.raw = raw
        return file
    except DECODER_ERRORS as e:
        # soundfile takes `.raw` for headerless samples and complains with a TypeError about a missing rate
        raise AudioError(
            path, "open", f"not audio that soundfile can read ({why(e)}; the file begins with {head[:12]!r})"
        ) from None


def info_of(path: str | Path, file: Recording) -> Info:
    frames = file.frames
    if file.samplerate <= 0 or file.channels <= 0:
        raise AudioError(path, "open", f"the header says {file.samplerate} Hz and {file.channels} channels")
    if frames == 0:
        raise AudioError(path, "open", "the file holds no samples (0 frames)")
    known = 0 < frames < _UNKNOWN and file.raw is None
    frames = max(frames, claimed(file)) if known else -1
    return Info(int(file.samplerate), frames, int(file.channels), f"{file.format} {file.subtype}")


def mono(
    path: str | Path,
    file: Recording,
    info: Info,
    start: float,
    end: float | None,
    piece_seconds: float,
    alive: Callable[[], None] = lambda: None,
) -> Iterator[np.ndarray]:
    """The cut's samples at the recording's own rate, in pieces; complains when they are not all there."""
    first = round(start * info.rate)
    last = None if end is None else round(end * info.rate)
    if first < 0 or (last is not None and last <= first):
        raise AudioError(path, "check", f"the cut from {start:g} s to {end or 0:g} s holds nothing")
    if info.frames >= 0:
        within(path, start, end, first, last, info.frames, info.rate)
    at, got = 0, 0
    if first and seeks(info):
        try:
            at = file.seek(first)
        except (soundfile.SoundFileError, OSError) as e:
            raise cut_short(path, info.seconds, 0, why(e)) from None
    piece = max(1, round(piece_seconds * info.rate))
    failure = ""
    while last is None or at < last:
        try:
            samples = file.read(piece, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as e:
            failure = why(e)
            break
        if not len(samples):
            break
        alive()
        kept = samples[max(0, first - at) : None if last is None else last - at]
        at += len(samples)
        if len(kept):
            got += len(kept)
            yield _mixed_down(kept)
    wanted = last if last is not None else info.frames
    if failure:
        raise cut_short(path, info.seconds, at / info.rate, failure)
    if info.frames < 0:
        if at == 0:
            raise AudioError(path, "open", "the file holds no samples (0 frames)")
        # libsndfile ends an MP3 of varying bit rate where its guess from the first frame says
        if (last is None or at < last) and file.left() > 32_768:
            known = f"without a Xing header, of which only {at / info.rate:.2f} s can be decoded"
            raise AudioError(path, "decode", f"an MP3 of varying bit rate {known}: convert it to FLAC or WAV")
        within(path, start, end, first, last, at, info.rate)
    elif at < min(wanted, info.frames):
        raise cut_short(path, info.seconds, at / info.rate)


def _mixed_down(samples: np.ndarray) -> np.ndarray:
    """The mean of the channels of `(T, channels)`, `(T,)`."""
    with np.errstate(invalid="ignore", over="ignore"):
        if samples.shape[1] == 2:  # to the same bits, and ten times as fast as a sum along rows of two
            return (samples[:, 0] + samples[:, 1]) / np.float32(2)
        return samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]


def why(error: Exception) -> str:
    text = getattr(error, "error_string", None) or str(error)
    return text.removeprefix("Error : ").strip().rstrip(".")
