"""How many frames a header claims, where libsndfile does not hand the claim on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def claimed(file: Any) -> int:
    """Frames by the header before libsndfile lowered them to the file's size, from its log; 0 if not told."""
    log = file.extra_info
    if m := re.search(r"^\s*(?:data|Data Size)\s*: (\d+) \(should be (\d+)\)", log, re.MULTILINE):
        claimed, found = int(m[1]), int(m[2])
        # a program that writes to a pipe cannot know the size and puts the largest number there
        if found and claimed < 0x7FFF0000:
            return file.frames * claimed // found
    if m := re.search(r"^riff : (\d+) \(should be (\d+)\)", log, re.MULTILINE):  # W64: the whole file's bytes
        data = re.search(r"^data : (\d+)$", log, re.MULTILINE)
        missing = int(m[1]) - int(m[2])
        if data and 0 < missing < int(data[1]) < 2**62:
            return file.frames * (int(data[1]) - 24) // max(int(data[1]) - 24 - missing, 1)
    if m := re.search(r"from 'COMM' chunk \((\d+)\)|from 'ds64' chunk of (\d+)", log):
        return 0 if int(m[1] or m[2]) == 0xFFFFFFFF else int(m[1] or m[2])
    return 0


def guessed(path: str | Path, file: Any) -> bool:
    """Whether the number of frames is extrapolated from the first bit rate: an MP3 without a Xing frame."""
    if not file.subtype.startswith("MPEG"):
        return False
    with Path(path).open("rb") as raw:
        head = raw.read(10)
        if head[:3] == b"ID3":  # its size is 4 x 7 bits
            raw.seek(10 + sum((b & 0x7F) << s for b, s in zip(head[6:10], (21, 14, 7, 0), strict=True)))
        else:
            raw.seek(0)
        return not re.search(rb"Xing|Info|VBRI", raw.read(4096))
