"""Streams that libsndfile would end early are heard to their end, sample by sample as their encoder was given them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

from audioft.audio import io, mpeg_frames
from audioft.errors import AudioError


def sound(rate, seconds, loud_first=True, channels=1):
    rng = np.random.default_rng(0)
    loud, quiet = rng.normal(0, 0.2, (2, round(seconds * rate / 2), channels)) * np.array([1, 0.001])[:, None, None]
    return np.concatenate([loud, quiet] if loud_first else [quiet, loud])


def mp3(path, samples, rate, xing=False, **how):
    """An MP3 of varying bit rate, by default without the frame that tells its length."""
    soundfile.write(path, samples, rate, format="MP3", **({"bitrate_mode": "VARIABLE", "compression_level": 0.3} | how))
    data = path.read_bytes()
    head = mpeg_frames.head_of(data)
    data = data if xing else data[head.size :]
    path.write_bytes(data)
    return data


def inside_wav(data, rate, channels, tag=0x55):
    fmt = struct.pack("<HHIIHHHHIHHH", tag, channels, rate, 4000, 1, 0, 12, 1, 2, 576, 1, 0)
    body = b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


@pytest.mark.parametrize("loud_first", [True, False])
@pytest.mark.parametrize(
    ("rate", "channels"),
    [
        (16000, 1),
        pytest.param(44100, 2, marks=pytest.mark.slow),
        (8000, 1),
        pytest.param(24000, 2, marks=pytest.mark.slow),
    ],
)
def test_mp3_of_varying_bit_rate_without_a_length(tmp_path, rate, channels, loud_first):
    path = tmp_path / "a.mp3"
    samples = sound(rate, 8, loud_first, channels)
    data = mp3(path, samples, rate)
    stream = mpeg_frames.counted(path)
    info = io.probe(path)
    assert info.frames == stream.samples
    got = io.read(path, rate=None)
    assert len(got) == stream.samples >= len(samples)
    delay = len(got) - len(samples)
    assert delay < 4 * 1152
    loud = slice(0, len(samples) // 2) if loud_first else slice(len(samples) // 2, None)
    lags = [np.corrcoef(samples.mean(1)[loud][:4000], got[loud][lag : lag + 4000])[0, 1] for lag in range(delay)]
    assert max(lags) > 0.5  # noise, of which an encoder leaves out the highest part
    (tmp_path / "b.wav").write_bytes(inside_wav(data, rate, channels))
    np.testing.assert_array_equal(io.read(tmp_path / "b.wav", rate=None), got)
    assert io.probe(tmp_path / "b.wav").format == "WAV MPEG_LAYER_III"
    np.testing.assert_array_equal(io.read(path, rate=None, start=2.0, end=3.0), got[2 * rate : 3 * rate])


def test_what_lies_between_frames_is_left_out(tmp_path):
    data = mp3(tmp_path / "a.mp3", sound(16000, 6), 16000)
    plain = io.read(tmp_path / "a.mp3")
    tag = b"ID3\x04\0\0" + bytes((0, 0, 4, 0)) + bytes(range(256)) * 2
    at = mpeg_frames.counted(tmp_path / "a.mp3").runs[0][1] // 2
    at = data.index(data[:2], at)
    while mpeg_frames.head_of(data, at + mpeg_frames.head_of(data, at).size) is None:
        at = data.index(data[:2], at + 1)
    for mutated in (
        tag + data,
        data + b"TAG" + bytes(125),
        data[:at] + tag + data[at:],
        data[:at] + bytes(3000) + data[at:],
    ):
        (tmp_path / "b.mp3").write_bytes(mutated)
        assert len(io.read(tmp_path / "b.mp3")) == len(plain)
    (tmp_path / "b.mp3").write_bytes(
        data[:at] + bytes(np.random.default_rng(0).integers(1, 200, 60_000).astype("u1")) + data[at:]
    )
    with pytest.raises(AudioError, match="are no sound"):
        io.read(tmp_path / "b.mp3")


def test_mp3_files_one_after_the_other(tmp_path):
    one = mp3(tmp_path / "a.mp3", sound(16000, 3), 16000, xing=True)
    alone = io.read(tmp_path / "a.mp3")
    (tmp_path / "b.mp3").write_bytes(one * 3)
    got = io.read(tmp_path / "b.mp3")
    assert 3 * len(alone) <= len(got) < 3 * len(alone) + 4 * 2304
    other = mp3(tmp_path / "c.mp3", sound(22050, 3), 22050)
    (tmp_path / "b.mp3").write_bytes(one * 2 + other)
    with pytest.raises(AudioError, match="change from 16000 Hz, 1 channels to 22050 Hz"):
        io.read(tmp_path / "b.mp3")


def test_an_ordinary_mp3_is_not_touched(tmp_path):
    samples = sound(44100, 3, channels=2)
    for how in ({"xing": True}, {"xing": True, "bitrate_mode": "CONSTANT"}, {"bitrate_mode": "CONSTANT"}):
        mp3(tmp_path / "a.mp3", samples, 44100, **how)
        expected, _ = soundfile.read(tmp_path / "a.mp3", dtype="float32")
        got = io.read(tmp_path / "a.mp3", rate=None)
        np.testing.assert_array_equal(got, (expected[:, 0] + expected[:, 1]) / np.float32(2))


@pytest.mark.parametrize(("form", "rate"), [("VORBIS", 16000), ("OPUS", 48000)])
def test_ogg_of_several_streams(tmp_path, form, rate):
    parts, samples = [], []
    for i, seconds in enumerate((2.0, 1.5, 3.0)):
        x = 0.3 * np.sin(np.arange(round(seconds * rate)) / (10 + 5 * i))
        soundfile.write(tmp_path / "one.ogg", x, rate, format="OGG", subtype=form)
        data = bytearray((tmp_path / "one.ogg").read_bytes())
        parts.append(bytes(data))
        samples.append(soundfile.read(tmp_path / "one.ogg", dtype="float32")[0])
    path = tmp_path / "chain.ogg"
    path.write_bytes(b"".join(parts))
    np.testing.assert_array_equal(io.read(path, rate=None), np.concatenate(samples))
    assert io.probe(path).frames == sum(map(len, samples))
    np.testing.assert_array_equal(
        io.read(path, rate=None, start=1.5, end=4.0), np.concatenate(samples)[round(1.5 * rate) : 4 * rate]
    )


def test_ogg_streams_that_differ_are_refused(tmp_path):
    data = b""
    for rate in (16000, 44100):
        soundfile.write(tmp_path / "one.ogg", np.sin(np.arange(rate)), rate, format="OGG", subtype="VORBIS")
        data += (tmp_path / "one.ogg").read_bytes()
    (tmp_path / "chain.ogg").write_bytes(data)
    with pytest.raises(AudioError, match="streams differ"):
        io.probe(tmp_path / "chain.ogg")
