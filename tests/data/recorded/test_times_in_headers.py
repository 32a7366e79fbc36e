"""When recordings begin, as recorders write it into WAV files: comments, GUANO and broadcast chunks."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

from audioft.data.recorded import from_headers

MORNING = "2024-01-31T05:30:00"
AUDIOMOTH = (
    "Recorded at 05:30:00 31/01/2024 (UTC{}) by AudioMoth 24F319055FDF2205 at gain setting 2 while battery was 4.5V."
)
GUANO = "GUANO|Version:1.0\nMake:Wildlife Acoustics\nTimestamp: {}\nLoc Position: 52.5 13.4\n"


def comment(text: str) -> bytes:
    data = text.encode() + b"\0"
    data += b"\0" * (len(data) % 2)
    return chunk(b"LIST", b"INFOICMT" + struct.pack("<I", len(data)) + data)


def broadcast(date: str, time: str) -> bytes:
    return chunk(b"bext", bytes(320) + date.encode() + time.encode() + bytes(602 - 338))


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def wav(path, *extra: bytes, after: bool = False):
    """A WAV file with chunks before, or after, its samples."""
    soundfile.write(path, np.zeros(801), 8000, subtype="PCM_U8")
    data = path.read_bytes()
    body = data[12:] + b"".join(extra) if after else data[12:36] + b"".join(extra) + data[36:]
    path.write_bytes(data[:4] + struct.pack("<I", len(body) + 4) + data[8:12] + body)
    return path


def told(path) -> str | None:
    found = from_headers.time(path)
    return None if found is None else found.at.isoformat()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("extra", "when"),
    [
        (comment(AUDIOMOTH.format("")), f"{MORNING}+00:00"),
        (comment(AUDIOMOTH.format("+1")), f"{MORNING}+01:00"),
        (comment(AUDIOMOTH.format("-3:30")), f"{MORNING}-03:30"),
        (comment(AUDIOMOTH.format("").replace("05:30:00 ", "05:30:00.250 ")), "2024-01-31T05:30:00.250000+00:00"),
        (chunk(b"guan", GUANO.format("2024-01-31T05:30:00+10:00").encode()), f"{MORNING}+10:00"),
        (chunk(b"guan", GUANO.format("2024-01-31 05:30:00").encode()), MORNING),
        (chunk(b"guan", GUANO.format("2024-01-31T05:30:00.000Z").encode()), f"{MORNING}+00:00"),
        (broadcast("2024-01-31", "05:30:00"), MORNING),
        (broadcast("2024:01:31", "05-30-00"), MORNING),
        (broadcast("2024-01-31", "05:30:00") + comment(AUDIOMOTH.format("+2")), f"{MORNING}+02:00"),
    ],
)
def test_headers_with_a_time(tmp_path, extra, when, after):
    assert told(wav(tmp_path / "a.wav", extra, after=after)) == when


@pytest.mark.parametrize(
    "extra",
    [
        b"",
        comment("Recorded at the lake"),
        comment(AUDIOMOTH.format("").replace("31/01", "01/31")),
        chunk(b"guan", GUANO.format("2024-13-31T05:30:00").encode()),
        chunk(b"guan", GUANO.format("yesterday").encode()),
        broadcast("0000-00-00", "00:00:00"),
        broadcast("1970-01-01", "00:00:12"),
        broadcast("\0" * 10, "\0" * 8),
        chunk(b"bext", b"short"),
        chunk(b"guan", bytes(range(256))),
    ],
)
def test_headers_without_one(tmp_path, extra):
    assert told(wav(tmp_path / "a.wav", extra)) is None


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF\xff\xff\xff\xffWAVEguan", b"fLaC" + bytes(100), b"RIFX" + bytes(60)]
)
def test_what_is_no_whole_header(tmp_path, data):
    (tmp_path / "a.wav").write_bytes(data)
    assert told(tmp_path / "a.wav") is None
    assert told(tmp_path / "gone.wav") is None


def test_a_header_cut_at_any_byte(tmp_path):
    data = wav(tmp_path / "a.wav", comment(AUDIOMOTH.format("")), broadcast("2024-01-31", "05:30:00")).read_bytes()
    for size in range(0, 300, 7):
        (tmp_path / "cut.wav").write_bytes(data[:size])
        assert told(tmp_path / "cut.wav") in (None, f"{MORNING}+00:00")
