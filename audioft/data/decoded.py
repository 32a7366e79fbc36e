"""Recordings decoded once into files of which a part costs what the part is long."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from audioft.audio import io, writing
from audioft.audio.hearing import Heard, Hearing
from audioft.data.clip import Clip
from audioft.errors import AudioError

RAW = frozenset({"WAV PCM_16", "WAV PCM_24", "WAV PCM_32", "WAV FLOAT", "FLAC PCM_16", "FLAC PCM_24"})
FAR = 60.0  # seconds from a recording's beginning that may be decoded for nothing


def decoded(
    clips: Sequence[Clip], seconds: Sequence[float], folder: Path, rate: Heard, progress: Callable[[int], None]
) -> list[Clip]:
    """The same clips in files where a crop costs what a crop is long.

    A seek in Vorbis or MP3 decodes from the beginning, and another rate is resampled at every crop: such recordings
    are decoded once into 16-bit WAV files, read in blocks. One that is there already is not made again,
    unless its recording has changed.

    Args:
        clips: N clips.
        seconds: the length of each.
        folder: for the files.
        rate: Hz, or how they reach an encoder; the files are recordings still, and are heard so when they are read.
        progress: is called with the number of clips done.

    Raises:
        AudioftError: the disk is full, or the folder cannot be written.
    """
    out: list[Clip] = []
    how = Hearing.of(rate)
    for i, clip in enumerate(clips):
        info = io.probe(clip.path)
        rate = _rate(how, info.rate)
        if info.rate == rate and info.channels == 1 and info.format in RAW:
            out.append(clip)
        else:
            path = folder / f"{_fingerprint(clip, rate)}.wav"
            if not path.is_file():
                writing.convert(clip.path, path, rate, clip.start, clip.end)
            out.append(dataclasses.replace(clip, path=path, name=clip.key, start=0.0, end=None))
        progress(i + 1)
    return out


def within_long(clips: Sequence[Clip], folder: Path, rate: Heard, progress: Callable[[int], None]) -> list[Clip]:
    """The same parts of recordings, where long Vorbis or MP3 files read far inside are decoded once, as a whole.

    The clips keep their names and times. A recording that breaks off stays as it is: its parts are decoded from its
    beginning each time.

    Args:
        clips: N clips.
        folder: for the files.
        rate: Hz, or how they reach an encoder; the files are recordings still, and are heard so when they are read.
        progress: is called with the number of clips done.

    Raises:
        AudioftError: the disk is full, or the folder cannot be written.
    """
    how = Hearing.of(rate)
    latest: dict[Path, float] = {}
    for clip in clips:
        latest[clip.path] = max(latest.get(clip.path, 0.0), clip.start)
    quick: dict[Path, Path] = {}
    out = []
    for i, clip in enumerate(clips):
        if clip.path not in quick:
            whole = dataclasses.replace(clip, start=0.0, end=None)
            place = folder / f"{_fingerprint(whole, how.identity)}.wav"
            if latest[clip.path] > FAR and not io.seeks(info := io.probe(clip.path)) and not place.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(AudioError):
                    writing.convert(clip.path, place, _rate(how, info.rate))
            quick[clip.path] = place if place.is_file() else clip.path
        out.append(dataclasses.replace(clip, path=quick[clip.path]))
        progress(i + 1)
    return out


def _rate(how: Hearing, own: int) -> int:
    """Of a file that is heard in the same way as the recording it is made from: a band is still to be shifted."""
    return how.per_second if how.band is None else own


def _fingerprint(clip: Clip, rate: object) -> str:
    about = clip.path.stat()
    told = (os.path.realpath(clip.path), about.st_size, about.st_mtime_ns, clip.start, clip.end, rate)
    return hashlib.sha256(repr(told).encode("utf-8", "surrogateescape")).hexdigest()[:24]
