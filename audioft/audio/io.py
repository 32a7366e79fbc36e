"""Recordings as samples: the one way that all of them are read.

Two facts about libsndfile shape this module. `soundfile.read` allocates what the header claims, so blocks are read and
what arrives is counted. And after a seek in a compressed file (Vorbis, MP3, ADPCM) the samples are not those of a
decoding from the beginning, so there a cut is decoded from 0.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from audioft.audio import mixing
from audioft.audio.arriving import arriving
from audioft.audio.hearing import Heard, Hearing
from audioft.audio.opening import (
    DECODER_ERRORS,
    LIBRARY,
    READING_ERRORS,
    Info,
    Recording,
    begun,
    info_of,
    opened,
    why,
)
from audioft.audio.shortfalls import cut_short, forgiven, within
from audioft.audio.windows import joined
from audioft.errors import AudioError

__all__ = ["DECODER_ERRORS", "LIBRARY", "Info", "Recording", "begun", "info_of", "mono", "probe", "read"]
__all__ += ["heard_further", "seeks", "stream", "why"]

_EXACT_SEEK = re.compile(r"PCM_\w+|FLOAT|DOUBLE|ULAW|ALAW")
_PIECE_SECONDS = 0.1  # a decoder's error loses the piece it was in, so pieces are small whatever the block is
_MIXES: dict[
    tuple[str, int, int], mixing.Mix
] = {}  # of recordings of which parts were read, by size and time of change
_MOST_MIXES = 2**16


def probe(path: str | Path, alive: Callable[[], None] = lambda: None) -> Info:
    """Read a recording's header, and no more of it unless its length has to be counted.

    Raises:
        AudioError: at stage `open`: there is no such file, or it is not audio that soundfile reads.
    """
    with opened(path, alive) as file:
        return info_of(path, file)


@functools.lru_cache(maxsize=2**16)
def heard_further(path: Path) -> bool:
    """Whether more of a recording is heard than by an audioft that ended where its decoder ends.

    Raises:
        AudioError: as `probe` does.
    """
    with opened(path) as file:
        return bool(file.more)


def seeks(info: Info) -> bool:
    """Whether decoding can begin anywhere in such a recording; otherwise it begins at 0."""
    form, _, subtype = info.format.partition(" ")
    return form == "FLAC" or bool(_EXACT_SEEK.fullmatch(subtype))


def stream(
    path: str | Path,
    rate: Heard | None = 16000,
    start: float = 0.0,
    end: float | None = None,
    block_seconds: float = 30.0,
    alive: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda said: None,
) -> Iterator[np.ndarray]:
    """Decode a recording, or a cut of it, block by block in bounded memory.

    The cut is made in the recording's own samples and resampled by itself, so a cut sounds the same whatever
    lies around it. Non-finite samples pass through.

    Args:
        path: the recording.
        rate: sample rate of what is returned, Hz (soxr, quality HQ), or how it reaches an encoder; None keeps the
            recording's own.
        start: seconds from the recording's beginning.
        end: seconds from the recording's beginning, exclusive; None is the recording's end.
        block_seconds: about how much one block holds, as it is heard.
        alive: called whenever the decoder has got on.
        note: told what of a recording was changed or lost that need not have been, as channels that cancel.

    Yields:
        Arrays `(T,)` float32, all channels mixed down by their mean, or as `audioft.audio.mixing` says.

    Raises:
        AudioError: at stage `open`: no such file, not audio, no samples; at stage `check`: the cut lies
            outside of the recording, or all of the recording below the band that is heard; at stage `decode`: fewer
            samples arrived than the header promises. What could be decoded before has been given by then.
    """
    with opened(path, alive) as file:
        info = info_of(path, file)
        pieces = mono(path, file, info, start, end, _PIECE_SECONDS, alive, note)
        how = None if rate is None else Hearing.of(rate)
        if how is not None:
            pieces = arriving(path, pieces, info.rate, how, note if end is None else None)
        yield from _in_blocks(pieces, block_seconds * (info.rate if how is None else how.rate))


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


def read(path: str | Path, rate: Heard | None = 16000, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """A recording, or the cut `[start, end)` seconds of it, as one array `(T,)` float32; see `stream`."""
    return joined(stream(path, rate, start, end))


def mono(
    path: str | Path,
    file: Any,
    info: Info,
    start: float,
    end: float | None,
    piece_seconds: float,
    alive: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda said: None,
    live: bool = False,
) -> Iterator[np.ndarray]:
    """The cut's samples at the recording's own rate, in pieces; complains when they are not all there.

    Channels are mixed as the recording's beginning says, which is read first wherever the cut lies; but of what comes
    `live`, which cannot wait for that, by their mean.
    """
    first = round(start * info.rate)
    last = None if end is None else round(end * info.rate)
    if first < 0 or (last is not None and last <= first):
        raise AudioError(path, "check", f"the cut from {start:g} s to {end or 0:g} s holds nothing")
    if info.frames >= 0:
        within(path, start, end, first, last, info.frames, info.rate)
    pieces = _Pieces(file, max(1, round(piece_seconds * info.rate)), alive)
    mix = mixing.PLAIN if live else _mix_of(path, info, pieces, partly=bool(first) or last is not None)
    for said in filter(None, (mix.said, file.said)):
        note(said)
    got = 0
    if first and seeks(info):
        try:
            pieces.seek(first)
        except READING_ERRORS as e:
            raise cut_short(path, info.seconds, 0, why(e)) from None
    at = pieces.given
    while last is None or at < last:
        samples = pieces.next()
        if samples is None:
            break
        kept = samples[max(0, first - at) : None if last is None else last - at]
        at += len(samples)
        if len(kept):
            got += len(kept)
            yield mix(kept)
    wanted = last if last is not None else info.frames
    if pieces.failure and (last is None or at < last):
        raise cut_short(path, info.seconds, at / info.rate, pieces.failure)
    if info.frames < 0:
        if at == 0:
            raise AudioError(path, "open", "the file holds no samples (0 frames)")
        # libsndfile ends an MP3 stream where its guess from the first frame says
        if (last is None or at < last) and file.left() > 32_768:
            known = f"without a Xing header, of which only {at / info.rate:.2f} s can be decoded"
            raise AudioError(path, "decode", f"an MP3 of varying bit rate {known}: convert it to FLAC or WAV")
        within(path, start, end, first, last, at, info.rate)
    elif at < min(wanted, info.frames):
        if not forgiven(info.frames - at, info.frames, info.rate):
            raise cut_short(path, info.seconds, at / info.rate)
        if not got:
            within(path, start, end, first, last, at, info.rate)


class _Pieces:
    """What a decoder gives, piece by piece; some of it may be looked at beforehand."""

    def __init__(self, file: Any, size: int, alive: Callable[[], None]):
        self.file, self.size, self.alive = file, size, alive
        self.given = 0  # frames before what `next` gives
        self.failure = ""
        self._held: list[np.ndarray] = []

    def ahead(self, frames: int) -> list[np.ndarray]:
        """The first so many frames or a little more, which `next` will still give; or what there is."""
        count = 0
        while count < frames and (piece := self._read()) is not None:
            self._held.append(piece)
            count += len(piece)
        self._held.reverse()
        return self._held[::-1]

    def seek(self, first: int) -> None:
        held = sum(map(len, self._held))
        if first < held or self.failure:
            return  # what was looked at is there
        self._held.clear()
        self.given = self.file.seek(first)

    def next(self) -> np.ndarray | None:
        piece = self._held.pop() if self._held else self._read()
        self.given += 0 if piece is None else len(piece)
        return piece

    def _read(self) -> np.ndarray | None:
        if self.failure:
            return None
        try:
            samples = self.file.read(self.size, dtype="float32", always_2d=True)
        except READING_ERRORS as e:
            self.failure = why(e)
            return None
        if not len(samples):
            return None
        self.alive()
        return samples


def _mix_of(path: str | Path, info: Info, pieces: _Pieces, partly: bool) -> mixing.Mix:
    """How a recording's channels become one; remembered where parts of it are read."""
    if info.channels < 2:
        return mixing.PLAIN
    key = None
    if partly:
        about = os.stat(path)
        key = os.fspath(path), about.st_size, about.st_mtime_ns
        if (known := _MIXES.get(key)) is not None:
            return known
    found = mixing.decided(pieces.ahead(mixing.look(info.rate, info.channels)))
    if key is not None:
        if len(_MIXES) >= _MOST_MIXES:
            _MIXES.clear()
        _MIXES[key] = found
    return found
