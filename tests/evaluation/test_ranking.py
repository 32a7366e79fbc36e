from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from audioft.annotations.event import Event
from audioft.annotations.frames import targets_of
from audioft.evaluation.ranking import frame_average_precision

LABELS = ("a", "b", "c")


def test_a_frame_is_active_if_half_of_it_lies_in_events():
    for seed in range(30):
        random = np.random.default_rng(seed)
        starts, lengths = random.integers(0, 250, 12), random.integers(1, 20, 12)
        labels = [str(label) for label in random.choice(LABELS, 12)]
        events = [Event(x, s / 64, (s + n) / 64) for x, s, n in zip(labels, starts, lengths, strict=True)]
        frames = np.arange(32) / 8
        ticks = np.zeros((3, 32 * 8), dtype=bool)
        for label, start, length in zip(labels, starts, lengths, strict=True):
            ticks[LABELS.index(label), start : start + length] = True
        expected = ticks.reshape(3, 32, 8).sum(axis=2).T >= 4
        found = targets_of(events, LABELS, frames, frames + 1 / 8)
        assert found.dtype == np.float32
        assert found.tolist() == expected.astype(float).tolist()


def test_half_a_frame_is_enough_whatever_its_times_are_rounded_to():
    starts = 3600 + 0.02 * np.arange(500)
    for k in range(0, 500, 2):
        event = Event("a", 3600 + 0.02 * k + 0.01, 3600 + 0.02 * k + 0.03)
        assert (
            np.flatnonzero(targets_of([event], LABELS, starts, starts + 0.02)[:, 0]).tolist() == [k, k + 1][: 500 - k]
        )


def test_frames_at_odds_with_events():
    none = targets_of(
        [Event("a", 1, 1), Event("b", 5, 6)], LABELS, np.array([0.0, 1.0, 5.5]), np.array([1.0, 2.0, 5.5])
    )
    assert not none.any()  # an event of no time, one beside all frames, a frame of no length
    assert targets_of([], LABELS, np.zeros(0), np.zeros(0)).shape == (0, 3)
    with pytest.raises(ValueError, match="not before"):
        targets_of([], LABELS, np.array([1.0]), np.array([0.5]))
    with pytest.raises(ValueError, match="'d' is not among"):
        targets_of([Event("d", 0, 1)], LABELS, np.zeros(1), np.ones(1))


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_over_frames_is_sklearns(ties):
    random = np.random.default_rng(0)
    targets = [(random.random((frames, 4)) < [0.3, 0.02, 0, 1]).astype(np.float32) for frames in (400, 1, 300)]
    scores = [(0.3 * t + 0.7 * random.random(t.shape)).astype(np.float32) for t in targets]
    scores = [np.round(s, 1) for s in scores] if ties else scores
    mean, labels = frame_average_precision(scores, targets)
    there, said = np.concatenate(targets), np.concatenate(scores)
    expected = [average_precision_score(there[:, c], said[:, c]) for c in (0, 1, 3)]
    assert labels[[0, 1, 3]] == pytest.approx(expected)
    assert np.isnan(labels[2])
    assert mean == pytest.approx(np.mean(expected))


def test_average_precision_of_frames_that_do_not_fit():
    frames = np.ones((3, 2))
    assert np.isnan(frame_average_precision([frames], [0 * frames])[0])
    for scores, targets in (([], []), ([frames], [frames[:2]]), ([frames, frames[:, :1]], [frames, frames[:, :1]])):
        with pytest.raises(ValueError, match="same labels"):
            frame_average_precision(scores, targets)
    with pytest.raises(ValueError, match="finite"):
        frame_average_precision([np.full((3, 2), np.nan)], [frames])
