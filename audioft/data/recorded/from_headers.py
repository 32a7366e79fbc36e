"""When a recording begins, as a recorder wrote it into the header of a WAV file.

AudioMoth writes a comment (`ICMT`), Wildlife Acoustics and bat detectors a chunk `guan` (https://guano-md.org), and
sound recorders the date and time of a broadcast file (`bext`, EBU Tech 3285).
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from audioft.data.recorded.began import Began, moment

_MOST_CHUNKS, _MOST_BYTES = 200, 65536
_AUDIOMOTH = re.compile(
    r"Recorded at (\d\d):(\d\d):(\d\d(?:\.\d+)?) (\d\d)/(\d\d)/(\d{4}) \(UTC(?:([+-])(\d\d?)(?::(\d\d))?)?\)"
)
_GUANO = re.compile(
    r"^Timestamp:\s*(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d(?:\.\d+)?) ?(Z|[+-]\d\d:?\d\d)?\s*$", re.MULTILINE
)
_BROADCAST = re.compile(r"(\d{4})[-_:. ](\d\d)[-_:. ](\d\d)(\d\d)[-_:. ](\d\d)[-_:. ](\d\d)")


def time(path: str | Path) -> Began | None:
    """When the recording in a WAV file begins; None where its header says nothing, and for other files.

    Where several parts of a header say it, GUANO goes first, then AudioMoth's comment, which say a zone, then `bext`.
    """
    found: list[tuple[int, Began]] = []
    try:
        with open(path, "rb") as file:
            for name, data in _chunks(file):
                told = _said(name, data)
                if told is not None:
                    found.append(told)
    except (OSError, ValueError, struct.error):
        return None
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _said(name: bytes, data: bytes) -> tuple[int, Began] | None:
    """What a chunk says, with its rank; the lowest goes first."""
    text = data.decode("utf-8", "replace")
    began: Began | None = None
    rank = 0
    if name == b"guan" and (said := _GUANO.search(text)):
        year, month, day, hours, minutes = map(int, said.groups()[:5])
        began = moment((year, month, day), (hours, minutes, float(said[6])), said[7])
    elif name == b"LIST" and (said := _AUDIOMOTH.search(text)):
        rank = 1
        day, month, year = map(int, said.groups()[3:6])
        zone = f"{said[7]}{int(said[8]):02d}{said[9] or '00'}" if said[7] else "Z"
        began = moment((year, month, day), (int(said[1]), int(said[2]), float(said[3])), zone)
    elif name == b"bext" and (said := _BROADCAST.fullmatch(data[320:338].decode("latin-1"))):
        rank = 2
        year, month, day, hours, minutes, seconds = map(int, said.groups())
        began = moment((year, month, day), (hours, minutes, seconds))
    return (rank, began) if began is not None and began.timed else None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a WAV file by name, as much of each as text may take, without its samples."""
    total = os.fstat(file.fileno()).st_size
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        return
    at, long = 12, 0
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        name, (size,) = head[:4], struct.unpack("<I", head[4:])
        if name == b"ds64":
            long = struct.unpack("<Q", file.read(16)[8:])[0]
        elif name == b"data":
            size = long if size == 0xFFFFFFFF else size
        elif name in (b"guan", b"LIST", b"bext"):
            yield name, file.read(min(size, _MOST_BYTES))
        at += 8 + size + size % 2
        if at >= total:
            return
