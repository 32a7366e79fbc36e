"""Clips decoded once and kept from run to run, at an encoder's rate, in the user's cache folder.

What is read is always what is stored, or what would be: a clip that is not there, or not any more, is decoded and
rounded in the same way. So neither the epoch nor a resume nor somebody who clears the folder changes a number.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from audioft.audio import io, writing
from audioft.audio.hearing import Heard, Hearing
from audioft.data import audio_file
from audioft.data.check_cache import HEARD_AS_BEFORE, default_cache
from audioft.data.clip import Clip
from audioft.errors import AudioError, AudioftError

_VERSION = 2  # of how clips are decoded and stored: raise it whenever that gives other samples
_OLDER = 1  # of formats that are decoded as they were then
_FURTHER = 3  # of recordings of which more is heard than then


def default_folder() -> Path:
    """Beside what the checking pass remembers."""
    return default_cache().parent / "audio"


class AudioCache:
    """Reads clips as `read_exactly` does, from files decoded once; for `TrainingClips`.

    A file is named by the content of its recording, the clip's start and end, and how it is heard, so runs share it,
    and any of them may be removed at any time, those that were changed longest ago first.

    Args:
        folder: of the files, see `default_folder`.
        rate: Hz, or how clips reach an encoder.
        digests: of each recording, sha256 of its bytes in hex.
        whole: keep recordings, not clips, where parts are read that reach beyond a clip.
    """

    def __init__(self, folder: Path, rate: Heard, digests: Mapping[Path, str], whole: bool = False):
        self.folder, self.hearing, self.digests, self.whole = folder, Hearing.of(rate), dict(digests), whole

    def missing(self, clips: Sequence[Clip]) -> list[Clip]:
        """What of the clips has to be decoded, each once; the others count as used now.

        Args:
            clips: N clips.
        """
        found = {}
        for clip in map(self._kept, clips):
            path, _ = self._place(clip)
            try:
                os.utime(path)
            except OSError:
                found[path] = clip
        return list(found.values())

    def fill(self, clips: Sequence[Clip], workers: int, progress: Callable[[int], None]) -> None:
        """Decode what is missing; what cannot be decoded is left out, and fails when it is read.

        Args:
            clips: as `missing` gives them.
            workers: threads; each decodes another recording.
            progress: is called with the number of recordings done.

        Raises:
            AudioftError: the disk is full, or the folder cannot be written.
        """
        recordings: dict[Path, list[Clip]] = {}
        for clip in clips:
            recordings.setdefault(clip.path, []).append(clip)
        with ThreadPoolExecutor(max(1, workers)) as pool:
            try:
                for i, _ in enumerate(pool.map(self._fill, recordings.values())):
                    progress(i + 1)
            except OSError as e:
                pool.shutdown(cancel_futures=True)
                raise AudioftError(
                    f"cannot keep decoded clips in {self.folder}: {e.strerror or e}; make room there, set "
                    "XDG_CACHE_HOME to a folder with more, or leave out cache.audio"
                ) from e

    def __call__(self, clip: Clip, rate: Heard, start: float, end: float | None) -> np.ndarray:
        """Samples `(T,)` float32 of the part `[start, end)` seconds of the clip's recording.

        Raises:
            AudioError: it cannot be decoded, or holds nothing.
        """
        assert Hearing.of(rate) == self.hearing, f"kept for {self.hearing}, wanted for {rate}"
        kept = self._kept(clip)
        path, key = self._place(kept)
        rate = self.hearing.per_second
        first = round((start - kept.start) * rate)
        whole = end is None or (start, end) == (kept.start, kept.end)
        part = first, None if whole or end is None else round((end - start) * rate)
        try:
            samples = audio_file.read(path, key, *part)
        except audio_file.NotThere:
            samples = self._made_again(kept, path, key, part)
        if not len(samples):
            raise AudioError(clip.path, "decode", f"no samples from {start:.3f} s on")
        return samples

    def _made_again(self, kept: Clip, path: Path, key: bytes, part: tuple[int, int | None]) -> np.ndarray:
        with contextlib.suppress(OSError):
            self._write(kept, path, key)
            with contextlib.suppress(audio_file.NotThere):
                return audio_file.read(path, key, *part)
        with tempfile.TemporaryDirectory() as place:  # the cache is full or cannot be written: the same way, elsewhere
            path = Path(place, "clip")
            self._write(kept, path, key)
            return audio_file.read(path, key, *part)

    def _kept(self, clip: Clip) -> Clip:
        """What is kept of a clip: itself, or its recording."""
        return dataclasses.replace(clip, start=0.0, end=None) if self.whole else clip

    def _place(self, clip: Clip) -> tuple[Path, bytes]:
        version = _OLDER if clip.path.suffix.lower() in HEARD_AS_BEFORE else _VERSION
        with contextlib.suppress(AudioError):
            version = _FURTHER if io.heard_further(clip.path) else version
        told = (version, self.digests[clip.path], clip.start, clip.end, self.hearing.identity)
        key = hashlib.sha256(repr(told).encode()).digest()
        return self.folder / key.hex()[:2] / f"{key.hex()}.pcm", key

    def _fill(self, clips: list[Clip]) -> None:
        """Decode clips of one recording."""
        if len(clips) > 1:
            with contextlib.suppress(AudioError):
                info = io.probe(clips[0].path)
                if not io.seeks(info):
                    self._fill_from_one(clips, info.rate)
        for clip in self.missing(clips):
            with contextlib.suppress(AudioError):
                self._write(clip, *self._place(clip))

    def _fill_from_one(self, clips: list[Clip], rate: int) -> None:
        """Each part of a recording that is decoded from its beginning only, by decoding it once, not once a part.

        On the way it is a file of float samples at its own rate, which gives each part to the bit.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".decoding-", dir=self.folder) as place:
            decoded = Path(place, "whole.w64")
            writing.convert(clips[0].path, decoded, rate, subtype="FLOAT")
            for clip in clips:
                self._write(clip, *self._place(clip), decoded)

    def _write(self, clip: Clip, path: Path, key: bytes, source: Path | None = None) -> None:
        try:
            audio_file.write(path, key, lambda: io.stream(source or clip.path, self.hearing, clip.start, clip.end))
        except ValueError:
            raise AudioError(clip.path, "check", "samples that are not finite (NaN or infinity)") from None
