"""The agreement gate, against the interval that is measured."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audioft.evaluation.intervals import Estimate
from audioft.evaluation.paired import gaps
from audioft.evaluation.predictions import Predictions
from audioft.tasks.compress.gate import Gate


def predictions(right: np.ndarray) -> Predictions:
    """Two labels; the first is true of every clip."""
    scores = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": ""} for i in range(len(right))]
    return Predictions(("a", "b"), False, scores, np.array([[1, 0]] * len(right)), np.ones((len(right), 2)), clips)


def change(clips: int, lost: int = 0) -> Estimate:
    before, after = np.ones(clips, bool), np.ones(clips, bool)
    after[:lost] = False
    (gap,) = gaps.gaps([predictions(before), predictions(after)], [None, None], "accuracy", resamples=50)
    return gap.change


@pytest.mark.parametrize("clips", [20, 80, 500])
def test_what_no_clip_is_lost_by_is_what_cannot_be_ruled_out(clips):
    gate = Gate(0.01, "accuracy", clips, clips)
    assert gate.least == pytest.approx(-change(clips).low)
    assert gate.passes(change(clips)) is (gate.least <= 0.01)


def test_no_loss_seen_among_few_clips_shows_nothing():
    gate = Gate(0.01, "accuracy", 50, 50)
    assert not gate.passes(change(50))
    needed = gate.needed(change(50))
    assert not gate.passes(change(needed - 1))
    assert gate.passes(change(needed))
    assert str(needed) in gate.told("quantise", change(50))


def test_a_loss_that_is_seen_needs_more_clips_or_is_too_much():
    gate = Gate(0.02, "accuracy", 200, 200)
    seen = change(200, lost=2)  # a point is lost
    assert not gate.passes(seen)
    needed = gate.needed(seen)
    assert 200 < needed < 2000
    assert gate.passes(change(needed, lost=needed // 100))
    assert gate.needed(change(200, lost=10)) is None
    assert "more than --max-loss 0.02 is lost" in gate.told("prune", change(200, lost=10))


def test_of_one_group_nothing_can_be_shown():
    gate, alone = Gate(0.5, "accuracy", 9, 1), Estimate(0.0, math.nan, math.nan)
    assert not gate.passes(alone)
    assert gate.needed(alone) is None
    assert "one group" in gate.told("prune", alone)


def test_a_gain_passes_if_it_is_certain_enough():
    assert Gate(0.01, "accuracy", 50, 50).passes(Estimate(0.05, -0.005, 0.105))
    assert not Gate(0.01, "accuracy", 50, 50).passes(Estimate(0.05, -0.02, 0.12))
