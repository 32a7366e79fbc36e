"""Whether the best settings are told to be better: where they are, and not where they were only chosen."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.evaluation.predictions import Predictions, losses

pytest.importorskip("optuna")

from test_pruning import ended

from audioft.tasks.search import objectives, outcome
from audioft.tasks.search.objectives import Objectives
from audioft.tasks.search.outcome import Said
from audioft.tasks.search.result import front
from audioft.tasks.search.trial import Fold

LABELS = ("a", "b")


def said(number, right, rng, groups=1, loss=True):
    """A trial that is right of each clip with a chance, surely."""
    n = len(right)
    targets = np.eye(2)[rng.integers(0, 2, n)]
    sure = np.where(right, 0.9, 0.1)
    scores = targets * sure[:, None] + (1 - targets) * (1 - sure[:, None])
    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": f"g{i // groups}"} for i in range(n)]
    p = Predictions(LABELS, False, scores, targets, np.ones((n, 2), bool), clips)
    each = losses(p.scores, p.targets, p.known, False) if loss else None
    return Said(number, p, np.arange(n), each)


def trials(shares, seed, clips=200, groups=1, loss=True):
    rng = np.random.default_rng(seed)
    hard = np.repeat(rng.uniform(size=clips // groups), groups)
    return [said(i, hard < share, np.random.default_rng(seed), groups, loss) for i, share in enumerate(shares)]


@pytest.mark.parametrize(("figure", "loss"), [("refined_loss", True), ("accuracy", False)])
def test_what_is_better_is_told_to_be(figure, loss):
    found = outcome.gain(trials([0.6, 0.85, 0.6], 0, loss=loss), figure, 0)
    assert found.beyond_chance
    assert found.low > 0
    assert found.higher == (figure == "accuracy")
    if figure == "accuracy":
        assert found.mean == pytest.approx(0.25, abs=0.08)
        assert found.seen == pytest.approx(0.25, abs=0.08)


def test_the_best_of_many_equal_ones_is_not():
    """Of 20 that are equally good the best looks better, by chance alone."""
    told, seen, means = 0, [], []
    for seed in range(40):
        rng = np.random.default_rng([1, seed])
        found = [said(i, rng.uniform(size=120) < 0.7, np.random.default_rng(seed), loss=False) for i in range(20)]
        gain = outcome.gain(found, "accuracy", seed)
        told += gain.beyond_chance
        seen.append(gain.seen)
        means.append(gain.mean)
    assert told <= 4
    assert np.mean(seen) > 0.05, "as the search saw it, it is ahead"
    assert abs(np.mean(means)) < 0.03, "on clips without a part in the choice it is not"


def test_clips_of_a_group_are_drawn_together():
    alone = outcome.gain(trials([0.4, 0.8], 3, clips=400), "refined_loss", 0)
    grouped = outcome.gain(trials([0.4, 0.8], 3, clips=400, groups=10), "refined_loss", 0)
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_one_trial_tells_nothing():
    assert outcome.gain(trials([0.6], 0), "refined_loss", 0) is None
    assert outcome.gain([], "refined_loss", 0) is None


def test_scores_are_means_over_clips_and_costs_are_beside_them():
    folds = [Fold(0.2, {}, 30, 1, 2.0, 1.5), Fold(0.6, {}, 10, 1, 3.0, 1.5)]
    assert Objectives(("score", "time", "size"), "loss").values(folds) == (pytest.approx(0.3), 5.0, 1.5)
    assert objectives.of(["size", "score"], "accuracy", multilabel=False, frames=False).directions == (
        "maximize",
        "minimize",
    )


def test_a_front_has_what_nothing_beats():
    both = Objectives(("score", "time"), "accuracy")
    found = [ended(i, v) for i, v in enumerate([0.5, 0.6, 0.4, 0.6])]
    costs = [2.0, 3.0, 5.0, 4.0]
    from dataclasses import replace

    found = [replace(e, values=(*e.values, c)) for e, c in zip(found, costs, strict=True)]
    assert [e.number for e in front(found, both)] == [0, 1]
