from __future__ import annotations

import itertools

import numpy as np
import pytest
import soundfile
import soxr

from audioft.audio import io, writing
from audioft.audio.recording_kinds import SNDFILE
from audioft.errors import AudioError

FORMATS = [
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "PCM_U8"),
    ("wav", "WAV", "FLOAT"),
    ("wav", "WAV", "ULAW"),
    ("wav", "WAV", "MS_ADPCM"),
    ("flac", "FLAC", "PCM_16"),
    ("flac", "FLAC", "PCM_24"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("aiff", "AIFF", "PCM_16"),
    ("au", "AU", "PCM_16"),
    ("caf", "CAF", "PCM_16"),
    ("w64", "W64", "PCM_16"),
    ("rf64", "RF64", "PCM_16"),
]


def tone(rate: int, seconds: float = 0.6, channels: int = 1) -> np.ndarray:
    x = 0.3 * np.sin(2 * np.pi * 300 * np.arange(int(rate * seconds)) / rate)
    x += 0.02 * np.random.default_rng(0).standard_normal(len(x))
    return np.stack([x * (c + 1) / channels for c in range(channels)], 1).astype(np.float32)


@pytest.mark.parametrize(("suffix", "form", "subtype"), FORMATS)
def test_every_format_rate_and_channel_count(tmp_path, suffix, form, subtype):
    for rate, channels in itertools.product((8000, 22050, 44100, 48000), (1, 2, 8)):
        path = tmp_path / f"{rate}-{channels}.{suffix}"
        try:
            soundfile.write(path, tone(rate, channels=channels), rate, format=form, subtype=subtype)
        except soundfile.SoundFileError:
            assert (channels, form) in (
                (8, "MP3"),
                (8, "WAV"),
            ) or subtype == "OPUS"  # the format has no such thing
            continue
        whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
        expected = soxr.resample(whole.mean(1), rate, 16000, quality="HQ")
        got = io.read(path)
        assert got.dtype == np.float32
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, atol=1e-5)
        assert io.probe(path).channels == channels
        assert path.suffix in SNDFILE


@pytest.mark.parametrize(("suffix", "form", "subtype"), FORMATS)
def test_a_cut_has_the_samples_of_the_whole(tmp_path, suffix, form, subtype):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(
        path,
        tone(48000 if suffix == "opus" else 16000, 3.0),
        48000 if suffix == "opus" else 16000,
        format=form,
        subtype=subtype,
    )
    whole = io.read(path, rate=None)
    rate = io.probe(path).rate
    cut = io.read(path, rate=None, start=1.25, end=2.5)
    np.testing.assert_array_equal(cut, whole[int(1.25 * rate) : int(2.5 * rate)])


def test_small_blocks_equal_the_whole_resampled(tmp_path):
    x = tone(44100, 5.0)[:, 0]
    soundfile.write(tmp_path / "a.wav", x, 44100, subtype="FLOAT")
    blocks = list(io.stream(tmp_path / "a.wav", block_seconds=0.1))
    assert len(blocks) > 3
    np.testing.assert_allclose(np.concatenate(blocks), soxr.resample(x, 44100, 16000, quality="HQ"), atol=1e-5)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "aiff", "au", "w64", "rf64"])
def test_a_truncated_file_is_told(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(16000, 3.2), 16000, format=suffix.upper())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"promises 3\.20 s, only [12]\.\d\d s could be decoded") as e:
        io.read(path)
    assert e.value.stage == "decode"


def test_a_wav_from_a_pipe_has_no_length_and_is_whole(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(16000, 1.0), 16000)
    data = bytearray(path.read_bytes())
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff" * 4
    path.write_bytes(data)
    assert len(io.read(path)) == 16000


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(16000, 1.7), 16000)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the 36 bits of STREAMINFO that hold the number of samples
    data[22:26] = b"\0" * 4
    path.write_bytes(data)
    assert io.probe(path).frames == -1
    assert len(io.read(path)) == int(1.7 * 16000)


@pytest.mark.parametrize("loud_first", [False, True])
def test_an_mp3_that_does_not_tell_its_length(tmp_path, loud_first):
    rng = np.random.default_rng(0)
    parts = [np.zeros(48000 * 25), rng.standard_normal(48000 * 5) * 0.3]
    x = np.concatenate([*parts[:: -1 if loud_first else 1], rng.standard_normal(48000 * 5) * 0.3])
    path = tmp_path / "a.mp3"
    soundfile.write(path, x, 48000, bitrate_mode="VARIABLE", compression_level=0.1)
    data = path.read_bytes()
    path.write_bytes(data[data.index(b"\xff\xfb", data.index(b"Xing")) :])
    assert len(io.read(path)) == pytest.approx(35 * 16000, rel=0.01)
    assert io.probe(path).seconds == pytest.approx(35, rel=0.01)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.wav", b"this is no audio at all", "not audio that soundfile can read.*this is no"),
        ("a.mp3", b"this is no audio at all", "not audio that soundfile can read"),
        ("b.wav", b"", "empty"),
        ("a.raw", b"\1\2" * 999, "not audio"),
        ("missing.wav", None, "no such file"),
    ],
)
def test_what_is_no_audio_fails_at_open(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    for call in (io.probe, io.read):
        with pytest.raises(AudioError, match=reason) as e:
            call(tmp_path / name)
        assert e.value.stage == "open"
    with pytest.raises(AudioError, match="folder"):
        io.probe(tmp_path)


def test_no_frames_and_cuts_outside(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16000)
    with pytest.raises(AudioError, match="no samples"):
        io.read(tmp_path / "none.wav")
    soundfile.write(tmp_path / "a.wav", tone(16000, 1.0), 16000)
    with pytest.raises(AudioError, match=r"ends at 1\.5 s.*already at 1\.00"):
        io.read(tmp_path / "a.wav", end=1.5)
    with pytest.raises(AudioError, match=r"starts at 1 s"):
        io.read(tmp_path / "a.wav", start=1.0)
    assert len(io.read(tmp_path / "a.wav", start=0.5, end=1.004)) == 8000


def test_unicode_nan_and_writing(tmp_path):
    path = tmp_path / "Zürich 録音 e\u0301.wav"
    x = tone(16000)[:, 0]
    x[5] = np.nan
    writing.write_wav(path, x, 16000, subtype="FLOAT")
    got = io.read(path)
    assert np.isnan(got[5])
    assert np.isfinite(np.delete(got, 5)).all()
