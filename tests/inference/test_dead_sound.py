"""A dead microphone is no label: what training would refuse is refused; silence before sound is part of a recording."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from audioft.audio import remarks
from audioft.data.check import check
from audioft.data.clip import Clip
from audioft.data.dataset import Preparation
from audioft.data.windowed import windows_of
from audioft.errors import AudioError
from audioft.inference.predictor import Predictor

RATE = 16000
PREPARE = Preparation(RATE, True, 400)
TONE = (0.3 * np.sin(np.arange(2 * RATE) / 10)).astype(np.float32)


def written(path, samples, rate=RATE):
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return Clip(path, path.name)


@pytest.fixture
def dead(tmp_path):
    dither = np.random.default_rng(0).integers(-1, 2, 3 * 48000) / 32768
    return [
        written(tmp_path / "zeros.wav", np.zeros(RATE)),
        written(tmp_path / "long.wav", np.zeros(25 * RATE)),
        written(tmp_path / "constant.wav", np.full(RATE, 0.25)),
        written(tmp_path / "dither.wav", dither, 48000),
        written(tmp_path / "stereo.wav", np.zeros((RATE, 2))),
    ]


def test_nothing_of_it_is_labelled_followed_or_embedded(dead, trained):
    predictor = Predictor(trained)
    for clip, found in zip(dead, predictor.predict(dead), strict=True):
        assert (found.label, dict(found.scores)) == (None, {})
        assert found.error is not None, clip.name
        assert (found.error.stage, "silent" in found.error.reason) == ("check", True)
        timeline = predictor.timeline(clip.path)
        assert timeline.error is not None
        assert len(timeline.windows.scores) == 0
    assert len(predictor.embed(dead).failures) == len(dead)


def test_channels_that_cancel_are_labelled_as_one_of_them(tmp_path, trained):
    predictor = Predictor(trained)
    one, opposite = (
        written(tmp_path / "one.wav", TONE),
        written(tmp_path / "opposite.wav", np.stack([TONE, -TONE], 1)),
    )
    first, second = predictor.predict([one, opposite])
    assert first.scores == pytest.approx(second.scores, abs=1e-6)
    assert ("cancel" in first.note, "cancel" in second.note) == (False, True)


def test_a_call_tells_of_its_own_recordings(tmp_path, trained, audioft_command):
    for name in ("earlier", "own"):
        written(tmp_path / f"{name}.wav", np.stack([TONE, -TONE], 1))
        Predictor(trained).predict([tmp_path / f"{name}.wav"])  # a program that does not ask
    code, _, told = audioft_command("predict", trained.folder, tmp_path / "own.wav")
    assert (code, told.count("cancel each other"), "earlier" in told) == (0, 1, False), told


@pytest.mark.parametrize("quiet", [0.0, 0.1])
def test_silence_before_sound_keeps_its_windows(quiet):
    samples = np.concatenate([np.full(35 * RATE, quiet, np.float32), TONE])
    blocks = np.array_split(samples, 9)
    expected = list(windows_of(blocks, "x", PREPARE, 1.0, 0.5))
    got = list(windows_of(blocks, "x", PREPARE, 1.0, 0.5, dead=False))
    assert [w.start for w in got] == [w.start for w in expected]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.waveform, b.waveform)


def test_what_is_live_does_not_wait_for_sound_and_is_refused_at_its_end():
    blocks = iter([np.zeros(RATE, np.float32)] * 5)
    windows = windows_of(blocks, "-", PREPARE, 1.0, dead=False, live=True)
    assert next(windows).start == 0
    assert len(list(blocks)) >= 2
    with pytest.raises(AudioError, match="silent"):
        list(windows)


def test_silence_that_breaks_off_says_what_broke():
    def blocks():
        yield np.zeros(2 * RATE, np.float32)
        raise AudioError("x", "decode", "cut short")

    got = windows_of(blocks(), "x", PREPARE, 1.0, dead=False)
    assert [next(got).start, next(got).start] == [0, RATE]
    with pytest.raises(AudioError, match="cut short"):
        next(got)


def test_arrays_are_judged_as_files_are(trained):
    predictor = Predictor(trained)
    dither = (np.random.default_rng(0).integers(-1, 2, 3 * 48000) / 32768).astype(np.float32)
    dead = {
        "zeros": (np.zeros(RATE, np.float32), RATE),
        "stereo": (np.zeros((RATE, 2), np.float32), RATE),
        "constant": (np.full(RATE, 0.25, np.float32), RATE),
        "dither": (dither, 48000),
        "16 bits": (np.round(dither * 32768).astype(np.int16), 48000),
    }
    for found in predictor.predict(list(dead.values())):
        assert found.label is None
        assert "silent" in found.error.reason
    for name, (samples, rate) in dead.items():
        timeline = predictor.timeline(samples, rate=rate)
        assert "silent" in timeline.error.reason, name
        assert len(timeline.windows.scores) == 0
        if samples.ndim == 1 and samples.dtype == np.float32:
            with pytest.raises(AudioError, match="silent"):
                list(predictor.stream(np.array_split(samples, 5), rate))


def test_two_channels_of_an_array_are_mixed_as_those_of_a_file(tmp_path, trained):
    predictor = Predictor(trained)
    noise = np.random.default_rng(0).normal(0, 0.1, len(TONE)).astype(np.float32)
    for i, channels in enumerate([(TONE, -TONE), (TONE, 0 * TONE), (TONE, noise), (TONE, TONE)]):
        both = np.stack(channels, 1)
        path = tmp_path / f"{i}.wav"
        soundfile.write(path, both, RATE, subtype="FLOAT")
        (expected,) = predictor.predict(path)
        for samples in (both, both.T):
            (found,) = predictor.predict(samples, rate=RATE)
            assert found.scores == pytest.approx(expected.scores, abs=1e-6)
            assert found.note == expected.note
        timeline = predictor.timeline((both, RATE))
        np.testing.assert_allclose(timeline.windows.scores, predictor.timeline(path).windows.scores, atol=1e-6)
        remarks.taken(["the array", path])


@pytest.mark.parametrize("rate", [RATE, 48000])
def test_what_is_quiet_in_more_than_16_bits_is_sound(tmp_path, trained, rate):
    rng = np.random.default_rng(0)
    calls = np.sin(np.cumsum(0.3 + 0.2 * np.sin(np.arange(2 * rate) / 900))) * (np.arange(2 * rate) // 4000 % 2)
    bird = (1e-5 * calls).astype(np.float32)  # -100 dB of full scale
    step = 2.0**-23
    cases = {  # samples, subtype, whether there is sound
        "bird 24": (bird, "PCM_24", True),
        "bird float": (bird, "FLOAT", True),
        "bird stereo": (np.stack([bird, 0.5 * bird], 1), "PCM_24", True),
        "bird on an offset": (bird + np.float32(0.125), "PCM_24", True),
        "bird 16": (bird, "PCM_16", False),
        "zeros 24": (0 * bird, "PCM_24", False),
        "zeros float": (0 * bird, "FLOAT", False),
        "offset": (0 * bird + 0.1, "PCM_24", False),
        "dither 16": (rng.integers(-1, 2, 2 * rate) / 32768, "PCM_16", False),
        "dither 24": (rng.integers(-1, 2, 2 * rate) * step, "PCM_24", False),
        "dither of 16 in 24": (rng.integers(-1, 2, 2 * rate) / 32768, "PCM_24", False),
        "dither of 16 in floats": (rng.integers(-1, 2, (2 * rate, 2)) / 32768, "FLOAT", False),
    }
    predictor = Predictor(trained)
    for name, (samples, subtype, sound) in cases.items():
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, samples, rate, subtype=subtype)
        (checked,) = check([Clip(path, name)])
        (found,) = predictor.predict(path)
        assert (checked.problem is None, found.error is None) == (sound, sound), name
        assert ("very quiet" in checked.note) == sound, name
        own, _ = soundfile.read(path, dtype="float32")
        (found,) = predictor.predict(own, rate=rate)
        assert (found.error is None) == sound, name
    remarks.of("the array")


def test_a_prediction_says_how_it_was_heard(tmp_path, trained):
    path = written(tmp_path / "opposite.wav", np.stack([TONE, -TONE], 1)).path
    (found,) = Predictor(trained).predict(path)
    assert "cancel each other" in found.note
    assert found.note in repr(found)
    (plain,) = Predictor(trained).predict(written(tmp_path / "plain.wav", TONE).path)
    assert plain.note == ""
    both = np.stack([TONE, -TONE])
    assert [bool(p.note) for p in Predictor(trained).predict([(both, RATE), (TONE, RATE)])] == [True, False]
