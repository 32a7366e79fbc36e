"""FLAC files of several streams one after the other, and streams longer than their beginning says.

libFLAC ends with the number of samples that a stream's first block tells, whatever follows. Frames tell no sizes, so
another stream is looked for by its first bytes; and the last frame's number tells where the samples really end.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from audioft.audio.parts import Part

_BLOCK = 2**20
_BEGINS = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_TAIL = 2**16  # bytes before the end, and twice the largest frame, among which the last frame is looked for
_TAG = 2**18  # bytes before a further stream that may be a tag of it
_TOTAL = 2**36 - 1  # the bits of the number of samples in the eight bytes from the rate on
_SIZES = (0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)


class Flac(NamedTuple):
    """What such a file is made of.

    Attributes:
        streams: each as what is to be read in its place.
        more: whether there is more than the first stream's beginning says.
    """

    streams: list[list[Part]]
    more: bool


def found(path: str | Path, alive: Callable[[], None] = lambda: None) -> Flac:
    """The streams of a FLAC file, with the lengths that they have."""
    with open(path, "rb") as file:
        total = os.fstat(file.fileno()).st_size
        begins = _beginnings(file, alive)
        starts = [0, *(_with_tag(file, at) for at in begins[1:])]
        out: list[list[Part]] = []
        longer = False
        for begin, magic, end in zip(starts, begins or [0], [*starts[1:], total], strict=True):
            mended = _mended(file, magic, end) if begins else []
            longer |= bool(mended)
            out.append(mended or [(begin, end - begin)])
    return Flac(out, longer or len(out) > 1)


def _beginnings(file: BinaryIO, alive: Callable[[], None]) -> list[int]:
    """Where streams begin, by their first bytes."""
    out: list[int] = []
    base, held = 0, b""
    while more := file.read(_BLOCK):
        alive()
        held += more
        out += [base + m.start() for m in _BEGINS.finditer(held)]
        keep = held[-7:]
        base, held = base + len(held) - len(keep), keep
    return out


def _with_tag(file: BinaryIO, at: int) -> int:
    """Where a stream begins with the ID3 tag before it."""
    begin = max(0, at - _TAG)
    file.seek(begin)
    data = file.read(at - begin)
    tag = data.rfind(b"ID3")
    if 0 <= tag <= len(data) - 10:
        size = sum((b & 0x7F) << s for b, s in zip(data[tag + 6 : tag + 10], (21, 14, 7, 0), strict=True))
        if begin + tag + 10 + size == at:
            return begin + tag
    return at


def _mended(file: BinaryIO, begin: int, end: int) -> list[Part]:
    """What to read in place of a stream whose beginning tells fewer samples than there are; nothing if it does not."""
    file.seek(begin)
    head = file.read(42)
    if len(head) < 42:
        return []
    largest = int.from_bytes(head[15:18], "big")
    packed = struct.unpack_from(">Q", head, 18)[0]
    told = packed & _TOTAL
    start = max(begin + 42, end - _TAIL - 2 * largest)
    file.seek(start)
    tail = file.read(end - start)
    blocks = struct.unpack_from(">H", head, 8)[0]
    last = next((n for m in reversed(list(re.finditer(rb"\xff[\xf8\xf9]", tail))) if (n := _end(tail, m, blocks))), 0)
    if not 0 < told < last <= _TOTAL:
        return []
    return [head[:18] + struct.pack(">Q", packed & ~_TOTAL | last), (begin + 26, end - begin - 26)]


def _end(data: bytes, match: re.Match[bytes], blocks: int) -> int:
    """The sample after a frame, if one begins there: of blocks of one size by its number, else by its first sample."""
    at = match.start()
    head = data[at : at + 16]
    if len(head) < 16 or not head[2] >> 4 or head[2] & 15 == 15 or head[3] >> 4 > 10 or head[3] & 1:
        return 0
    # the number is written as UTF-8 writes characters
    first = head[4]
    more = 0 if first < 0x80 else 8 - (first ^ 0xFF).bit_length() - 1
    if more < 0 or (first >= 0x80 and not 1 <= more <= 6):
        return 0
    number = first if first < 0x80 else first & (0x3F >> more)
    for byte in head[5 : 5 + more]:
        if byte >> 6 != 2:
            return 0
        number = number << 6 | byte & 0x3F
    place = 5 + more
    size = _SIZES[head[2] >> 4]
    if head[2] >> 4 in (6, 7):
        wide = 1 + (head[2] >> 4 == 7)
        size = int.from_bytes(head[place : place + wide], "big") + 1
        place += wide
    place += {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if place >= len(head) or _crc8(head[:place]) != head[place]:
        return 0
    return number + size if head[1] & 1 else number * blocks + size


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
    return value
