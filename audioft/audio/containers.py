"""Recordings put one after the other in one file, as `cat` and recorders that go on make them; and what follows them.

Every decoder ends where the first container says that it ends, without a word. So where that is is looked up here.
"""

from __future__ import annotations

import functools
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

_MOST = 100_000  # parts of a container
#: A program that writes to a pipe cannot know the size, and puts the largest number there.
ENDLESS = 0x7FFF0000
_SEARCHED = 2**20  # bytes after one in which another is looked for
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_ASF = b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel"


class Layout(NamedTuple):
    """What a file is made of.

    Attributes:
        links: where each recording lies, `(offset, length)`; the last reaches to the end of what belongs to it.
        strange: bytes after them, other than zeros, that are no part of one.
        missing: bytes that the last one promises and are not there.
    """

    links: list[tuple[int, int]]
    strange: int = 0
    missing: int = 0


class _Chunks(NamedTuple):
    """How parts follow one another: where the first is, how long a name is, how the size is written (`>I` is 4 bytes,
    big-endian), whether name and size count in it, and to how many bytes it is rounded up."""

    start: int
    name: int
    size: str
    inclusive: bool
    even: int
    begins: re.Pattern[bytes]  # another container
    named: re.Pattern[bytes]  # what a name may be
    data: frozenset[bytes] = frozenset()  # whose size may be unknown


_ID = re.compile(rb"[ -~]{4}")
_GUID = re.compile(rb"(?s).{10}(?:\x00\xc0O\x8e\xdb\x8a|\x00\xaa\x00b\xcel|\x00\xa0\xc9\x03I[\xbe\xcb])")
_RIFF = re.compile(rb"(?s)(?:RIFF|RF64|BW64)....(?:WAVE|AVI |XWMA|QLCM)")
_FORM = re.compile(rb"(?s)FORM....AIF[FC]")
_PLANS = {
    b"RIFF": _Chunks(12, 4, "<I", False, 2, _RIFF, _ID, frozenset({b"data"})),
    b"RIFX": _Chunks(12, 4, ">I", False, 2, re.compile(rb"(?s)RIFX....WAVE"), _ID, frozenset({b"data"})),
    b"FORM": _Chunks(12, 4, ">I", False, 2, _FORM, _ID, frozenset({b"SSND"})),
    b"caff": _Chunks(8, 4, ">Q", False, 1, re.compile(rb"caff\0\x01"), _ID, frozenset({b"data"})),
    b"riff": _Chunks(40, 16, "<Q", True, 8, re.compile(re.escape(_W64)), _GUID),
    b"ASF": _Chunks(0, 16, "<Q", True, 1, re.compile(re.escape(_ASF)), _GUID),
}
_PLANS |= {b"RF64": _PLANS[b"RIFF"], b"BW64": _PLANS[b"RIFF"]}


def layout(path: str | Path, head: bytes, alive: Callable[[], None] = lambda: None) -> Layout:
    """What a file that begins with these bytes is made of; one recording where this kind of file is not known."""
    find = _plan(head)
    with open(path, "rb") as file:
        total = os.fstat(file.fileno()).st_size
        if find is None:
            return Layout([(0, total)])
        walk, begins = find
        links: list[tuple[int, int]] = []
        at = strange = 0
        while True:
            alive()
            end = max(at + 4, walk(file, at, total))
            if end >= total:
                links.append((at, total - at))
                return Layout(links, strange, end - total)
            file.seek(end)
            after = file.read(_SEARCHED)
            found = begins.search(after)
            between = after[: found.start()] if found else after
            strange += len(between.strip(b"\0"))
            links.append((at, end - at))
            if not found:
                if total - end > len(after):
                    strange += total - end - len(after)
                return Layout(links, strange)
            at = end + found.start()


_Walk = Callable[[BinaryIO, int, int], int]


