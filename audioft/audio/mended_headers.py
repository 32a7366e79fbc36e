"""Headers whose sizes were never written: by a program that wrote to a pipe, or a recorder that lost power.

A size of 0, or the largest number there is, means "to the end of the file". libsndfile takes some of these for a file
without samples and refuses others, so it is shown the header as it should be.
"""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from audioft.audio.containers import ENDLESS, unpadded, wrapped
from audioft.audio.parts import Part

#: WAVE_FORMAT tags of MPEG audio.
MPEG_TAGS = frozenset({0x50, 0x55})
_MOST_CHUNKS = 1000
_TAIL = 2**16  # bytes at the end of a file among which chunks after the samples are looked for
_AFTER = (b"LIST", b"bext", b"iXML", b"id3 ", b"ID3 ", b"cue ", b"fact", b"JUNK", b"junk", b"PAD ", b"_PMX", b"smpl")


class Wav(NamedTuple):
    """Where the samples of a RIFF file are.

    Attributes:
        tag: its WAVE_FORMAT.
        rate, channels: as the header says.
        begin, end: of the samples, in bytes; the end is at most that of the file.
        parts: what to read in place of the file where a size is unknown; none where the header can be read as it is.
        unknown: whether it was not known how long it would be.
    """

    tag: int
    rate: int
    channels: int
    begin: int
    end: int
    parts: list[Part]
    unknown: bool = False


def plain(head: bytes, total: int) -> Wav | None:
    """What the first bytes of an ordinary WAV file of so many bytes say, whose sound lies behind them and ends with it.

    None of any other, which has to be looked at.
    """
    at, tag, rate, channels = 12, 0, 0, 0
    if head[:4] != b"RIFF":
        return None
    while at + 24 <= len(head):
        name, size = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        if name == b"data":
            begin = at + 8
            whole = rate and 0 < size < ENDLESS and 0 <= total - begin - size < 8
            return Wav(tag, rate, channels, begin, begin + size, []) if whole else None
        if name == b"fmt ":
            tag, channels, rate = struct.unpack_from("<HHI", head, at + 8)
            if tag == 0xFFFE:
                return None
        at += 8 + size + size % 2
    return None


def wav(path: str | Path, origin: int = 0, end: int | None = None) -> Wav | None:
    """What the chunks of a RIFF, RIFX or RF64 file say, or of one that lies between two places of a file.

    None where there is no format or are no samples.
    """
    with open(path, "rb") as file:
        total = os.fstat(file.fileno()).st_size if end is None else end
        file.seek(origin)
        kind = file.read(12)
        order = ">" if kind[:4] == b"RIFX" else "<"
        large = kind[:4] in (b"RF64", b"BW64")
        at, tag, rate, channels, long_at, claimed = origin + 12, 0, 0, 0, 0, 0
        gaps: list[int] = []  # where the byte is missing that makes the size of a chunk even
        for _ in range(_MOST_CHUNKS):
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                return None
            name, size = head[:4], struct.unpack(f"{order}I", head[4:])[0]
            if name == b"data":
                break
            if name == b"fmt ":
                body = file.read(40)
                if len(body) < 16:
                    return None
                tag, channels, rate = struct.unpack_from(f"{order}HHI", body)
                if tag == 0xFFFE and len(body) >= 26:  # WAVE_FORMAT_EXTENSIBLE: the tag begins its GUID
                    tag = struct.unpack_from(f"{order}H", body, 24)[0]
            elif name == b"ds64" and large:
                long_at = at
                body = file.read(16)
                claimed = struct.unpack_from("<Q", body, 8)[0] if len(body) == 16 else 0
            at += 8 + size
            if size % 2 and unpadded(file, at):
                gaps.append(at)
            else:
                at += size % 2
        else:
            return None
        begin = at + 8
        if not rate or begin > total:
            return None
        if long_at:
            unknown = claimed in (0, 2**64 - 1)
            size = claimed
        else:
            unknown = size == 0 or (size == 0xFFFFFFFF and large) or wrapped(total - begin, size) > 0
            if size == 0xFFFFFFFF and begin + size > total:  # libsndfile reads to the end, chunks there as sound, too
                unknown = unknown or _before_chunks(file, begin, total, order) < total
        if not unknown or begin == total:
            endless = size >= ENDLESS and begin + size > total
            parts = _padded(origin, gaps, total) if gaps else []
            return Wav(tag, rate, channels, begin, min(begin + size, total), parts, endless)
        end = _before_chunks(file, begin, total, order)
        if end == begin:  # nothing but chunks follows: there really are no samples
            return Wav(tag, rate, channels, begin, begin, [])
        parts = _mended(file, origin, at, begin, end, long_at, order, large)
        if gaps:
            parts = [*_padded(0, [g - origin for g in gaps], begin - origin, parts[0]), *parts[1:]]
        return Wav(tag, rate, channels, begin, end, parts, True)


