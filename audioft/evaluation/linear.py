"""A linear classifier of clips' features: standardised, regularised logistic regression, as plain arrays.

What a `linear` head computes is the same with the standardisation worked into its weights, see `Linear.folded`.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

#: Of a feature, below which its deviation over the clips is rounding, relative to its mean: it tells nothing.
LEAST_DEVIATION = 1e-4
NEVER = -30.0  # the logit of a label that nothing was learnt of, where one label is given
ITERATIONS = 500


@dataclass(frozen=True)
class Linear:
    """Logits `(x - mean) / scale @ weights.T + bias` of features `x`, all float64.

    Attributes:
        mean, scale: `(D,)`, of the clips that were learnt from.
        weights: `(C, D)`.
        bias: `(C,)`.
        multilabel: several labels may hold at once: scores are sigmoids instead of a softmax.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    multilabel: bool

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Probabilities `(N, C)` of features `(N, D)`."""
        from scipy.special import expit, softmax

        logits = (features.astype(np.float64) - self.mean) / self.scale @ self.weights.T + self.bias
        return expit(logits) if self.multilabel else softmax(logits, axis=1)

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights `(C, D)` and bias `(C,)` that give the same logits of features that are not standardised."""
        weights = self.weights / self.scale
        return weights, self.bias - weights @ self.mean


def fit(features: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool, c: float) -> Linear:
    """The classifier of N clips.

    Args:
        features: `(N, D)`.
        targets: `(N, C)`, 1 where a clip has the label.
        known: `(N, C)` bool, whether that is known; of one label a clip it is for all.
        multilabel: whether a clip may have several labels: then each label has a regression of its own.
        c: inverse strength of the penalty.

    Returns:
        The classifier; of a label that all clips have, or none has, its logit is the same for every clip.
    """
    mean, scale = standardisation(features)
    x = ((features - mean) / scale).astype(np.float64)
    basis, x = _rotated(x)
    weights, bias = np.zeros((targets.shape[1], x.shape[1])), np.zeros(targets.shape[1])
    if multilabel:
        for label in range(targets.shape[1]):
            weights[label], bias[label] = _one(x, targets[:, label] > 0, known[:, label], c)
    else:
        labels = targets.argmax(1)
        there = np.unique(labels)
        bias[:] = NEVER
        weights[there], bias[there] = _regression(x, labels, c) if len(there) > 1 else (0.0, 0.0)
    return Linear(mean, scale, weights @ basis, bias, multilabel)


def standardisation(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale `(D,)` float64 of `(N, D)`; of a feature that does not vary the scale is infinite."""
    x = features.astype(np.float64)
    mean, scale = x.mean(0), x.std(0)
    return mean, np.where(scale > LEAST_DEVIATION * np.abs(mean), scale, np.inf)


def _rotated(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An orthonormal basis `(R, D)` of what `(N, D)` spans, and its coordinates `(N, R)`, R being at most N.

    The penalty is of lengths, so that the best weights are the same in it, and it is smaller where clips are few.
    """
    clips, width = x.shape
    if width <= clips:
        return np.eye(width), x
    lengths, vectors = np.linalg.eigh(x @ x.T)
    kept = lengths > max(lengths[-1], 0) * 1e-12
    if not kept.any():
        return np.zeros((1, width)), np.zeros((clips, 1))
    root = np.sqrt(lengths[kept])
    return (x.T @ vectors[:, kept] / root).T, vectors[:, kept] * root


def _one(x: np.ndarray, wanted: np.ndarray, known: np.ndarray, c: float) -> tuple[np.ndarray, float]:
    """Weights and bias of one label of several."""
    rows = wanted[known]
    if rows.all() or not rows.any():  # nothing to tell apart
        share = (rows.sum() + 1) / (len(rows) + 2)
        return np.zeros(x.shape[1]), float(np.log(share / (1 - share)))
    weights, bias = _regression(x[known], rows, c)
    return weights[1] - weights[0], float(bias[1] - bias[0])


def _regression(x: np.ndarray, labels: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights `(K, D)` and bias `(K,)` of the K labels that are there, ascending."""
    from sklearn.linear_model import LogisticRegression

    with quietly():
        found = LogisticRegression(C=c, max_iter=ITERATIONS).fit(x, labels)
    if len(found.coef_) == 1:
        half = found.coef_[0] / 2, found.intercept_[0] / 2
        return np.stack([-half[0], half[0]]), np.array([-half[1], half[1]])
    return found.coef_, found.intercept_


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Let scikit-learn fit in one thread: matrices are so small that several wait for each other for most of the time.

    It says nothing where it ends after so many iterations, which is part of the measure.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
