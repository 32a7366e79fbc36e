"""Ogg files of several streams one after the other, as web radio and recorders that go on write them."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

_BLOCK = 2**18


def links(path: str | Path, alive: Callable[[], None] = lambda: None) -> tuple[list[tuple[int, int]], bool]:
    """Where each stream lies, `(offset, length)`, and whether the last one has an end.

    What comes after damage is of the stream before it.

    Streams that go on side by side, as sound and film do, are one.
    """
    starts, open_streams, ended = [0], set[int](), False
    with open(path, "rb") as file:
        total = os.fstat(file.fileno()).st_size
        at, base, data, begun = 0, 0, b"", False
        while at + 27 <= total:
            if not data or (at + 282 > base + len(data) and base + len(data) < total):
                alive()
                file.seek(at)
                base, data = at, file.read(_BLOCK)
            here = at - base
            if data[here : here + 4] != b"OggS":
                found = data.find(b"OggS", here)
                at = base + found if found >= 0 else max(at + 1, base + len(data) - 3)
                continue
            flags, number = data[here + 5], struct.unpack_from("<I", data, here + 14)[0]
            segments = data[here + 26]
            if flags & 2:
                if begun:  # a beginning after sound: another link
                    starts.append(at)
                    open_streams.clear()
                    begun = False
                open_streams.add(number)
            else:
                begun = True
            if flags & 4:
                open_streams.discard(number)
                ended = not open_streams
            elif flags & 2:
                ended = False
            at += 27 + segments + sum(data[here + 27 : here + 27 + segments])
    return [(a, b - a) for a, b in zip(starts, [*starts[1:], total], strict=True)], ended