def _mended(
    file: BinaryIO, origin: int, at: int, begin: int, end: int, long_at: int, order: str, large: bool
) -> list[Part]:
    file.seek(origin)
    head = bytearray(file.read(begin - origin))
    size = end - begin
    at, end, long_at = at - origin, end - origin, long_at and long_at - origin
    if long_at:
        head[long_at + 8 : long_at + 32] = struct.pack("<QQQ", end - 8, size, 0)
    elif large:  # without a ds64 it is no RF64
        head[:4] = b"RIFF"
    if not long_at:
        # what libsndfile takes for "to the end", however long that is, holds for RIFF alone
        whole = order == "<"
        head[4:8] = struct.pack(f"{order}I", 8 if whole else min(end - 8, 0xFFFFFFFF))
        head[at + 4 : at + 8] = struct.pack(f"{order}I", 0 if whole else min(size, 0xFFFFFFFF))
    return [bytes(head), (begin, size)]


def _padded(origin: int, gaps: Sequence[int], end: int, head: Part | None = None) -> list[Part]:
    """The bytes up to `end`, of the file or of `head`, with one more at each of the gaps."""
    edges = [origin, *gaps, end]
    parts: list[Part] = []
    for first, last in itertools.pairwise(edges):
        parts += [head[first:last] if isinstance(head, bytes) else (first, last - first), b"\0"]
    return parts[:-1]


def _before_chunks(file: BinaryIO, begin: int, total: int, order: str) -> int:
    """Where the samples end that reach to the end of the file: before chunks that end with it exactly."""
    start = max(begin, total - _TAIL)
    file.seek(start)
    tail = file.read(total - start)
    found = total
    for name in _AFTER:
        at = tail.find(name)
        while at >= 0:
            if _chain(tail, at, order):
                found = min(found, start + at)
                break
            at = tail.find(name, at + 1)
    return found


def _chain(tail: bytes, at: int, order: str) -> bool:
    """Whether chunks that follow one another from there end where the file does."""
    while at + 8 <= len(tail):
        if not all(32 <= c < 127 for c in tail[at : at + 4]):
            return False
        size = struct.unpack_from(f"{order}I", tail, at + 4)[0]
        at += 8 + size
        if at == len(tail):
            return True
        at += size % 2
    return at == len(tail)


def unknown_size(path: str | Path, head: bytes) -> list[Part]:
    """What to read in place of an AU or W64 file that does not say how long it is; nothing where it says so."""
    return _w64(path) if head[:4] == b"riff" else _au(path)


def _w64(path: str | Path) -> list[Part]:
    """Of Sonic Foundry's W64 files, whose sizes count their own heads."""
    with open(path, "rb") as file:
        total = os.fstat(file.fileno()).st_size
        at = 40
        for _ in range(_MOST_CHUNKS):
            file.seek(at)
            head = file.read(24)
            if len(head) < 24:
                return []
            size = struct.unpack("<Q", head[16:])[0]
            if head[:4] == b"data":
                break
            if not 24 <= size <= total:
                return []
            at += size + -size % 8
        else:
            return []
        if 24 < size < 2**62 or at + 24 >= total:
            return []
        file.seek(0)
        start = bytearray(file.read(at + 24))
    start[16:24], start[at + 16 : at + 24] = struct.pack("<Q", total), struct.pack("<Q", total - at)
    return [bytes(start), (at + 24, total - at - 24)]


def _au(path: str | Path) -> list[Part]:
    """What to read in place of a file by Sun or NeXT whose size is 0; nothing where it says one."""
    with open(path, "rb") as file:
        head = file.read(24)
        total = os.fstat(file.fileno()).st_size
    if len(head) < 24 or head[:4] not in (b".snd", b"dns."):
        return []
    order = ">" if head[:4] == b".snd" else "<"
    begin, size = struct.unpack_from(f"{order}II", head, 4)
    if size or not 24 <= begin < total:
        return []
    return [head[:8] + b"\xff" * 4 + head[12:], (24, total - 24)]
