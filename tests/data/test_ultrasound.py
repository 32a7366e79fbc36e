"""Ultrasound before anything is trained on it: what is refused, what is said, and what is remembered of it."""

from __future__ import annotations

import bats
import numpy as np
import pytest
import soundfile
import torch

from audioft.assembly import build, recording_passes
from audioft.audio.hearing import Hearing
from audioft.core.progress import Console
from audioft.data import check as checking
from audioft.data.audio_cache import AudioCache
from audioft.data.check import check
from audioft.data.clip import Clip
from audioft.data.dataset import Preparation, beginning, read_exactly
from audioft.data.decoded import decoded
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError
from audioft.inference.listening import listening

PLAIN, SLOW, BAND = Hearing(16000), Hearing(16000, 10), Hearing(16000, band=(18_000, 80_000))
LOST = "nothing of it is left below 8 kHz: 100 % of its energy lies above"


def written(path, samples, rate=bats.RATE, subtype="PCM_24"):
    soundfile.write(path, samples, rate, subtype=subtype)
    return Clip(path, path.name)


@pytest.fixture
def pass_by(tmp_path):
    """A bat passing by in a recording without anything below 18 kHz."""
    return written(tmp_path / "bat.wav", bats.recording("pipistrelle", np.random.default_rng(0))[0])


def test_training_and_prediction_refuse_for_the_same_reason(pass_by):
    (found,) = check([pass_by])
    assert found.problem is not None
    stage, reason = found.problem
    assert (stage, reason.startswith(LOST)) == ("check", True)
    assert "data.time_expansion=10 or data.band=[18000, 80000]" in reason
    with pytest.raises(AudioError) as raised:
        list(clip_windows(pass_by, Preparation(16000, True, 400), 1.0, dead=False))
    assert (raised.value.stage, raised.value.reason) == (stage, reason)
    cut = Clip(pass_by.path, pass_by.name, 0.1, 0.3)
    assert check([cut, pass_by])[0].problem == found.problem


@pytest.mark.parametrize("how", [SLOW, BAND], ids=str)
def test_it_is_used_as_it_is_heard(pass_by, how):
    (found,) = check([pass_by], hearing=how)
    assert (found.problem, found.note) == (None, "")
    (window,) = clip_windows(pass_by, Preparation(how, True, 400), 1.0, dead=False)
    assert (window.start, abs(window.samples - 0.4 * how.per_second) <= 1) == (0, True)


