"""Every metric against scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from made_predictions import multi, predictions, single
from sklearn import metrics as oracle

from audioft.errors import ConfigError, DataError
from audioft.evaluation.metrics import METRICS, Tally, compute, confusion, metric, per_class

SINGLE = [(seed, c, absent, ties) for seed in range(4) for c in (2, 3, 7) for absent in (0, 1) for ties in (0, 1)]
MULTI = [(seed, ties, masked) for seed in range(6) for ties in (False, True) for masked in (False, True)]


def averaged(truth, given, **more):
    kinds = {"precision": oracle.precision_score, "recall": oracle.recall_score, "f1": oracle.f1_score}
    averages = ("macro", "weighted", "micro")
    return {f"{k}_{a}": f(truth, given, average=a, zero_division=0, **more) for k, f in kinds.items() for a in averages}


def rankings(targets, scores, weights=None):
    """ROC AUC and average precision of one label by scikit-learn, nan where it has none."""
    if not targets.any():
        return np.nan, np.nan
    ap = oracle.average_precision_score(targets, scores, sample_weight=weights)
    if targets.all():
        return np.nan, ap
    return oracle.roc_auc_score(targets, scores, sample_weight=weights), ap


@pytest.mark.parametrize(("seed", "classes", "absent", "ties"), SINGLE)
def test_single_label_metrics_are_those_of_scikit_learn(seed, classes, absent, ties):
    p = single(seed, classes=classes, absent=bool(absent and classes > 2), ties=bool(ties))
    truth, given = p.targets.argmax(1), p.scores.argmax(1)
    labels = range(classes)
    expected = averaged(truth, given, labels=labels)
    expected["accuracy"] = oracle.accuracy_score(truth, given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a given class that never occurs
        expected["balanced_accuracy"] = oracle.balanced_accuracy_score(truth, given)
    both = np.array([rankings(p.targets[:, c], p.scores[:, c]) for c in labels])
    expected["roc_auc"], expected["map"] = np.nanmean(both, axis=0)
    assert compute(p) == pytest.approx(expected, abs=1e-12)
    np.testing.assert_array_equal(confusion(p), oracle.confusion_matrix(truth, given, labels=labels))
    table = per_class(p)
    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        truth, given, labels=labels, zero_division=0
    )
    for name, column in {"precision": precision, "recall": recall, "f1": f1, "support": support}.items():
        np.testing.assert_allclose(table[name], column, atol=1e-12)
    np.testing.assert_allclose(table["roc_auc"], both[:, 0], atol=1e-12)
    np.testing.assert_allclose(table["average_precision"], both[:, 1], atol=1e-12)


@pytest.mark.parametrize(("seed", "ties", "masked"), MULTI)
def test_multi_label_metrics_are_those_of_scikit_learn_over_what_is_known(seed, ties, masked):
    p = multi(seed, ties=ties, masked=masked)
    limits = np.random.default_rng(seed).uniform(0.2, 0.8, 4)
    given, found, table = p.scores >= limits, compute(p, limits), per_class(p, limits)
    for c in range(4):
        k = p.known[:, c]
        y, s = p.targets[k, c], p.scores[k, c]
        assert table["f1"][c] == pytest.approx(oracle.f1_score(y, given[k, c], zero_division=0))
        assert table["precision"][c] == pytest.approx(oracle.precision_score(y, given[k, c], zero_division=0))
        assert table["recall"][c] == pytest.approx(oracle.recall_score(y, given[k, c], zero_division=0))
        assert (table["roc_auc"][c], table["average_precision"][c]) == pytest.approx(rankings(y, s), nan_ok=True)
    assert found["map"] == pytest.approx(np.nanmean(table["average_precision"]))
    assert found["roc_auc"] == pytest.approx(np.nanmean(table["roc_auc"]))
    assert found["f1_macro"] == pytest.approx(np.mean(table["f1"]))
    assert found["f1_micro"] == pytest.approx(oracle.f1_score(p.targets[p.known], given[p.known]))
    right = [(given[i, k] == p.targets[i, k]).all() for i, k in enumerate(p.known) if k.any()]
    assert found["subset_accuracy"] == pytest.approx(np.mean(right))
    if not masked:
        whole = averaged(p.targets, given)
        assert {k: found[k] for k in whole} == pytest.approx(whole)
        assert found["subset_accuracy"] == pytest.approx(oracle.accuracy_score(p.targets, given))
        assert found["map"] == pytest.approx(oracle.average_precision_score(p.targets, p.scores))


@pytest.mark.parametrize("seed", range(4))
def test_weights_count_as_in_scikit_learn(seed):
    p = single(seed, ties=seed % 2 == 0)
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, len(p)))
    t, truth, given = Tally(p, weights), p.targets.argmax(1), p.scores.argmax(1)
    for r, w in enumerate(weights):
        assert t.correct[r] == pytest.approx(oracle.accuracy_score(truth, given, sample_weight=w))
        f1 = oracle.f1_score(truth, given, average=None, labels=range(4), sample_weight=w, zero_division=0)
        np.testing.assert_allclose(t.f1[r], f1)
        for c in range(4):
            both = rankings(p.targets[:, c], p.scores[:, c], w)
            assert (t.roc_auc[r, c], t.average_precision[r, c]) == pytest.approx(both)


def test_a_label_without_clips_is_nan_for_rankings_and_left_out_of_their_means():
    p = predictions([[0.9, 0.2, 0.5], [0.1, 0.8, 0.6]], [[1, 0, 0], [0, 1, 0]], multilabel=True)
    assert np.isnan(per_class(p)["roc_auc"]).tolist() == [False, False, True]
    assert (compute(p)["roc_auc"], compute(p)["map"]) == (1.0, 1.0)
    assert compute(p)["f1_macro"] == pytest.approx(2 / 3)


def test_what_is_unknown_changes_nothing():
    p = multi(3, masked=True)
    other = np.where(p.known, p.targets, np.nan)
    scores = np.where(p.known, p.scores, 0.99)
    assert compute(p) == compute(predictions(scores, other, True, p.known))


def test_a_metric_is_taken_by_name_and_agrees_with_the_table():
    p = single(0)
    for name, value in compute(p).items():
        assert metric(name, multilabel=False)(p) == value
        assert METRICS[name].higher_is_better


def test_a_metric_that_does_not_exist_or_fit_is_refused_with_those_that_do():
    with pytest.raises(ConfigError, match="did you mean 'accuracy'"):
        metric("acuracy", multilabel=False)
    with pytest.raises(ConfigError, match="subset_accuracy"):
        metric("accuracy", multilabel=True)


def test_no_clips_is_an_error():
    with pytest.raises(DataError, match="no clips"):
        compute(predictions(np.zeros((0, 2)), np.zeros((0, 2))))
