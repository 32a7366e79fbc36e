"""Recordings that lie one after the other in a file, heard as one."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.audio.header_claims import claimed
from audioft.errors import AudioError

#: libsndfile's way to say that the header holds no length (a FLAC written to a pipe).
UNKNOWN = 2**62


class Chain:
    """Recordings of one file, one after the other; to be used as `opening.Recording` is.

    Args:
        path: the file.
        links: each opens one of them.

    Raises:
        AudioError: at stage `open`: they differ in rate or channels.
    """

    raw, extra_info, container, whole, counted, skipped, said, more = None, "", "", True, 0, 0, "", True

    def __init__(self, path: str | Path, links: Sequence[Callable[[], Any]]):
        self.links, self._now = list(links), 0
        lengths, kinds = [], set()
        for link in self.links:
            with link() as one:
                kinds.add((int(one.samplerate), int(one.channels)))
                known = 0 < one.frames < UNKNOWN
                lengths.append(max(one.frames, claimed(one)) if known else -1)
        if len(kinds) > 1:
            told = " and ".join(f"{rate} Hz, {channels} channels" for rate, channels in sorted(kinds))
            raise AudioError(
                path, "open", f"{len(self.links)} streams one after the other, its streams differ: {told}; {_REMEDY}"
            )
        self.frames = -1 if min(lengths) < 0 else sum(lengths)
        self._starts = [0, *itertools.accumulate(lengths)]
        self._file = self.links[0]()
        self.samplerate, self.channels = self._file.samplerate, self._file.channels
        self.format, self.subtype = self._file.format, self._file.subtype

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def left(self) -> int:
        return 0

    def read(self, frames: int, **how: Any) -> np.ndarray:
        while True:
            found = self._file.read(frames, **how)
            if len(found) or self._now + 1 == len(self.links):
                return found
            self._open(self._now + 1)

    def seek(self, frame: int) -> int:
        """To a frame, counted from the first one's beginning; where decoding may begin anywhere."""
        self._open(min(bisect.bisect_right(self._starts, frame) - 1, len(self.links) - 1))
        start = self._starts[self._now]
        return start + int(self._file.seek(frame - start))

    def _open(self, number: int) -> None:
        self._file.close()
        self._now, self._file = number, self.links[number]()


_REMEDY = "take them apart, or convert it to FLAC or WAV"
