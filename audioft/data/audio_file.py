"""One decoded clip on the disk: 16-bit samples, of which any part can be read and is known to be as it was written."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from audioft.core.storage import cache_file

BLOCK = 2**17  # samples that have a hash of their own: 8 s at 16 kHz
_MAGIC = b"AFT-PCM1"
_HASH = 16  # bytes of a block's hash
# magic, hash of all that follows it and of the blocks' hashes, whose clip it is, samples, what a step of 1 is worth
_HEAD = struct.Struct("<8s32s32sQd")
_PLAIN = 1 / 32768  # the worth with which 16-bit recordings come back to the bit


class NotThere(Exception):
    """There is no such file, or it is damaged, or another's."""


def write(path: Path, key: bytes, blocks: Callable[[], Iterable[np.ndarray]]) -> None:
    """Write a clip, whole or not at all; in the memory of a few blocks.

    What is louder than full scale is not cut off: all of the clip then has coarser steps.

    Args:
        path: the file; its folder is made.
        key: 32 bytes that say whose samples these are.
        blocks: gives the samples from the beginning, arrays `(T_i,)` float32; is called a second time for a loud clip.

    Raises:
        OSError: the file system refuses.
        ValueError: a sample is not a number.
    """
    with cache_file(path) as file:
        peak = _fill(file, key, blocks(), _PLAIN)
        if peak > 32767 * _PLAIN:
            _fill(file, key, blocks(), peak / 32767)


def read(path: Path, key: bytes, start: int = 0, count: int | None = None) -> np.ndarray:
    """Samples of a clip, `(count,)` float32, moved towards the beginning where they would reach beyond the end.

    Args:
        path: the file.
        key: whose samples are expected.
        start: the first sample.
        count: how many; None for all that follow.

    Raises:
        NotThere: so that the clip has to be decoded.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size or head[:8] != _MAGIC:
                raise NotThere
            _, digest, owner, samples, worth = _HEAD.unpack(head)
            file.seek(_HEAD.size + 2 * samples)
            hashes = file.read(_HASH * math.ceil(samples / BLOCK))
            if owner != key or digest != hashlib.sha256(head[40:] + hashes).digest():
                raise NotThere
            first, last = span(samples, start, count)
            return _verified(file, hashes, first, last, samples).astype(np.float32) * np.float32(worth)
    except (OSError, OverflowError) as e:
        raise NotThere from e


def span(samples: int, start: int, count: int | None) -> tuple[int, int]:
    """The part of so many samples that is read, see `read`.

    >>> span(10, 2, 4), span(10, 8, 4), span(10, 3, None)
    ((2, 6), (6, 10), (3, 10))
    """
    if count is None:
        return min(start, samples), samples
    first = max(0, min(start, samples - count))
    return first, min(samples, first + count)


def _verified(file: BinaryIO, hashes: bytes, first: int, last: int, samples: int) -> np.ndarray:
    """`[first, last)` as int16; whole blocks are read, and compared with their hashes."""
    begin = first // BLOCK * BLOCK
    end = min(samples, math.ceil(last / BLOCK) * BLOCK)
    file.seek(_HEAD.size + 2 * begin)
    data = file.read(2 * (end - begin))
    for i in range(begin // BLOCK, math.ceil(end / BLOCK)):
        block = memoryview(data)[2 * (i * BLOCK - begin) : 2 * ((i + 1) * BLOCK - begin)]
        if hashlib.sha256(block).digest()[:_HASH] != hashes[_HASH * i : _HASH * (i + 1)]:
            raise NotThere
    return np.frombuffer(data, "<i2")[first - begin : last - begin]


def _fill(file: BinaryIO, key: bytes, blocks: Iterable[np.ndarray], worth: float) -> float:
    """Write everything from the beginning; the largest absolute value of the samples."""
    file.seek(0)
    file.truncate()
    file.write(bytes(_HEAD.size))
    hashes, held, samples, peak = [], bytearray(), 0, 0.0
    for block in blocks:
        if not np.isfinite(block).all():
            raise ValueError("samples that are not finite")
        peak = max(peak, float(np.abs(block).max(initial=0)))
        held += _steps(block, worth).tobytes()
        samples += len(block)
        while len(held) >= 2 * BLOCK:
            hashes.append(_written(file, held[: 2 * BLOCK]))
            del held[: 2 * BLOCK]
    if held:
        hashes.append(_written(file, held))
    file.write(b"".join(hashes))
    rest = _HEAD.pack(_MAGIC, bytes(32), key, samples, worth)[40:]
    file.seek(0)
    file.write(_MAGIC + hashlib.sha256(rest + b"".join(hashes)).digest() + rest)
    return peak


def _written(file: BinaryIO, data: bytearray) -> bytes:
    file.write(data)
    return hashlib.sha256(data).digest()[:_HASH]


def _steps(samples: np.ndarray, worth: float) -> np.ndarray:
    return np.clip(np.rint(samples / np.float32(worth)), -32768, 32767).astype("<i2")
