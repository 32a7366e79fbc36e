from __future__ import annotations

import time

import numpy as np
import pytest
from made_predictions import multi, predictions, single

from audioft.evaluation import intervals
from audioft.evaluation.clip_report import SINGLE
from audioft.evaluation.effective_size import of_clips
from audioft.evaluation.intervals import bootstrap, recalls, units
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


def perfect(labels: int, clips: int, each: int = 1, absent: int = 0, multilabel: bool = False) -> Predictions:
    targets = np.eye(labels + absent)[np.arange(clips) % labels]
    return predictions(targets, targets, multilabel, each=each)


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_perfect_model_is_not_certain_to_be_perfect(multilabel):
    names = [m.name for m in METRICS.values() if m.fits(multilabel)]
    few, many = (bootstrap(perfect(2, n, multilabel=multilabel), names, resamples=50) for n in (8, 200))
    for name in names:
        assert few[name][1] == many[name][1] == 1
        assert 0.3 < few[name][0] < 0.7
        assert 0.95 < many[name][0] < 0.99


def test_the_lower_bound_of_a_perfect_accuracy_is_exact():
    assert bootstrap(perfect(8, 32), ["accuracy"])["accuracy"] == pytest.approx((0.025 ** (1 / 32), 1.0))
    assert bootstrap(perfect(2, 2), ["accuracy"])["accuracy"] == pytest.approx((0.025**0.5, 1.0))


def test_a_model_that_is_never_right_is_not_certain_to_be_useless():
    wrong = binary(np.zeros(32, bool))
    found = bootstrap(wrong, ["accuracy", "f1_macro", "roc_auc", "balanced_accuracy"], resamples=50)
    for low, high in found.values():
        assert low == 0
        assert 0.1 < high < 0.25


def test_a_perfect_model_of_clips_in_groups_is_less_certain():
    alone, together = (bootstrap(perfect(2, 60, each), SINGLE, resamples=50) for each in (1, 10))
    for name in SINGLE:
        assert together[name][0] < alone[name][0] - 0.1


def test_an_absent_label_pulls_the_lower_bound_and_leaves_the_upper_one():
    found = bootstrap(perfect(3, 30, absent=1), ["f1_macro", "accuracy"], resamples=50)
    assert found["accuracy"][1] == found["f1_macro"][1] == 1
    assert found["f1_macro"][0] < 0.75 < found["accuracy"][0]


@pytest.mark.parametrize("p", [single(5), multi(5), multi(5, masked=True), single(5, absent=True)])
def test_all_intervals_hold_their_figure(p):
    names = [m.name for m in METRICS.values() if m.fits(p.multilabel)]
    for name, (low, high) in bootstrap(p, names, resamples=60).items():
        assert 0 <= low <= METRICS[name](p) <= high <= 1, name


def test_what_is_unknown_rests_on_fewer_clips():
    p = perfect(2, 40, multilabel=True)
    known = np.zeros((40, 2), bool)
    known[:10] = True
    targets = np.where(known, p.targets, 0)
    whole, part = (
        bootstrap(x, ["subset_accuracy", "map", "roc_auc"], resamples=50)
        for x in (p, predictions(p.scores, targets, True, known))
    )
    for name in whole:
        assert part[name][0] < whole[name][0] - 0.1


def test_the_recall_of_each_label_has_its_own_interval():
    p = single(3, count=60)
    found, member = recalls(p), np.arange(60)
    for c, (low, high) in enumerate(found):
        own = p.targets[:, c] > 0
        right = p.decisions()[own, c]
        assert (low, high) == pytest.approx(of_clips(right, member[own]))
        assert low <= right.mean() <= high
    absent = recalls(single(3, absent=True))
    assert np.isnan(absent[-1]).all()
    assert np.isfinite(absent[:-1]).all()
    speakers = predictions(np.eye(2)[np.arange(10) // 5], np.eye(2)[np.arange(10) // 5], each=5)
    assert np.isnan(recalls(speakers)).all()  # all clips of a label are of one group
