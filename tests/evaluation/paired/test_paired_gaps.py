"""Pairs of models: the interval of a difference, its test, and the correction for how many there are."""

from __future__ import annotations

import dataclasses
import math

import made_pairs
import numpy as np
import pytest
from scipy.stats import ttest_1samp

from audioft.evaluation.metrics import METRICS
from audioft.evaluation.paired import exact, gaps, resampled
from audioft.evaluation.paired.gaps import EXCHANGED, MCNEMAR, RESAMPLED
from audioft.evaluation.predictions import Predictions


def test_a_change_of_nothing_has_a_width_and_of_one_group_none():
    nothing = resampled.interval(0.0, np.zeros(100), changed=0, clips=80, groups=80)
    assert -0.05 < nothing.low < 0 < nothing.high < 0.05
    assert math.isnan(resampled.interval(0.0, np.zeros(100), 0, clips=5, groups=1).low)


def test_drawing_clips_of_an_accuracy_is_the_t_test():
    one, other, member = made_pairs.scored(np.random.default_rng(0), 300, 1, labels=4, better=1.5)
    drawn = resampled.draws([one, other], [None, None], "accuracy", member, 4000)
    right = [(p.decisions() & (p.targets > 0)).any(1).astype(float) for p in (one, other)]
    wanted = ttest_1samp(right[1] - right[0], 0)
    found = resampled.p_value(float(np.mean(right[1] - right[0])), drawn[1] - drawn[0], 300)
    assert found == pytest.approx(wanted.pvalue, rel=0.3)


def test_pairs_in_order_with_what_each_alone_has_right():
    one, other, _member = made_pairs.scored(np.random.default_rng(1), 80, 1, labels=3, better=2.0)
    found = gaps.gaps([one, other, one], [None] * 3, "accuracy", 200)
    assert [(g.first, g.second) for g in found] == [(0, 1), (0, 2), (1, 2)]
    accuracy = METRICS["accuracy"]
    assert found[0].change.value == pytest.approx(accuracy(other) - accuracy(one))
    assert (found[0].alone[1] - found[0].alone[0]) / 80 == pytest.approx(found[0].change.value)
    assert found[0].test == MCNEMAR
    assert found[0].p == exact.mcnemar(*found[0].alone)
    assert found[0].change.value == -found[2].change.value
    assert (found[1].p, found[1].corrected, found[1].alone, found[1].area.p) == (1.0, 1.0, (0, 0), 1.0)
    assert found[0].corrected == pytest.approx(min(1.0, 3 * found[0].p))


def test_groups_are_exchanged_and_other_scores_resampled():
    one, other, _member = made_pairs.scored(np.random.default_rng(2), 30, 4, labels=3, together=0.5)
    (pair,) = gaps.gaps([one, other], [None, None], "accuracy", 100)
    assert pair.test == EXCHANGED
    (pair,) = gaps.gaps([one, other], [None, None], "f1_macro", 400)
    assert pair.test == RESAMPLED
    assert pair.change.low < pair.change.value < pair.change.high
    assert (pair.p < 0.05) == (not pair.change.low < 0 < pair.change.high)


def test_other_clips_are_refused():
    one, other, _ = made_pairs.scored(np.random.default_rng(3), 10, 1)
    with pytest.raises(ValueError, match="same clips"):
        gaps.gaps([one, dataclasses.replace(other, targets=1 - other.targets)], [None] * 2, "accuracy", 10)


def test_the_interval_of_groups_holds_and_the_naive_one_does_not():
    """300 draws of 25 groups of 8 clips; 2,000 are in the benchmark."""
    random, held = np.random.default_rng(4), np.zeros(2)
    for _ in range(300):
        first, second, member = made_pairs.alike(random, 25, 8, together=0.6)
        change = float(second.mean() - first.mean())
        for i, units in enumerate((member, np.arange(len(member)))):
            groups = int(units.max()) + 1
            weights = random.multinomial(groups, np.full(groups, 1 / groups), size=200)[:, units]
            drawn = weights @ (second.astype(float) - first) / weights.sum(1)
            found = resampled.interval(change, drawn, int((first != second).sum()), len(member), groups)
            held[i] += found.low <= 0 <= found.high
    grouped, naive = held / 300
    assert 0.92 <= grouped <= 0.98
    assert naive < 0.88


def test_of_models_that_are_alike_a_difference_is_rarely_told():
    """150 draws of three; 100 of four, with other shapes, are in the benchmark."""
    random, uncorrected, told = np.random.default_rng(5), 0, 0
    for _ in range(150):
        pairs = [made_pairs.alike(random, 150, 1, 0.0) for _ in range(2)]
        rights = [pairs[0][0], pairs[0][1], pairs[1][0]]
        models = [one_of_two(right) for right in rights]
        found = gaps.gaps(models, [None] * 3, "accuracy", 10)
        uncorrected += any(g.p < 0.05 for g in found)
        told += any(g.told for g in found)
    assert told / 150 <= 0.09
    assert told < uncorrected


def one_of_two(right: np.ndarray) -> Predictions:
    """Predictions of clips of one of two labels that are right where they are said to be."""
    scores = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": None} for i in range(len(right))]
    targets = np.tile([1.0, 0.0], (len(right), 1))
    return Predictions(("yes", "no"), False, scores, targets, np.ones(targets.shape, bool), clips)
