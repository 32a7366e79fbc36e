"""Scores over time: windows, frames, and one score for every moment."""

from __future__ import annotations

import dataclasses

import makers
import numpy as np
import pytest
import soundfile
import tiny
import torch

from audioft.audio import io
from audioft.audio.windows import spans
from audioft.data.clip import Clip
from audioft.data.windowed import Window
from audioft.errors import UsageError
from audioft.evaluation.labelling.window_scores import PENDING_BATCHES, WindowScores
from audioft.evaluation.scoring import score_windows
from audioft.inference.predictor import Predictor
from audioft.inference.timeline import Averager, Scores, stretches
from audioft.models import folder

RATE = 16000


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Seven seconds that never stay the same, 44.1 kHz stereo."""
    rng = np.random.default_rng(4)
    time = np.arange(7 * 44100 + 123) / 44100
    wave = 0.3 * np.sin(2 * np.pi * (200 + 190 * time) * time)[:, None] + rng.normal(0, 0.05, (len(time), 2))
    path = tmp_path_factory.mktemp("sweep") / "sweep.flac"
    soundfile.write(path, wave, 44100)
    return path


@pytest.fixture(scope="module")
def frame_model(tmp_path_factory):
    """A model of three labels that scores frames of 20 ms."""
    path = tmp_path_factory.mktemp("frames") / "model"
    model = tiny.make_classifier(pooling="none", head="linear")
    folder.save(model, folder.ModelCard(("a", "b", "c"), multilabel=True, window=1.0), path, "")
    return path


def joined(parts):
    return Scores.joined(parts, 0)


@pytest.mark.parametrize("seed", range(20))
def test_every_moment_has_the_mean_of_the_windows_over_it(seed):
    rng = np.random.default_rng(seed)
    samples, window = int(rng.integers(1, 60)), int(rng.integers(1, 20))
    frames = int(rng.integers(1, 4))
    where = spans(samples, window, int(rng.integers(1, window + 1)))
    given, parts = [], []
    for start, stop in where:
        edges = np.unique(np.linspace(start, stop, frames + 1).round())
        scores = rng.random((len(edges) - 1, 2))
        given.append((edges, scores))
        parts.append(Scores(edges[:-1], edges[1:], scores))
    averager = Averager()
    found = joined([p for p in [*(averager.add(p) for p in parts), averager.finish()] if len(p)])
    assert found.starts[0] == 0
    assert found.ends[-1] == samples
    np.testing.assert_array_equal(found.starts[1:], found.ends[:-1])
    for moment in np.arange(samples) + 0.5:
        over = [s[np.searchsorted(e, moment) - 1] for e, s in given if e[0] <= moment < e[-1]]
        place = np.searchsorted(found.ends, moment)
        np.testing.assert_allclose(found.scores[place], np.mean(over, axis=0), atol=1e-12)


def test_frames_of_a_window_reach_to_its_end():
    parts = stretches(WindowScores(0, 2.0, 2.07, np.zeros((3, 1))), 0.02)
    np.testing.assert_allclose(parts.starts, [2.0, 2.02, 2.04])
    np.testing.assert_allclose(parts.ends, [2.02, 2.04, 2.07])


def test_a_timeline_holds_what_the_model_says_of_each_window(trained, sweep):
    predictor = Predictor(trained)
    timeline = predictor.timeline(sweep, window=1.0, hop=0.4)
    samples = io.read(sweep)
    where = spans(len(samples), RATE, round(0.4 * RATE))
    assert timeline.seconds == pytest.approx(len(samples) / RATE)
    np.testing.assert_allclose(timeline.windows.starts * RATE, [a for a, _ in where])
    np.testing.assert_allclose(timeline.windows.ends * RATE, [b for _, b in where])
    for (a, b), scores in list(zip(where, timeline.windows.scores, strict=True))[::5]:
        (alone,) = predictor.scores([Clip(sweep, "x", a / RATE, b / RATE)], window=2.0)
        np.testing.assert_allclose(scores, alone.scores, atol=2e-3)  # cut out before resampling, not after
    (mean,) = predictor.predict([Clip(sweep, "x")], window=1.0, hop=0.4)
    np.testing.assert_allclose(timeline.windows.scores.mean(0), list(mean.scores.values()), atol=1e-12)
    assert np.ptp(timeline.windows.scores[:, 0]) > 1e-3


@pytest.mark.parametrize("block", [7, 4410, 100_000])
@pytest.mark.parametrize("frames", [False, True])
def test_a_stream_gives_the_numbers_of_the_file(trained, frame_model, sweep, block, frames):
    predictor = Predictor(frame_model if frames else trained)
    samples = soundfile.read(sweep, dtype="float32", always_2d=True)[0].mean(axis=1)
    blocks = (samples[i : i + block] for i in range(0, len(samples), block))
    live = joined(list(predictor.stream(blocks, 44100, window=0.5, hop=0.3)))
    timeline = predictor.timeline(sweep, window=0.5, hop=0.3)
    for name in ("starts", "ends", "scores"):
        np.testing.assert_allclose(getattr(live, name), getattr(timeline.windows, name), atol=1e-5)


def test_a_window_is_scored_as_soon_as_it_is_there(trained):
    """After each block all windows that end with it or before are out, but for what resampling holds back."""
    predictor = Predictor(trained)
    given = 0.0

    def blocks():
        nonlocal given
        rng = np.random.default_rng(0)
        for _ in range(40):
            given += 0.1
            yield rng.normal(0, 0.1, 1600).astype(np.float32)

    ends = []
    for scores in predictor.stream(blocks(), window=1.0, hop=0.5):
        ends.append(float(scores.ends[-1]))
        assert given - ends[-1] < 0.1 + 1e-9
    assert ends == pytest.approx(np.arange(1.0, 4.01, 0.5))


def test_a_frame_model_scores_frames(frame_model, sweep):
    predictor = Predictor(frame_model)
    assert predictor.model.frame_level
    timeline = predictor.timeline(sweep)  # of windows of 1 s, every half second
    stride = predictor.model.encoder.seconds_per_frame
    np.testing.assert_allclose(np.diff(timeline.moments.starts)[:40], stride, atol=1e-9)
    assert timeline.moments.ends[-1] == pytest.approx(timeline.seconds)
    assert len(timeline.windows) == len(timeline.moments) > 340
    # the first half second is covered by the first window alone
    samples = io.read(sweep)[:RATE]
    waveform = predictor_waveform(predictor, samples)
    logits = predictor.model(*tiny.batch([waveform]))[0]
    expected = logits.double().sigmoid().detach().numpy()
    assert expected.shape == (49, 3)
    np.testing.assert_allclose(timeline.moments.scores[:24], expected[:24], atol=1e-5)


def predictor_waveform(predictor, samples):
    from audioft.evaluation.scoring import preparation

    return preparation(predictor.model)(samples)


def test_frames_do_not_depend_on_the_windows_beside_them(frame_model, sweep, tmp_path):
    other = makers.tone(tmp_path / "short.wav", seconds=0.31)
    predictor = Predictor(frame_model)
    alone = predictor.timeline(sweep, window=2.0).moments.scores
    beside = [s.moments for s in predictor.follow([Clip(other, "o"), Clip(sweep, "s")], window=2.0) if s.index == 1]
    np.testing.assert_allclose(joined([m for m in beside if len(m)]).scores, alone, atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "windows", "said"),
    [(0, 0, "no samples"), (1, 0, "0.1 ms long"), (398, 0, "24.9 ms long"), (399, 1, None), (400, 1, None)],
)
def test_the_shortest(trained, samples, windows, said):
    predictor = Predictor(trained)
    blocks = [np.random.default_rng(1).normal(0, 0.1, samples).astype(np.float32)]
    steps = list(predictor.live(blocks))
    assert sum(len(s.windows) for s in steps) == windows
    error = steps[-1].summary.error
    assert (error is None) if said is None else (said in str(error))


def test_what_came_before_the_damage_is_scored(trained, sweep, tmp_path):
    whole = soundfile.read(sweep, dtype="float32")[0][: 5 * 44100]
    soundfile.write(tmp_path / "whole.wav", whole, 44100)
    data = (tmp_path / "whole.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(data[: 44 + 4 * round(3.3 * 44100)])
    soundfile.write(tmp_path / "first.wav", whole[: round(3.3 * 44100)], 44100)
    predictor = Predictor(trained)
    cut, first = (predictor.timeline(tmp_path / f"{n}.wav", window=1.0) for n in ("cut", "first"))
    assert "promises 5.00 s, only 3.30 s" in str(cut.error)
    assert cut.seconds == first.seconds == pytest.approx(3.3)
    np.testing.assert_allclose(cut.windows.scores, first.windows.scores, atol=1e-6)
    assert cut.windows.ends[-1] == pytest.approx(3.3)
    broken = whole.copy()
    broken[round(2.5 * 44100)] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 44100, subtype="FLOAT")
    nan = predictor.timeline(tmp_path / "nan.wav", window=1.0)
    assert "not finite" in str(nan.error)
    assert 2.3 < nan.seconds <= 2.5
    assert np.isfinite(nan.windows.scores).all()


def test_segments_follow_the_rules(trained, sweep):
    timeline = Predictor(trained).timeline(sweep, window=0.5, hop=0.25)
    everything = timeline.segments(1e-9)
    assert sorted((e.label, e.start) for e in everything) == [("high", 0.0), ("low", 0.0)]
    assert {e.end for e in everything} == {timeline.seconds}
    assert timeline.segments(1.0) == []
    skipping = dataclasses.replace(timeline, rules=dataclasses.replace(timeline.rules, skip=("high",)))
    assert {e.label for e in skipping.segments(1e-9)} == {"low"}


def test_however_long_a_recording_only_a_few_batches_of_it_are_held(trained):
    predictor = Predictor(trained, batch_seconds=2.0)
    given = 0

    def windows():
        nonlocal given
        rng = np.random.default_rng(0)
        for i in range(400):
            given += 1
            wave = torch.from_numpy(rng.normal(0, 1, RATE // 2).astype(np.float32))
            yield Window(i * RATE // 2, RATE // 2, wave)

    seen = 0
    for found in score_windows(predictor.model, [windows()], multilabel=False, batch_seconds=2.0):
        seen += found.scores is not None
        assert given - seen < (2 * PENDING_BATCHES + 1) * 4  # those looked at together, and as many read ahead
    assert seen == given == 400


@pytest.mark.parametrize("blocks", [[np.zeros((100, 2), np.float32)], np.zeros(100, np.float32)])
def test_blocks_that_are_not_mono_sound_are_refused(trained, blocks):
    with pytest.raises(UsageError, match=r"arrays of shape \(T,\)"):
        list(Predictor(trained).stream(blocks))
