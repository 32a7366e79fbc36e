"""A linear classifier of features: standardised, regularised logistic regression, as plain arrays.

The mean log loss of the examples plus half the squared length of the weights times a penalty is made small by L-BFGS:
the cross-entropy of one label each, or where several may hold the sum of each label's own. What a `linear` head
computes is the same with the standardisation worked into its weights, see `Linear.folded`.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

#: Of a feature, below which its deviation over the clips is rounding, relative to its mean: it tells nothing.
LEAST_DEVIATION = 1e-4
NEVER = -30.0  # the logit of a label that nothing was learnt of, where one label is given
ITERATIONS = 500  # of scikit-learn's solver
STEPS = 100  # of L-BFGS


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

    def logits(self, features: np.ndarray) -> np.ndarray:
        """`(N, C)` of features `(N, D)`."""
        return (features.astype(np.float64) - self.mean) / self.scale @ self.weights.T + self.bias

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Probabilities `(N, C)` of features `(N, D)`."""
        from scipy.special import expit, softmax

        logits = self.logits(features)
        return expit(logits) if self.multilabel else softmax(logits, axis=1)

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights `(C, D)` and bias `(C,)` that give the same logits of features that are not standardised."""
        weights = self.weights / self.scale
        return weights, self.bias - weights @ self.mean


@dataclass(frozen=True)
class Labels:
    """What is to be told from N examples.

    Attributes:
        targets: `(N, C)`, 1 where an example has the label.
        known: `(N, C)` bool, whether that is known; of one label each only examples count of which all is.
        multilabel: whether an example may have several labels: then each label has a regression of its own.
        weights: `(C,)`, how much an example of each label counts; None for all alike.
    """

    targets: np.ndarray
    known: np.ndarray
    multilabel: bool
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: np.ndarray) -> Labels:
        """Of the examples in a mask, or at positions."""
        return Labels(self.targets[rows], self.known[rows], self.multilabel, self.weights)

    def with_more(self, others: Labels) -> Labels:
        """These examples, and then others of the same labels."""
        both = np.concatenate([self.targets, others.targets]), np.concatenate([self.known, others.known])
        return Labels(*both, self.multilabel, self.weights)

    @property
    def there(self) -> np.ndarray:
        """`(C,)` bool, of which labels there is something to learn."""
        has = ((self.targets * self.known) > 0).sum(0)
        return (has > 0) & (has < self.known.sum(0)) if self.multilabel else has > 0

    @property
    def counted(self) -> np.ndarray:
        """How much each target counts, `(N, C)`, or each example, `(N, 1)`, where they have one label each."""
        weights = np.ones(self.targets.shape[1]) if self.weights is None else self.weights
        if self.multilabel:
            return self.known * np.where(self.targets > 0, weights, 1.0)
        return np.where(self.known.all(1), self.targets @ weights, 0.0)[:, None]

    def loss(self, logits: np.ndarray) -> float:
        """The mean log loss of logits `(N, C)`."""
        return _loss(logits, self.targets, self.counted, self.multilabel)[0]


def fit(features: np.ndarray, labels: Labels, penalty: float, rank: int | None = None) -> Linear:
    """The classifier of N examples.

    Args:
        features: `(N, D)`.
        labels: of the examples.
        penalty: of the weights, above 0.
        rank: the highest that the weights may have: fitted anew within the directions that say most; None for any.

    Returns:
        The classifier; of a label that all examples have, or none has, its logit is the same for every one.
    """
    found = next(path(features, labels, [penalty]))
    if rank is None or rank >= min(found.weights.shape):
        return found
    directions = np.linalg.svd(found.weights, full_matrices=False)[2][:rank]
    x = (features - found.mean) / found.scale
    weights, bias = next(_solved(x @ directions.T, labels, [penalty]))
    return Linear(found.mean, found.scale, weights @ directions, bias, labels.multilabel)


def path(features: np.ndarray, labels: Labels, penalties: Sequence[float]) -> Iterator[Linear]:
    """The classifiers of several penalties, each begun from the one before; arguments as of `fit`."""
    mean, scale = standardisation(features)
    x = (features - mean) / scale
    basis, inside = _rotated(x)
    for weights, bias in _solved(inside, labels, penalties):
        yield Linear(mean, scale, weights @ basis, bias, labels.multilabel)


def standardisation(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale `(D,)` float64 of `(N, D)`; of a feature that does not vary the scale is infinite."""
    x = features.astype(np.float64)
    mean, scale = x.mean(0), x.std(0)
    return mean, np.where(scale > LEAST_DEVIATION * np.abs(mean), scale, np.inf)


def _rotated(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An orthonormal basis `(R, D)` of what `(N, D)` spans, and its coordinates `(N, R)`, R being at most N.

    The penalty is of lengths, so that the best weights are the same in it, and it is smaller where examples are few.
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


def _solved(x: np.ndarray, labels: Labels, penalties: Sequence[float]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights `(C, D)` and biases `(C,)` under each penalty."""
    from scipy.optimize import minimize

    there, width = labels.there, x.shape[1]
    y, counted = labels.targets[:, there].astype(np.float64), labels.counted
    counted = counted[:, there] if labels.multilabel else counted
    bias, count = _first(labels), int(there.sum())
    at = np.concatenate([np.zeros(count * width), bias[there]])

    def value(at: np.ndarray, penalty: float) -> tuple[float, np.ndarray]:
        weights = at[: count * width].reshape(count, width)
        loss, slope = _loss(x @ weights.T + at[count * width :], y, counted, labels.multilabel)
        loss += 0.5 * penalty * float((weights * weights).sum())
        return loss, np.concatenate([(slope.T @ x + penalty * weights).ravel(), slope.sum(0)])

    options = {"maxiter": STEPS, "ftol": 1e-10, "gtol": 1e-6}
    for penalty in penalties:
        if count > (not labels.multilabel):
            with quietly():
                at = minimize(value, at, args=(penalty,), jac=True, method="L-BFGS-B", options=options).x
        weights, own = np.zeros((len(there), width)), bias.copy()
        weights[there], own[there] = at[: count * width].reshape(count, width), at[count * width :]
        yield weights, own


def _loss(logits: np.ndarray, y: np.ndarray, counted: np.ndarray, multilabel: bool) -> tuple[float, np.ndarray]:
    """The mean log loss, and its slope at each logit."""
    if multilabel:
        total = max(1, len(y))
        odds = np.exp(-np.abs(logits))
        loss = float((counted * (np.log1p(odds) + np.maximum(logits, 0) - y * logits)).sum())
        chance = np.where(logits >= 0, 1, odds) / (1 + odds)
        return loss / total, counted * (chance - y) / total
    counts = max(1e-12, float(counted.sum()))
    logits = logits - logits.max(1, keepdims=True)
    odds = np.exp(logits)
    sums, mass = odds.sum(1, keepdims=True), y.sum(1, keepdims=True)
    loss = float((counted * (np.log(sums) * mass - (y * logits).sum(1, keepdims=True))).sum())
    return loss / counts, counted * (odds / sums * mass - y) / counts


def _first(labels: Labels) -> np.ndarray:
    """The logarithms of the labels' shares, `NEVER` for one that is not there; or of their odds."""
    has = ((labels.targets * labels.known) > 0).sum(0)
    if labels.multilabel:
        share = (has + 1) / (labels.known.sum(0) + 2)
        return np.log(share / (1 - share))
    return np.where(has > 0, np.log(np.maximum(has, 1) / max(1, has.sum())), NEVER)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Fit in one thread: matrices are so small that several wait for each other for most of the time.

    scikit-learn says nothing where it ends after so many iterations, which is part of the measure.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