def test_the_remedy_names_where_the_sound_is(tmp_path):
    def told(hz, rate):
        time = np.arange(rate // 2) / rate
        (found,) = check([written(tmp_path / f"{hz}.wav", 0.3 * np.sin(2 * np.pi * hz * time), rate)])
        return (found.problem or ("", found.note))[1]

    assert "data.time_expansion=10 or data.band=[18000, 80000]" in told(45_000, 384_000)
    assert "data.time_expansion=20 or data.band=[119000, 121000]" in told(120_000, 384_000)
    assert "data.time_expansion=2 or data.band=[12000, 14000]" in told(13_000, 44_100)


def test_a_quiet_bird_beside_a_bat_is_used_with_a_note(tmp_path):
    sound, _ = bats.recording("noctule", np.random.default_rng(0))
    sound[:40_000] += 0.01 * np.sin(2 * np.pi * 4000 * np.arange(40_000) / bats.RATE).astype(np.float32)
    (found,) = check([written(tmp_path / "both.wav", sound)])
    assert found.problem is None
    assert "% of its energy lies above 8 kHz, which the encoder does not hear" in found.note


def test_outside_of_a_band_nothing_is_left(tmp_path):
    time = np.arange(96_000) / 192_000
    clip = written(tmp_path / "low.wav", np.hanning(len(time)) * np.sin(2 * np.pi * 5000 * time), 192_000)
    (found,) = check([clip], hearing=BAND)
    assert found.problem is not None
    assert found.problem[1].startswith("nothing of it is left from 18 to 80 kHz: 100 % of its energy lies elsewhere")
    (low,) = check([written(tmp_path / "phone.wav", np.sin(time[:8000]), 16_000)], hearing=BAND)
    assert low.problem == ("check", "recorded at 16 kHz, it holds nothing of the band from 18 to 80 kHz (data.band)")
    (header,) = checking.headers([Clip(tmp_path / "phone.wav", "phone.wav")], BAND)
    assert header.problem == low.problem


def test_silence_stays_silence(tmp_path):
    clip = written(tmp_path / "zeros.wav", np.zeros(bats.RATE))
    for how in (PLAIN, SLOW, BAND):
        (found,) = check([clip], hearing=how)
        assert found.problem == ("check", checking.SILENT)
        with pytest.raises(AudioError, match="silent: nothing in it changes"):
            list(clip_windows(clip, Preparation(how, True, 400), 1.0, dead=False))


def test_what_was_found_is_remembered_for_each_way_by_itself(pass_by, tmp_path, monkeypatch):
    cache = tmp_path / "c.sqlite"
    ways = (PLAIN, SLOW, BAND, Hearing(16000, 20))
    first = [check([pass_by], cache=cache, hearing=how) for how in ways]
    assert [f[0].problem is None for f in first] == [False, True, True, True]
    monkeypatch.setattr(checking, "_file", None)  # nothing is looked at any more
    assert [check([pass_by], cache=cache, hearing=how) for how in ways] == first


def test_the_shortest_clip_is_one_as_the_encoder_hears_it(tmp_path):
    sound = bats.recording("noctule", np.random.default_rng(0), 0.1)[0]
    clip = written(tmp_path / "short.wav", sound[: bats.RATE // 100])
    assert check([clip])[0].problem == ("check", "only 10.0 ms long, expected at least 25 ms")
    assert check([clip], hearing=SLOW)[0].problem is None
    slow = Hearing(16000, 0.1)
    long = written(tmp_path / "long.wav", sound, bats.RATE)
    assert check([long], hearing=slow)[0].problem == ("check", "only 100.0 ms long, expected at least 250 ms")


def test_a_low_rate_is_said_once_for_all(tmp_path, capsys):
    rng = np.random.default_rng(0)
    clips = [written(tmp_path / f"{i}.wav", rng.normal(0, 0.1, 44_100), 44_100) for i in range(4)]
    for passed in (recording_passes.check, recording_passes.headers):
        passed(clips, Console(), hearing=SLOW)
        (line,) = [x for x in capsys.readouterr().err.splitlines() if "reaches up to" in x]
        assert line.startswith(
            "note: 4 times, 0.wav, 1.wav, 2.wav and 1 more: recorded at 44.1 kHz and slowed down by 10"
        )
    for checked in (True, False):
        with listening(Console(), "scoring", clips, checked=checked):
            list(clip_windows(clips[0], Preparation(SLOW, True, 400), 1.0))
        assert ("reaches up to" in capsys.readouterr().err) != checked


def test_headers_listen_to_a_few(pass_by, capsys):
    found = recording_passes.headers([pass_by] * 3, Console(), PLAIN)
    assert [k.problem for k in found] == [None] * 3
    assert f"note: bat.wav: {LOST}" in capsys.readouterr().err
    recording_passes.headers([pass_by], Console(), SLOW)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("how", [SLOW, BAND], ids=str)
def test_what_is_kept_decoded_is_heard_once(pass_by, tmp_path, how):
    expected = read_exactly(pass_by, how, 0.1, 0.3)
    first = beginning(pass_by, how, 0.2)
    assert np.array_equal(first, read_exactly(pass_by, how, 0.0, None)[: len(first)])
    assert abs(len(first) - 0.2 * how.per_second) <= 1
    digests = {pass_by.path: "0" * 64}
    stereo = written(tmp_path / "stereo.wav", np.stack([soundfile.read(pass_by.path)[0]] * 2, 1))
    cut = Clip(pass_by.path, pass_by.name, 0.1, 0.3)
    cache = AudioCache(tmp_path / "cache", how, digests)
    assert np.abs(cache(cut, how, 0.1, 0.3) - expected).max() < 2 / 32768
    plain = AudioCache(tmp_path / "cache", 16000, digests)
    assert np.abs(plain(cut, 16000, 0.1, 0.3)).max() < 0.01
    for file in decoded([cut, Clip(stereo.path, "stereo.wav", 0.1, 0.3)], [0.2] * 2, tmp_path, how, lambda done: None):
        again = read_exactly(file, how, file.start, file.end)
        assert abs(len(again) - len(expected)) <= 1
        edge = how.per_second // 100
        assert np.abs(again[: len(expected)] - expected[: len(again)])[edge:-edge].max() < 4 / 32768


def test_noises_of_a_folder_are_heard_as_the_recordings_are(tmp_path):
    time = np.arange(bats.RATE) / bats.RATE
    (tmp_path / "noises").mkdir()
    written(tmp_path / "noises" / "hiss.wav", 0.1 * np.sin(2 * np.pi * 30_000 * time))
    spec = {"name": "noise", "p": 1, "folder": str(tmp_path / "noises"), "min_snr_db": 0, "max_snr_db": 0}
    for how, hz in ((SLOW, 3000.0), (BAND, 12_000 / 7.75)):
        chain = build.chain([spec], how)
        assert chain is not None
        clip = torch.from_numpy(np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000).astype(np.float32))
        heard = chain(clip, 16_000, np.random.default_rng(0)) - clip
        assert abs(float(torch.fft.rfft(heard).abs().argmax()) - hz) <= 2
