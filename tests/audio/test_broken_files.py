"""What is said of files that are there and hold no sound: true, and with what they begin with."""

from __future__ import annotations

import random
import shutil

import pytest

from audioft.audio import io
from audioft.errors import AudioError

NOISE = random.Random(0).randbytes(4000)
BROKEN = {
    "noise.mp3": NOISE,
    "zeros.mp3": bytes(5000),
    "text.mp3": b"hello",
    "tag.mp3": b"ID3\x04\0\0\0\0\0\x0a" + bytes(3000),
    "frame.mp3": b"\xff\xfb\x90\x00" + NOISE,
    "noise.flac": b"fLaC" + NOISE,
    "noise.wav": b"RIFF\x10\0\0\0WAVE" + NOISE,
    "noise.ogg": b"OggS" + NOISE,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_that_is_there_is_not_said_to_be_missing(name, tmp_path):
    (tmp_path / name).write_bytes(BROKEN[name])
    with pytest.raises(AudioError) as caught:
        io.read(tmp_path / name, 16000)
    assert "not audio that soundfile can read" in caught.value.reason
    assert "does not exist" not in caught.value.reason
    assert "pipe" not in caught.value.reason
    if name.endswith(".mp3"):
        assert "damaged, or of another format than its name says" in caught.value.reason


def test_so_is_the_beginning_of_an_mp3(tmp_path):
    shutil.copy("samples/recordings/hugo_invitation.mp3", tmp_path / "cut.mp3")
    with open(tmp_path / "cut.mp3", "r+b") as file:
        file.truncate(300)
    with pytest.raises(AudioError, match="damaged, or of another format than its name says"):
        io.read(tmp_path / "cut.mp3", 16000)
