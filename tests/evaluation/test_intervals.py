from __future__ import annotations

import time

import numpy as np
import pytest
from made_predictions import multi, predictions, single

from audioft.evaluation import intervals
from audioft.evaluation.clip_report import SINGLE
from audioft.evaluation.intervals import bootstrap, units
from audioft.evaluation.metrics import METRICS
from audioft.evaluation.predictions import Predictions


def binary(right, each=1):
    """Predictions of class 0 or 1 that are right where `right` is."""
    truth = np.arange(len(right)) % 2
    given = np.where(right, truth, 1 - truth)
    return predictions(np.eye(2)[given], np.eye(2)[truth], each=each)


def test_the_interval_of_an_accuracy_covers_it_about_as_often_as_it_says():
    random, covered = np.random.default_rng(0), 0
    for run in range(200):
        low, high = bootstrap(binary(random.random(80) < 0.8), ["accuracy"], resamples=200, seed=run)["accuracy"]
        covered += low <= 0.8 <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_groups_that_are_right_or_wrong_together_widen_the_interval():
    right = np.repeat(np.random.default_rng(1).random(30) < 0.7, 8)
    (alone, clips), (together, groups) = (units(binary(right, each)) for each in (1, 8))
    assert (alone, clips.max() + 1, together, groups.max() + 1) == ("clips", 240, "groups", 30)
    alone, together = (bootstrap(binary(right, each), ["accuracy"]) for each in (1, 8))
    widths = [i["accuracy"][1] - i["accuracy"][0] for i in (alone, together)]
    assert 2.0 < widths[1] / widths[0] < 4.0  # the square root of 8 is 2.8


def test_a_resample_is_the_metric_of_the_clipsmultiplicities():
    p = single(4, count=30)
    weights = intervals.multiplicities(np.random.default_rng(0), 5, 30)
    assert weights.sum(axis=1).tolist() == [30] * 5
    for w in weights:
        again = np.repeat(np.arange(30), w.astype(int))
        drawn = predictions(p.scores[again], p.targets[again])
        for m in METRICS.values():
            if m.single:
                assert m.of(intervals.Tally(p, w[None]))[0] == pytest.approx(m(drawn), nan_ok=True)


def test_the_seed_decides():
    p = multi(0, masked=True)
    first, again, other = (bootstrap(p, ["map"], resamples=50, seed=s) for s in (3, 3, 4))
    assert first == again != other


def test_the_figure_lies_inside_and_a_wider_level_is_wider():
    p = single(2, count=100)
    (low, high), (lower, higher) = (bootstrap(p, ["accuracy"], level=x)["accuracy"] for x in (0.5, 0.99))
    assert lower < low < METRICS["accuracy"](p) < high < higher


def test_one_group_gives_no_interval():
    one = binary(np.array([True, False, True]), each=3)
    found = bootstrap(one, ["accuracy"])
    assert units(one)[1].max() + 1 == 1
    assert np.isnan(found["accuracy"]).all()


def test_units_of_mixed_groups():
    p = binary(np.ones(5, dtype=bool), each=2)
    assert units(p)[1].tolist() == [0, 0, 1, 1, 2]


def test_all_headline_figures_of_400_clips_take_under_three_seconds():
    p = single(0, count=400, classes=10)
    start = time.perf_counter()
    bootstrap(p, SINGLE)
    assert time.perf_counter() - start < 3


def test_a_perfect_model_has_perfect_intervals_even_where_a_resample_lacks_a_label():
    targets = np.eye(4)
    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": f"{i}"} for i in range(4)]
    perfect = Predictions(("a", "b", "c", "d"), False, targets, targets, np.ones((4, 4), bool), clips)
    names = ("f1_macro", "precision_macro", "recall_macro", "balanced_accuracy")
    assert bootstrap(perfect, names, resamples=200) == dict.fromkeys(names, (1.0, 1.0))
