"""The score from which on a label is given, where a clip may have several."""

from __future__ import annotations

import numpy as np

from audioft.evaluation.predictions import Predictions


def choose_thresholds(predictions: Predictions) -> np.ndarray:
    """The decision threshold of each label that maximises its F1 on these predictions.

    Each label is taken by itself, which also maximises macro F1 (the SCut strategy of Yang, "A study of
    thresholding strategies for text categorization", SIGIR 2001). Between two neighbouring scores every
    threshold decides alike, so only the midpoints are tried, and one halfway from the lowest score to 0. Of
    equally good ones the nearest to 0.5 is taken, and the lower of two equally near. Clips for which the
    label is not known are left out, and a label without a positive clip keeps 0.5.

    Such thresholds fit the clips they are chosen on: choose on the validation side, measure on another.

    Args:
        predictions: multi-label, of the validation side.

    Returns:
        `(C,)` float64; a label is given where its score is at least its threshold.

    Raises:
        ValueError: the predictions are single-label, where the highest score decides.
    """
    if not predictions.multilabel:
        raise ValueError("thresholds are for multi-label predictions; with one label a clip the highest score decides")
    columns = zip(predictions.scores.T, predictions.targets.T, predictions.known.T, strict=True)
    return np.array([best_threshold(scores[known], targets[known] > 0) for scores, targets, known in columns])


def best_threshold(scores: np.ndarray, positive: np.ndarray) -> float:
    """The threshold of one label, see `choose_thresholds`: scores `(N,)`, and which of them are of the label."""
    if not positive.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    hits = np.cumsum(positive[order])[ends]
    f1 = 2 * hits / (ends + 1 + positive.sum())
    upper, lower = ordered[ends], np.append(ordered[ends][1:], 0.0)
    middles = (upper + lower) / 2
    # between two neighbouring floats the midpoint may round to the lower one, which would then be let in too
    middles = np.where(middles > lower, middles, upper)
    best = middles[f1 >= f1.max() - 1e-12][::-1]
    return float(best[np.argmin(np.abs(best - 0.5).round(12))])
