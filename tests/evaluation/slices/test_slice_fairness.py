"""Two groups compared by fairlearn, and what its figures would be by chance."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.evaluation.slices import columns, fairness

fair = pytest.importorskip("fairlearn.metrics", reason="fairlearn is not installed")


def made(random, gap, count=600):
    sex = random.choice(["f", "m"], count)
    label = random.integers(0, 3, count)
    wrong = random.random(count) < np.where((sex == "f") & (label == 1), 0.1 + gap, 0.1)
    given = np.where(wrong, (label + 1) % 3, label)
    return columns.column("sex", sex), np.eye(3, dtype=bool)[label], np.eye(3, dtype=bool)[given]


def test_the_figures_are_fairlearns_of_the_label_where_they_are_largest():
    column, true, given = made(np.random.default_rng(0), 0.4)
    found = fairness.compare(column, true, given, ("a", "b", "c"), np.arange(600))
    for name in fairness.NAMES:
        each = [getattr(fair, name)(true[:, c], given[:, c], sensitive_features=column.code) for c in range(3)]
        assert found.figures[name] == pytest.approx(max(each))
        assert found.labels[name] == "abc"[int(np.argmax(each))]
    assert found.labels["equal_opportunity_difference"] == "b"
    assert found.values == ("f", "m")


def test_a_difference_is_beyond_chance_where_there_is_one_and_seldom_where_there_is_none():
    names = ("a", "b", "c")
    column, true, given = made(np.random.default_rng(1), 0.4)
    found = fairness.compare(column, true, given, names, np.arange(600))
    assert found.figures["equalized_odds_difference"] > 2 * found.chance["equalized_odds_difference"]
    beyond = 0
    for draw in range(30):
        column, true, given = made(np.random.default_rng(draw), 0.0, 200)
        found = fairness.compare(column, true, given, names, np.arange(200), seed=draw)
        beyond += found.figures["equalized_odds_difference"] > found.chance["equalized_odds_difference"]
    assert beyond <= 5


def test_chance_is_larger_where_clips_are_of_few_speakers():
    random = np.random.default_rng(3)
    speaker = np.repeat(np.arange(12), 50)
    column = columns.column("sex", np.where(speaker < 6, "f", "m"))
    label = random.integers(0, 2, 600)
    given = np.where(random.random(600) < random.beta(2, 6, 12)[speaker], 1 - label, label)
    true, given = np.eye(2, dtype=bool)[label], np.eye(2, dtype=bool)[given]
    by_speaker, alone = (fairness.compare(column, true, given, ("a", "b"), u) for u in (speaker, np.arange(600)))
    assert by_speaker.chance["equalized_odds_difference"] > 1.5 * alone.chance["equalized_odds_difference"]


def test_labels_with_too_few_clips_are_not_compared():
    column, true, given = made(np.random.default_rng(0), 0.0, 24)
    assert fairness.compare(column, true, given, ("a", "b", "c"), np.arange(24)) is None
