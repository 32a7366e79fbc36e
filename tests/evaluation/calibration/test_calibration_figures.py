"""Calibration against its definitions, clip by clip, and scikit-learn."""

from __future__ import annotations

import made_predictions
import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from audioft.evaluation.calibration import figures


def by_bins(confidence, right):
    total = 0.0
    for k in range(figures.BINS):
        low, high = k / figures.BINS, (k + 1) / figures.BINS
        own = (confidence > low) & (confidence <= high) if k else confidence <= high
        if own.any():
            total += own.mean() * abs(right[own].mean() - confidence[own].mean())
    return total


def test_one_label_a_clip():
    found = made_predictions.single(0, count=200)
    true = found.targets.argmax(1)
    given = found.scores.argmax(1)
    measured = figures.measure(found)
    assert measured.ece == pytest.approx(by_bins(found.scores.max(1), given == true), abs=1e-12)
    assert measured.log_loss == pytest.approx(log_loss(true, found.scores), rel=1e-6)
    assert measured.brier == pytest.approx(((found.scores - np.eye(4)[true]) ** 2).sum(1).mean())


def test_several_labels_of_which_some_are_not_known():
    found = made_predictions.multi(1, count=200, masked=True)
    scores, targets = found.scores[found.known], found.targets[found.known]
    measured = figures.measure(found)
    assert measured.ece == pytest.approx(by_bins(scores, targets), abs=1e-12)
    assert measured.brier == pytest.approx(brier_score_loss(targets, scores))


def test_what_is_said_as_often_as_it_is_right_is_calibrated():
    random = np.random.default_rng(2)
    confidence = random.random(50_000)
    assert figures.error(confidence, random.random(50_000) < confidence) < 0.02
    assert figures.error(confidence, random.random(50_000) < confidence / 2) > 0.2
