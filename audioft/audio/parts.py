"""A file read as if it were made of parts: bytes of its own between those of another one, or only some of them."""

from __future__ import annotations

import bisect
import io
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

#: Bytes that stand there themselves, or `(offset, length)` of the file.
Part = bytes | tuple[int, int]


class Parts(io.RawIOBase):
    """Parts one after the other, read from a file as they are asked for.

    Args:
        path: the file.
        parts: what is given in its place.
    """

    def __init__(self, path: str | Path, parts: Sequence[Part]):
        super().__init__()
        self._file = open(path, "rb")  # noqa: SIM115
        self._parts = [p for p in parts if (len(p) if isinstance(p, bytes) else p[1])]
        sizes = (len(p) if isinstance(p, bytes) else p[1] for p in self._parts)
        self._starts = [0, *itertools.accumulate(sizes)]
        self._at = 0

    @property
    def size(self) -> int:
        return self._starts[-1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        view, got = memoryview(buffer).cast("B"), 0
        while got < len(view) and self._at < self.size:
            number = bisect.bisect_right(self._starts, self._at) - 1
            part, inside = self._parts[number], self._at - self._starts[number]
            most = min(len(view) - got, self._starts[number + 1] - self._at)
            if isinstance(part, bytes):
                count = most
                view[got : got + most] = part[inside : inside + most]
            else:
                self._file.seek(part[0] + inside)
                count = self._file.readinto(view[got : got + most])
            if not count:
                break
            got += count
            self._at += count
        return got

    def close(self) -> None:
        self._file.close()
        super().close()
