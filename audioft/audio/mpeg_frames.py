"""The frames of an MPEG audio stream: how many there are, and where, counted rather than guessed.

libsndfile takes the length of a stream from the Xing frame at its beginning, guesses it from the first bit rate where
there is none, and stops there. So a stream whose length is not told is shown to it with such a frame in front, made of
what was counted here, and with its frames alone: without tags and whatever else lies between them.
"""

from __future__ import annotations

import dataclasses
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from audioft.audio.parts import Part
from audioft.errors import AudioError

_BLOCK = 2**18
_BEYOND = 2**13  # bytes after the end that a Xing frame tells that may be a tag, and are no second stream
_FRAMES_BEYOND = 3  # frames after it are one
_KBPS = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)
_LARGEST = 2**13  # bytes of a frame of a free format


class Head(NamedTuple):
    """What the four bytes before each frame say: `size` in bytes, 0 where it cannot be told; `samples` a channel."""

    version: int
    layer: int
    rate: int
    channels: int
    size: int
    samples: int


def head_of(data: bytes, at: int = 0) -> Head | None:
    """The frame that begins at a place; None where none does."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    second, third, fourth = data[at + 1], data[at + 2], data[at + 3]
    version, layer = {3: 1, 2: 2, 0: 25}.get(second >> 3 & 3, 0), 4 - (second >> 1 & 3)
    if not version or layer == 4 or third >> 4 == 15 or third >> 2 & 3 == 3:
        return None
    rate = _RATES[third >> 2 & 3] // {1: 1, 2: 2, 25: 4}[version]
    kbps = _KBPS[1 if version == 1 else 2, layer][third >> 4]
    padding = third >> 1 & 1
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 1 else 1152
    size = (12000 * kbps // rate + padding) * 4 if layer == 1 else samples // 8 * 1000 * kbps // rate + padding
    return Head(version, layer, rate, 1 if fourth >> 6 == 3 else 2, size if kbps else 0, samples)


@dataclasses.dataclass
class Stream:
    """Frames that follow one another.

    Attributes:
        first: the header of the first frame that holds sound.
        beginning: its bytes.
        count: how many there are.
        runs: where they lie, `(offset, length)`.
        constant: they lie without gaps and all have the same size, but for a byte of padding.
        strange: bytes between them that are neither frames nor tags.
        free: of a free format, whose frames do not say how long they are.
    """

    first: Head
    beginning: bytes
    count: int
    runs: list[tuple[int, int]]
    constant: bool
    strange: int
    free: bool = False

    @property
    def seconds(self) -> float:
        return self.count * self.first.samples / self.first.rate

    @property
    def samples(self) -> int:
        """A channel."""
        return self.count * self.first.samples

    def parts(self) -> list[Part]:
        """The stream with a Xing frame in front that tells its length, and a silent frame.

        A decoder that finds a Xing frame leaves out what decoding lags behind, 529 samples; where there is none it does
        not, and of such a stream nothing is to be lost. The silent frame is more than that: whatever is left of it in
        front of the stream's own samples is to be skipped.
        """
        told, silent = self._in_front()
        return [told, silent, *self.runs]

    def _in_front(self) -> tuple[bytes, bytes]:
        side = (9, 17, 17, 32)[2 * (self.first.version == 1) + self.first.channels - 1]  # bytes before what it tells
        sync, second, third, fourth = self.beginning
        for bits in range(1, 15):  # the smallest frame that all of it fits into; without a checksum, so with a 1
            data = bytes((sync, second | 1, bits << 4 | third & 0x0C, fourth))
            head = head_of(data)
            if head is not None and head.size >= 4 + side + 16:
                told = struct.pack(">4sIII", b"Xing", 3, self.count + 1, sum(n for _, n in self.runs) + 2 * head.size)
                return (data + bytes(side) + told).ljust(head.size, b"\0"), data.ljust(head.size, b"\0")
        raise AssertionError("no frame is large enough")


def told(path: str | Path) -> bool:
    """Whether a frame at the beginning says how long the stream is, and no further sound comes after it."""
    with open(path, "rb") as file:
        walk = _Walk(file, 0, os.fstat(file.fileno()).st_size, lambda: None)
        while (skipped := walk.tag(walk.bytes_at(walk.at, 10))) > 0 and walk.at < walk.end:
            walk.at += skipped
        head = head_of(walk.bytes_at(walk.at, 4))
        first = walk.bytes_at(walk.at, (head.size or 256) if head else 0)
        found = re.search(rb"(?s)(Xing|Info)(.{12})|VBRI.{6}(.{4})", first)
        if not head or not found:
            return False
        flags, _, size = struct.unpack(">III", found[2]) if found[2] else (3, 0, *struct.unpack(">I", found[3]))
        if flags & 3 != 3:
            return False
        file.seek(max(0, walk.end - 128))
        tag = 128 * (file.read(3) == b"TAG")
        end = walk.at + size
        if walk.end - end - tag > _BEYOND:
            return False
        try:
            more = _Walk(file, end, walk.end, lambda: None).walked()
        except AudioError:  # of another kind
            return False
        return more is None or more.count < _FRAMES_BEYOND


def counted(
    path: str | Path, begin: int = 0, end: int | None = None, alive: Callable[[], None] = lambda: None
) -> Stream | None:
    """The frames of the stream in a file, or between two places of it; None where there are none of a known size.

    Raises:
        AudioError: at stage `decode`: the rate or the number of channels changes, or a second of it is no sound.
    """
    with open(path, "rb") as file:
        end = min(end or 2**62, os.fstat(file.fileno()).st_size)
        found = _Walk(file, begin, end, alive).walked()
    if found is None:
        return None
    if found.strange > max(4 * 4096, sum(n for _, n in found.runs) / max(found.seconds, 1.0)):
        what = f"{found.strange:,} bytes between its MPEG frames are no sound"
        raise AudioError(path, "decode", f"{what}: the file is damaged; convert what is left of it to FLAC or WAV")
    return found


class _Walk:
    """A way through the frames, in blocks."""

    def __init__(self, file: BinaryIO, begin: int, end: int, alive: Callable[[], None]):
        self.file, self.at, self.end, self.alive = file, begin, end, alive
        self.data, self.base = b"", begin
        self.first: tuple[Head, bytes] | None = None
        self.runs: list[tuple[int, int]] = []
        self.count = self.strange = 0
        self.free = 0  # bytes of a frame of a free format, without padding
        self.sizes: set[int] = set()

    def bytes_at(self, at: int, count: int) -> bytes:
        if not self.base <= at <= at + count <= self.base + len(self.data):
            self.alive()
            self.file.seek(at)
            self.base, self.data = at, self.file.read(min(max(_BLOCK, count), max(0, self.end - at)))
        return self.data[at - self.base : at - self.base + count]

    def walked(self) -> Stream | None:
        while self.at < self.end - 3:
            here = self.bytes_at(self.at, 10)
            head = self._head(self.at, here)
            if head is not None and head.size and self._belongs(head, here):
                self._take(head)
            elif (skipped := self.tag(here)) > 0:
                self.at += skipped
            else:
                self._search()
        if self.first is None:
            return None
        constant = len(self.runs) == 1 and max(self.sizes) - min(self.sizes) <= 4
        return Stream(*self.first, self.count, self.runs, constant, self.strange, self.free > 0)

    def _head(self, at: int, here: bytes) -> Head | None:
        """The frame that begins at a place; of a free format with the size of the first one, up to the second."""
        head = head_of(here)
        if head is None or head.size or head.layer == 1:
            return head
        padding = here[2] >> 1 & 1
        if not self.free and not self.count:
            data = self.bytes_at(at, 2 * _LARGEST)
            third_byte = re.escape(bytes(here[2] & 0xFC | low for low in range(4)))  # padding changes
            alike = re.compile(re.escape(here[:2]) + b"[" + third_byte + b"]")
            for m in alike.finditer(data, 24):
                size = m.start() - padding
                third = m.start() + size + (data[m.start() + 2] >> 1 & 1)
                if size < _LARGEST and (alike.match(data, third) or at + third >= self.end - 3):
                    self.free = size
                    break
        return head._replace(size=self.free + padding) if self.free else head

    def _belongs(self, head: Head, here: bytes) -> bool:
        """Whether a frame is one of the stream: the first is one if another follows, the others are like it."""
        after_a_gap = not self.runs or sum(self.runs[-1]) != self.at
        if after_a_gap and not self._follows(self.at, head):
            return False
        if self.first is None:
            self.first = head, here[:4]
            return True
        own = self.first[0]
        if (head.version, head.layer, head.rate) == (
            own.version,
            own.layer,
            own.rate,
        ) and head.channels == own.channels:
            return True
        if self._follows(self.at, head):
            was, now = (f"{h.rate} Hz, {h.channels} channels" for h in (own, head))
            at = self.count * own.samples / own.rate
            raise AudioError(
                getattr(self.file, "name", "-"),
                "decode",
                f"its MPEG frames change from {was} to {now} at {at:.2f} s; convert it to FLAC or WAV",
            )
        return False

    def _follows(self, at: int, head: Head) -> bool:
        """Whether another frame of the same kind, a tag or the end comes after one."""
        after = at + head.size
        if after >= self.end - 3:
            return at + head.size <= self.end + 4
        here = self.bytes_at(after, 10)
        again = self._head(after, here)
        alike = again is not None and (again.version, again.layer, again.rate) == (head.version, head.layer, head.rate)
        return alike or self.tag(here) > 0

    def _take(self, head: Head) -> None:
        size = head.size
        if self.at + size > self.end:  # cut off within it
            self.at = self.end
            return
        if self.count == 0 and self._tells_only(head):
            self.at += size
            self.first = None
            return
        if self.runs and sum(self.runs[-1]) == self.at:
            self.runs[-1] = self.runs[-1][0], self.runs[-1][1] + size
        else:
            self.runs.append((self.at, size))
        self.count += 1
        self.sizes.add(head.size)
        self.at += size

    def _tells_only(self, head: Head) -> bool:
        """Whether a frame holds no sound but the length of the stream."""
        return bool(re.search(rb"Xing|Info|VBRI", self.bytes_at(self.at, head.size)[4:44]))

    def tag(self, here: bytes) -> int:
        """How long a tag is that begins here; 0 where none does."""
        if here[:3] == b"ID3" and len(here) == 10 and all(b < 128 for b in here[6:10]):
            return 10 + sum(b << s for b, s in zip(here[6:10], (21, 14, 7, 0), strict=True)) + 10 * (here[5] >> 4 & 1)
        if here[:3] == b"TAG" and self.end - self.at >= 128:
            return 128
        if here[:8] == b"APETAGEX":
            size, _, flags = struct.unpack_from("<III", self.bytes_at(self.at, 32).ljust(32, b"\0"), 12)
            return 32 + size if flags & 0x20000000 else 32
        return 0

    def _search(self) -> None:
        """On to the next byte that may begin a frame or a tag."""
        begin = self.at
        self.at += 1
        while self.at < self.end - 3:
            block = self.bytes_at(self.at, min(4096, self.end - self.at))
            m = re.search(rb"\xff[\xe0-\xff]|ID3|TAG|APETAGEX", block)
            if m:
                self.at += m.start()
                break
            self.at += max(1, len(block) - 8)
        # zeros between frames are padding
        if self.count and self.bytes_at(begin, min(4096, self.at - begin)).strip(b"\0"):
            self.strange += self.at - begin
