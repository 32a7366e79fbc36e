"""The linear classifier: scikit-learn's, in whatever basis it is fitted, and the same with its scaling worked in."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.evaluation import linear


def made(clips: int, width: int, labels: int, multilabel: bool, seed: int = 0):
    rng = np.random.default_rng(seed)
    targets = np.eye(labels)[np.arange(clips) % labels]
    if multilabel:
        targets = np.maximum(targets, rng.random((clips, labels)) < 0.3).astype(float)
    features = targets @ rng.normal(size=(labels, width)) + rng.normal(size=(clips, width))
    return (features * rng.uniform(0.01, 100, width) + rng.normal(0, 10, width)).astype(np.float32), targets


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("width", [6, 90])  # narrower and wider than there are clips
def test_scores_are_those_of_scikit_learn(multilabel, labels, width):
    from sklearn.linear_model import LogisticRegression

    features, targets = made(60, width, labels, multilabel)
    known = np.ones(targets.shape, bool)
    if multilabel:
        known[:20, 1] = False
    penalty = 1 / (0.1 * 60)
    if labels == 2 and not multilabel:
        penalty *= 2  # of two rows that differ in their sign, where scikit-learn has one twice as long
    found = linear.fit(features, linear.Labels(targets, known, multilabel), penalty).scores(features)
    x = (features - features.mean(0, dtype=float)) / features.astype(float).std(0)
    how = {"C": 0.1, "max_iter": 5000, "tol": 1e-8}
    if not multilabel:
        expected = LogisticRegression(**how).fit(x, targets.argmax(1)).predict_proba(x)
        assert np.abs(found - expected).max() < 2e-3
        return
    for c in range(labels):
        model = LogisticRegression(**how).fit(x[known[:, c]], targets[known[:, c], c])
        assert np.abs(found[:, c] - model.predict_proba(x)[:, 1]).max() < 2e-3


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_linear_head_with_the_scaling_worked_in_gives_the_same_scores(multilabel):
    features, targets = made(50, 40, 3, multilabel)
    features[:, 3], features[:, 4] = 7.0, 0.0  # of no use
    found = linear.fit(features, linear.Labels(targets, np.ones(targets.shape, bool), multilabel), 0.02)
    weights, bias = (a.astype(np.float32) for a in found.folded())
    assert not weights[:, 3:5].any()
    logits = features @ weights.T + bias
    exp = np.exp(logits - logits.max(1, keepdims=True))
    scores = 1 / (1 + np.exp(-logits)) if multilabel else exp / exp.sum(1, keepdims=True)
    assert np.abs(scores - found.scores(features)).max() < 1e-5


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_label_that_nothing_is_known_of_is_never_given(multilabel):
    features, targets = made(50, 10, 3, multilabel)
    targets[:, 1] = 0
    if not multilabel:
        targets = np.eye(3)[np.arange(50) % 2 * 2]
    found = linear.fit(features, linear.Labels(targets, np.ones(targets.shape, bool), multilabel), 0.2)
    assert found.scores(features)[:, 1].max() < (0.05 if multilabel else 1e-6)
