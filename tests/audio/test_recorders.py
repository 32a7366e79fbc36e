"""Headers as recorders, pipes and phones write them: what is there is heard, what is damaged is refused by name."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

from audioft.audio import io
from audioft.data.check import check
from audioft.data.clip import Clip
from audioft.errors import AudioError

RATE = 16000
SOUND = (0.3 * np.sin(np.arange(2 * RATE) / 20)).astype(np.float32)


def written(path, form="WAV", subtype="PCM_16", channels=1):
    samples = SOUND if channels == 1 else np.stack([SOUND] * channels, 1)
    soundfile.write(path, samples, RATE, format=form, subtype=subtype)
    return bytearray(path.read_bytes())


def heard(path, data):
    path.write_bytes(data)
    samples = io.read(path)
    assert io.probe(path).seconds == pytest.approx(len(samples) / RATE)
    np.testing.assert_allclose(samples[: len(SOUND)], SOUND[: len(samples)], atol=1e-2)
    return len(samples)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_U8", "FLOAT", "ULAW"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
@pytest.mark.parametrize("riff", [0, 0xFFFFFFFF, 8, None])
def test_a_wav_without_a_size_goes_to_the_end_of_the_file(tmp_path, form, subtype, channels, riff):
    data = written(tmp_path / "a.wav", form, subtype, channels)
    at = data.index(b"data")
    for size in (0, 0xFFFFFFFF):
        if riff is not None:
            data[4:8] = struct.pack("<I", riff)
        data[at + 4 : at + 8] = struct.pack("<I", size)
        assert heard(tmp_path / "a.wav", data) == len(SOUND)
        odd = heard(tmp_path / "a.wav", data[:-1])  # cut in the middle of a sample
        assert len(SOUND) - 1 <= odd <= len(SOUND)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("riff", [0, 8, 0xFFFFFFFF])
def test_chunks_after_samples_of_no_size_are_no_samples(tmp_path, size, riff):
    data = written(tmp_path / "a.wav")
    at = data.index(b"data")
    data[4:8] = struct.pack("<I", riff)
    data[at + 4 : at + 8] = struct.pack("<I", size)
    note = b"LIST" + struct.pack("<I", 14) + b"INFOICMT" + struct.pack("<I", 2) + b"hi"
    assert heard(tmp_path / "a.wav", data + note) == len(SOUND)
    assert heard(tmp_path / "a.wav", data + note + b"id3 " + struct.pack("<I", 4) + b"abcd") == len(SOUND)


def test_chunks_alone_are_no_samples(tmp_path):
    data = written(tmp_path / "a.wav")
    at = data.index(b"data")
    data[at + 4 : at + 8] = bytes(4)
    note = b"LIST" + struct.pack("<I", 14) + b"INFOICMT" + struct.pack("<I", 2) + b"hi"
    (tmp_path / "none.wav").write_bytes(data[: at + 8] + note)
    with pytest.raises(AudioError, match="no samples"):
        io.probe(tmp_path / "none.wav")


@pytest.mark.parametrize("more", [2, 44, 45, 800])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_a_size_a_little_too_large_is_no_damage(tmp_path, more, subtype):
    data = written(tmp_path / "a.wav", subtype=subtype)
    at = data.index(b"data")
    size = struct.unpack_from("<I", data, at + 4)[0]
    data[at + 4 : at + 8] = struct.pack("<I", size + more)
    data[4:8] = struct.pack("<I", size + more + at)
    assert heard(tmp_path / "a.wav", data) == len(SOUND)
    data[at + 4 : at + 8] = struct.pack("<I", size + RATE)
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(AudioError, match="truncated or damaged"):
        io.read(tmp_path / "a.wav")


@pytest.mark.parametrize("value", [0, 0xFF])
def test_rf64_au_and_aiff_without_a_size(tmp_path, value):
    data = written(tmp_path / "a.rf64", "RF64")
    at = data.index(b"ds64")
    data[at + 8 : at + 32] = bytes([value]) * 24
    assert heard(tmp_path / "a.rf64", data) == len(SOUND)
    at = data.index(b"data")
    data[at + 4 : at + 8] = bytes([value]) * 4
    assert heard(tmp_path / "a.rf64", data) == len(SOUND)
    data = written(tmp_path / "a.au", "AU")
    data[8:12] = bytes([value]) * 4
    assert heard(tmp_path / "a.au", data) == len(SOUND)
    for form, suffix in (("AIFF", "aiff"), ("AIFF", "aifc")):
        data = written(tmp_path / f"a.{suffix}", form, "FLOAT" if suffix == "aifc" else "PCM_16")
        data[4:8] = bytes([value]) * 4
        at = data.index(b"SSND")
        data[at + 4 : at + 8] = bytes([value]) * 4
        assert heard(tmp_path / f"a.{suffix}", data) == len(SOUND)
        at = data.index(b"COMM")
        data[at + 10 : at + 14] = bytes([value]) * 4
        assert heard(tmp_path / f"a.{suffix}", data) == len(SOUND)


@pytest.mark.parametrize("size", [0, 2**63 - 1, 2**64 - 1])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_w64_without_a_size(tmp_path, size, subtype):
    data = written(tmp_path / "a.w64", "W64", subtype)
    at = data.index(b"data")
    data[at + 16 : at + 24] = struct.pack("<Q", size)
    assert heard(tmp_path / "a.w64", data) == len(SOUND)
    part = io.read(tmp_path / "a.w64", start=0.5, end=1.0)
    np.testing.assert_array_equal(part, io.read(tmp_path / "a.w64")[RATE // 2 : RATE])


def with_chunk(data, name, body, before):
    at = data.index(b"data") if before else len(data)
    data = data[:at] + name + struct.pack("<I", len(body)) + body + data[at:]
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


@pytest.mark.parametrize("size", ["told", 0, 0xFFFFFFFF])
@pytest.mark.parametrize("body", [b"GUANO|Version:1.0", b"x" * 603, b"a"])
def test_a_chunk_of_odd_size_without_the_byte_that_makes_it_even(tmp_path, body, size):
    data = written(tmp_path / "a.wav")
    if size != "told":
        at = data.index(b"data")
        data[at + 4 : at + 8] = struct.pack("<I", size)
    data = with_chunk(data, b"guan", body, before=True)
    assert heard(tmp_path / "a.wav", data) == len(SOUND)
    data = with_chunk(data, b"LIST", b"INFO" + body, before=True)
    assert heard(tmp_path / "a.wav", data) == len(SOUND)
    (checked,) = check([Clip(tmp_path / "a.wav", "a.wav")])
    assert (checked.problem, checked.note) == (None, "")


def test_chunks_after_samples_of_an_odd_size_need_no_byte_between(tmp_path):
    data = written(tmp_path / "a.wav", subtype="PCM_U8")
    at = data.index(b"data")
    odd = data[: at + 8 + len(SOUND) - 1]
    odd[at + 4 : at + 8] = struct.pack("<I", len(SOUND) - 1)
    for chunk in (b"guan" + struct.pack("<I", 5000) + b"g" * 5000, b"LIST" + struct.pack("<I", 8) + b"INFOICMT"):
        assert heard(tmp_path / "a.wav", odd + chunk) == len(SOUND) - 1
        (checked,) = check([Clip(tmp_path / "a.wav", "a.wav")])
        assert (checked.problem, checked.note) == (None, "")


@pytest.mark.parametrize("rate", [1, 999, 1_000_001, 4_000_000_000])
def test_rates_that_no_sound_has_are_refused_by_name(tmp_path, rate):
    data = written(tmp_path / "a.wav")
    data[24:28] = struct.pack("<I", rate)
    (tmp_path / "a.wav").write_bytes(data)
    for call in (io.probe, io.read):
        with pytest.raises(AudioError, match="Hz") as e:
            call(tmp_path / "a.wav")
        assert e.value.stage == "open"


def test_cuts_at_the_end_of_a_size_too_large(tmp_path):
    data = written(tmp_path / "a.wav")
    at = data.index(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", 2 * len(SOUND) + 44)
    (tmp_path / "a.wav").write_bytes(data)
    assert len(io.read(tmp_path / "a.wav", start=1.0, end=2.0)) == RATE
    with pytest.raises(AudioError, match=r"ends at 2\.5 s"):
        io.read(tmp_path / "a.wav", start=1.0, end=2.5)


@pytest.mark.slow
def test_more_than_4_gb_of_a_size_never_written(tmp_path):
    data = written(tmp_path / "a.wav")
    at = data.index(b"data") + 8
    data[4:8] = data[at - 4 : at] = bytes(4)
    (tmp_path / "a.wav").write_bytes(data)
    with (tmp_path / "a.wav").open("r+b") as file:
        file.truncate(at + 2 * 3_000_000_000)  # a hole, which takes no room
    assert io.probe(tmp_path / "a.wav").frames == 3_000_000_000
    assert len(io.read(tmp_path / "a.wav", start=187_000.0, end=187_001.0)) == RATE