def _plan(head: bytes) -> tuple[_Walk, re.Pattern[bytes]] | None:
    """How the end of such a container is found, and how another begins."""
    plan = _PLANS.get(b"ASF" if head.startswith(_ASF) else head[:4])
    if plan is not None:
        return functools.partial(_chunks, plan), plan.begins
    if head[4:8] == b"ftyp":
        return _boxes, re.compile(rb"(?s)\0...ftyp")
    if head[:4] in (b".snd", b"dns."):
        return _au, re.compile(re.escape(head[:4]) + rb"\0\0" if head[:1] == b"." else re.escape(head[:4]))
    if head[:4] == b"FLV\x01":
        return _flv, re.compile(rb"FLV\x01[\x00-\x05]\0\0\0\x09")
    if head[:4] == b"wvpk":
        return _wavpack, re.compile(b"wvpk")
    if head[:4] == b"\x1aE\xdf\xa3":
        return _matroska, re.compile(rb"\x1aE\xdf\xa3")
    if head[:4] == b"TTA1":
        return _tta, re.compile(b"TTA1")
    if head[:5] == b"#!AMR":
        return _amr, re.compile(rb"#!AMR(?:-WB)?\n")
    return None


def _bytes(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _chunks(plan: _Chunks, file: BinaryIO, begin: int, total: int) -> int:
    """Where chunks that follow one another end; beyond the file where one promises more than is there."""
    at, width = begin + plan.start, struct.calcsize(plan.size)
    long = 0
    for _ in range(_MOST):
        head = _bytes(file, at, plan.name + width)
        name = head[: plan.name]
        if len(head) < plan.name + width or not plan.named.fullmatch(name):
            return min(at, total)
        if at > begin and plan.begins.match(_bytes(file, at, 40)):
            return at
        size = struct.unpack(plan.size, head[plan.name :])[0]
        if plan.inclusive:
            size -= len(head)
            if size < 0:
                return at
        if name == b"ds64":
            long = struct.unpack("<Q", _bytes(file, at + 16, 8).ljust(8, b"\0"))[0]
        unknown = name in plan.data and (size == 0 or (size >= ENDLESS and at + size > total))
        if unknown and long and long < 2**62:
            size, unknown = long, False
        elif name in plan.data and not unknown and plan.size == "<I":
            size += wrapped(total - at - 8, size)
        at += len(head)
        if unknown:
            return _next(file, at, total, plan)
        at += size
        if at >= total:
            return at
        pad = -size % plan.even
        if pad and not plan.begins.match(_bytes(file, at, 40)) and not (plan.named is _ID and unpadded(file, at)):
            at += pad
        if at >= total:
            return total
    return total


def further_data(path: str | Path, end: int, order: str) -> int:
    """Bytes of a RIFF file in chunks of samples after the first, which ends at `end`; `order` is `<` or `>`."""
    found = 0
    with open(path, "rb") as file:
        total, at = os.fstat(file.fileno()).st_size, end
        for _ in range(_MOST):
            at += at % 2 and not unpadded(file, at)
            head = _bytes(file, at, 8)
            if len(head) < 8 or not _ID.fullmatch(head[:4]) or _RIFF.match(_bytes(file, at, 12)):
                return found
            size = min(struct.unpack(f"{order}I", head[4:])[0], total - at - 8)
            found += size if head[:4] == b"data" else 0
            at += 8 + size
    return found


def unpadded(file: BinaryIO, at: int) -> bool:
    """Whether the next chunk begins where the byte should be that makes the size of the last one even."""
    return bool(_ID.fullmatch(_bytes(file, at, 4)))


def wrapped(room: int, size: int) -> int:
    """What a size of 32 bits lacks where a recorder went on beyond 4 GB: all is there but for that."""
    beyond = room - size
    lost = beyond & ~0xFFFFFFFF
    return lost if lost and beyond - lost < 2**16 else 0


def _next(file: BinaryIO, at: int, total: int, plan: _Chunks) -> int:
    """Where another container begins, of one that does not say how long it is; the file's end where none does."""
    marks = [name for name, other in _PLANS.items() if other.begins is plan.begins]  # which are found ten times faster
    while at < total:
        data = _bytes(file, at, _SEARCHED + 40)
        if any(mark in data for mark in marks) and (found := plan.begins.search(data)):
            return at + found.start()
        at += _SEARCHED
    return total


def _boxes(file: BinaryIO, begin: int, total: int) -> int:
    """Of MPEG-4 and QuickTime."""
    at = begin
    for _ in range(_MOST):
        head = _bytes(file, at, 16)
        if len(head) < 8 or not re.fullmatch(rb"[ -~\xa9]{4}", head[4:8]) or (at > begin and head[4:8] == b"ftyp"):
            return min(at, total)
        size = struct.unpack(">I", head[:4])[0]
        if size == 1 and len(head) == 16:
            size = struct.unpack(">Q", head[8:])[0]
        if size == 0:
            return total
        if size < 8:
            return at
        at += size
        if at >= total:
            return at
    return total


def _au(file: BinaryIO, begin: int, total: int) -> int:
    head = _bytes(file, begin, 12)
    order = ">" if head[:1] == b"." else "<"
    if len(head) < 12:
        return total
    start, size = struct.unpack(f"{order}II", head[4:])
    return total if size in (0, 0xFFFFFFFF) else min(begin + start + size, total)


def _flv(file: BinaryIO, begin: int, total: int) -> int:
    """Tags, each followed by its size."""
    at = begin + 13
    while at < total:
        head = _bytes(file, at, 11)
        if len(head) < 11 or head[0] & 0x1F not in (8, 9, 18):
            return at
        at += 15 + int.from_bytes(head[1:4], "big")
    return at


def _wavpack(file: BinaryIO, begin: int, total: int) -> int:
    """Blocks; the first of a recording has the number 0."""
    at, last = begin, -1
    while at < total:
        head = _bytes(file, at, 32)
        if len(head) < 32 or head[:4] != b"wvpk":
            return at
        size, number = struct.unpack_from("<I", head, 4)[0], struct.unpack_from("<I", head, 16)[0]
        if number < last:
            return at
        at, last = at + 8 + size, number
    return at


def _tta(file: BinaryIO, begin: int, total: int) -> int:
    """Frames, whose sizes stand in front."""
    head = _bytes(file, begin, 22)
    rate, samples = struct.unpack_from("<II", head.ljust(22, b"\0"), 10)
    count = -(-samples // max(1, rate * 256 // 245))
    if not count or 4 * count > total:
        return total
    sizes = _bytes(file, begin + 22, 4 * count)
    return begin + 26 + len(sizes) + sum(n for (n,) in struct.iter_unpack("<I", sizes[: len(sizes) // 4 * 4]))


def _matroska(file: BinaryIO, begin: int, total: int) -> int:
    """The whole file: what follows one after the other is heard. Beyond it where its segment promises more."""
    at = begin
    for _ in range(_MOST):
        head = _bytes(file, at, 12)
        if head[:4] not in (b"\x1aE\xdf\xa3", b"\x18S\x80g") or len(head) < 12:
            return total
        width = 9 - head[4].bit_length()
        size = int.from_bytes(head[4 : 4 + width], "big") & ((1 << 7 * width) - 1)
        if not head[4] or size == (1 << 7 * width) - 1:
            return total
        at += 4 + width + size
        if at >= total:
            return at
    return total


_AMR = (12, 13, 15, 17, 19, 20, 26, 31, 5, 6, 5, 5, 0, 0, 0, 0)
_AMR_WB = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 5, 0, 0, 0, 0, 0)


def _amr(file: BinaryIO, begin: int, total: int) -> int:
    """Frames, whose first byte says how long each is."""
    head = _bytes(file, begin, 9)
    sizes, magic = (_AMR_WB, b"#!AMR-WB\n") if head == b"#!AMR-WB\n" else (_AMR, b"#!AMR\n")
    at, base, data = begin + len(magic), 0, b""
    while at < total:
        if not base <= at < base + len(data) - 9:
            base, data = at, _bytes(file, at, _SEARCHED)
        if data.startswith(b"#!AMR", at - base):
            return at
        at += 1 + sizes[data[at - base] >> 3 & 15]
    return at
