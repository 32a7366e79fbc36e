"""What phones, browsers and cameras write, by either of the decoders that read it; and what is said without one."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from audioft.audio import io, isolated_decoder, media
from audioft.augmentation import sound_folder
from audioft.data.check import check
from audioft.data.clip import Clip
from audioft.errors import AudioError, Problem, grouped

RATE = 16000
TIME = np.arange(3 * RATE) / RATE
SOUND = (0.3 * np.sin(2 * np.pi * 200 * TIME * (1 + TIME / 3))).astype(np.float32)
KINDS = {
    "m4a": (),
    "mp4": (),
    "mov": (),
    "3gp": ("-c:a", "aac"),
    "aac": (),
    "webm": ("-c:a", "libopus"),
    "mkv": ("-c:a", "libvorbis"),
    "mka": ("-c:a", "flac"),
    "wma": (),
    "flv": ("-c:a", "aac", "-ar", "44100"),
    "avi": ("-c:a", "aac"),
    "ts": ("-c:a", "aac"),
    "ac3": ("-ar", "32000"),
    "wv": (),
    "alac.caf": ("-c:a", "alac"),
    "adpcm.wav": ("-c:a", "adpcm_yamaha"),
    "speex.ogg": ("-c:a", "libspeex"),
}
QUICK = ("m4a", "3gp", "webm", "wma")  # a process each takes its time
MADE = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes these files")
DECODERS = [
    pytest.param(
        media.AvMedia,
        marks=pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV is not installed"),
    ),
    pytest.param(media.PipedMedia, marks=MADE),
]


@pytest.fixture(params=DECODERS)
def decoder(request, monkeypatch):
    monkeypatch.setattr(media, "decoder", lambda: (request.param, "this one"))
    return request.param


def encoded(path, *how, sound=SOUND, more=()):
    soundfile.write(path.with_suffix(".source.wav"), sound, RATE)
    command = ["ffmpeg", "-y", "-v", "error", *more, "-i", str(path.with_suffix(".source.wav")), *how, str(path)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"this ffmpeg cannot write it: {made.stderr.strip()[-200:]}")
    return path


def same(got, sound=SOUND):
    """Whether it is this sound, but for what encoders add at the ends."""
    assert len(sound) - 0.1 * RATE < len(got) < len(sound) + 0.2 * RATE
    part = sound[RATE : 2 * RATE]
    best = max(np.corrcoef(part, got[RATE + lag : 2 * RATE + lag])[0, 1] for lag in range(-2000, 2400))
    assert best > 0.95


@MADE
@pytest.mark.parametrize("kind", [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in KINDS])
def test_every_kind(tmp_path, decoder, kind):
    path = encoded(tmp_path / f"a.{kind}", *KINDS[kind])
    same(io.read(path))
    assert io.probe(path).channels == 1
    cut = io.read(path, rate=None, start=1.0, end=2.0)
    np.testing.assert_array_equal(cut, io.read(path, rate=None)[len(cut) : 2 * len(cut)])


@MADE
def test_the_first_bytes_count_whatever_the_name_is(tmp_path, decoder):
    encoded(tmp_path / "a.m4a")
    for name in ("a.wav", "b.mp3", "c"):
        (tmp_path / name).write_bytes((tmp_path / "a.m4a").read_bytes())
        same(io.read(tmp_path / name))
    soundfile.write(tmp_path / "d.m4a", SOUND, RATE, format="WAV")
    np.testing.assert_allclose(io.read(tmp_path / "d.m4a"), SOUND, atol=1e-4)


@MADE
def test_of_films_the_sound_is_heard(tmp_path, decoder):
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=3")
    for suffix in ("mp4", "mkv"):
        same(io.read(encoded(tmp_path / f"a.{suffix}", "-c:v", "mpeg4", more=picture)))
    silent = encoded(tmp_path / "b.mp4", "-c:v", "mpeg4", "-an", more=picture)
    with pytest.raises(AudioError) as e:
        io.probe(silent)
    assert e.value.stage == "open"


@MADE
def test_the_same_checks(tmp_path, decoder):
    stereo = encoded(tmp_path / "a.m4a", "-c:a", "alac", sound=np.stack([SOUND, -SOUND], 1))
    np.testing.assert_allclose(io.read(stereo), SOUND, atol=1e-3)
    whole = encoded(tmp_path / "b.mp4", "-movflags", "faststart").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(AudioError) as e:
        io.read(tmp_path / "cut.mp4")
    assert e.value.stage == "decode"
    for data in (whole[:50], b"\0\0\0\x1cftypM4A " + bytes(500), b"\x1aE\xdf\xa3" + bytes(90), b"#!AMR\n"):
        (tmp_path / "no.m4a").write_bytes(data)
        with pytest.raises(AudioError) as e:
            io.read(tmp_path / "no.m4a")
        assert e.value.stage == "open"


@MADE
@pytest.mark.parametrize("channels", [2, 9, 24])
def test_any_number_of_channels(tmp_path, decoder, channels):
    sound = np.stack([SOUND * (i + 1) / channels for i in range(channels)], 1)
    path = encoded(tmp_path / "a.mka", "-c:a", "pcm_f32le", sound=sound)
    assert io.probe(path).channels == channels
    np.testing.assert_allclose(io.read(path), sound.mean(1), atol=1e-4)


def test_a_codec_that_nobody_knows(tmp_path, decoder):
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[20:22] = b"\x34\x12"
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(AudioError) as e:
        io.probe(tmp_path / "a.wav")
    assert e.value.stage == "open"


def test_playlists_are_not_followed(tmp_path, decoder):
    soundfile.write(tmp_path / "secret.wav", SOUND, RATE)
    lists = ("#EXTM3U\n#EXTINF:3,\nsecret.wav\n", "ffconcat version 1.0\nfile secret.wav\n", "file 'secret.wav'\n")
    for i, text in enumerate(lists):
        (tmp_path / f"{i}.m4a").write_text(text)
        with pytest.raises(AudioError):
            io.read(tmp_path / f"{i}.m4a")


@MADE
def test_in_a_process_apart_and_in_the_checking_pass(tmp_path):
    path = encoded(tmp_path / "a.m4a")
    same(isolated_decoder.read(path))
    (found,) = check([Clip(path, "a.m4a")])
    assert found.problem is None
    assert found.seconds == pytest.approx(3.0, abs=0.15)


def test_without_a_decoder_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(media, "decoder", lambda: None)
    said = []
    for i in range(8):
        (tmp_path / f"{i}.m4a").write_bytes(b"\0\0\0\x1cftypM4A " + bytes(99))
        with pytest.raises(AudioError, match=r"pip install 'audioft\[media\]'") as e:
            io.probe(tmp_path / f"{i}.m4a")
        said.append(Problem(f"{i}.m4a", e.value.reason))
    assert len(grouped(said)) == 1
    assert grouped(said)[0].startswith("8 times")


@MADE
def test_noise_may_be_of_a_phone(tmp_path, decoder):
    encoded(tmp_path / "street.m4a")
    same(sound_folder.whole(str(tmp_path), "street.m4a", RATE).numpy())
    assert len(sound_folder.excerpt(str(tmp_path), "street.m4a", RATE, 800, 0.5)) == 800
