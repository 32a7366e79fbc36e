"""A regularised linear classifier of features, fitted to the end: what a frozen encoder's clips say of their labels.

A multinomial logistic regression, or one of each label where clips may have several, on features that are standardised
over the clips learnt from, with half the squared length of its weights times a strength added to the mean loss. The
strength is that of the least log loss on clips left out, whole groups at a time; strong ones are tried first, and
none after two that are worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audioft.data.assign import assign

STRENGTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
USUAL = 0.03  # where no clips can be left out
FOLDS = 3
MANY = 2000  # clips, from which on one fold is left out instead of each
STEPS = 60  # of L-BFGS, at each strength
FLAT = 1e-6  # a feature whose deviation is so small a part of its size is constant


@dataclass(frozen=True)
class LinearFit:
    """A fitted classifier: logits are `(x - mean) / scale @ weight.T + bias`.

    Attributes:
        mean, scale: `(D,)`, of the features.
        weight, bias: `(C, D)` and `(C,)`.
        strength: of the penalty.
        loss: the mean log loss of clips left out; nan where none could be.
    """

    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    strength: float
    loss: float

    def logits(self, features: np.ndarray) -> np.ndarray:
        """`(N, C)` of features `(N, D)`."""
        return (features - self.mean) / self.scale @ self.weight.T + self.bias


@dataclass(frozen=True)
class Examples:
    """What is learnt from.

    Attributes:
        features: `(N, D)`, finite.
        targets: `(N, C)`, 0 to 1.
        known: `(N, C)` bool, which targets count. Of one label a clip only clips count of which all are known.
        groups: `(N,)`, which stay together where clips are left out.
        several: whether a clip may have several labels.
        weights: `(C,)`, how much a clip of each label counts; None for all alike.
    """

    features: np.ndarray
    targets: np.ndarray
    known: np.ndarray
    groups: Sequence[str]
    several: bool
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)

    def of(self, rows: np.ndarray) -> Examples:
        groups = np.asarray(self.groups, object)[rows]
        return Examples(
            self.features[rows], self.targets[rows], self.known[rows], groups.tolist(), self.several, self.weights
        )

    @property
    def counted(self) -> np.ndarray:
        """`(N, C)`, how much each target counts."""
        weights = np.ones(self.targets.shape[1]) if self.weights is None else self.weights
        if self.several:
            return self.known * np.where(self.targets > 0, weights, 1.0)
        return np.where(self.known.all(1), self.targets @ weights, 0.0)[:, None]


def fit(examples: Examples, *, rank: int | None = None, seed: int = 0) -> LinearFit:
    """Fit to examples, of which every label but one may be absent.

    Args:
        examples: what to learn from.
        rank: the highest that the weight may have; None for any.
        seed: of the folds.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # what is small is quicker so, and the same in its last bits
        return _fit(examples, rank, seed)


def _fit(examples: Examples, rank: int | None, seed: int) -> LinearFit:
    strength, loss = chosen_strength(examples, seed)
    mean, scale = standard(examples.features)
    x = (examples.features - mean) / scale
    weight, bias = _path(x, examples, [strength])[-1]
    if rank is not None and rank < min(weight.shape):
        directions = np.linalg.svd(weight, full_matrices=False)[2][:rank]
        weight, bias = _path(x @ directions.T, examples, [strength])[-1]
        weight = weight @ directions
    return LinearFit(mean, scale, weight, bias, strength, loss)


def standard(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation `(D,)` of features `(N, D)`; the deviation of a constant one is 1."""
    features = features.astype(np.float64)
    mean, deviation = features.mean(0), features.std(0)
    return mean, np.where(deviation > FLAT * np.abs(features).max(0), deviation, 1.0)


def chosen_strength(examples: Examples, seed: int = 0) -> tuple[float, float]:
    """The strength of the least log loss on clips left out, and that loss; `USUAL` and nan where none can be."""
    folds = _folds(examples, seed)
    if not folds:
        return USUAL, np.nan
    sums = np.zeros(len(STRENGTHS))
    reached = len(STRENGTHS)
    for left_out in folds:
        learn, test = examples.of(~left_out), examples.of(left_out)
        mean, scale = standard(learn.features)
        x, new = (learn.features - mean) / scale, (test.features - mean) / scale
        losses = _losses(x, learn, new, test, STRENGTHS[:reached])
        reached = len(losses)
        sums[:reached] += np.array(losses) * len(test)
    means = sums[:reached] / sum(int(m.sum()) for m in folds)
    return STRENGTHS[int(means.argmin())], float(means.min())


def _losses(x: np.ndarray, learn: Examples, new: np.ndarray, test: Examples, strengths: Sequence[float]) -> list[float]:
    """The loss of clips left out at each strength; the list ends after two in a row that are worse than the best."""
    losses: list[float] = []
    for weight, bias in _each(x, learn, strengths):
        losses.append(_loss(new @ weight.T + bias, test))
        if len(losses) > 2 and min(losses[-2:]) > min(losses):
            break
    return losses


def _folds(examples: Examples, seed: int) -> list[np.ndarray]:
    """`(N,)` masks of the clips that are left out, each such that every label that has two groups is learnt from."""
    groups = list(examples.groups)
    count = min(FOLDS, len(set(groups)))
    if count < 2:
        return []
    known = (examples.targets * examples.known) > 0
    sides = np.array(assign(known.astype(float), groups, {str(i): 1 / count for i in range(count)}, seed))
    masks = [sides == str(i) for i in range(count)]
    masks = [m for m in masks if m.any() and (known[~m].any(0) & known.any(0)).sum() >= (1 if examples.several else 2)]
    return masks[:1] if len(examples) > MANY else masks


def _loss(logits: np.ndarray, examples: Examples) -> float:
    """The mean log loss a clip."""
    counted, y = examples.counted, examples.targets
    if examples.several:
        each = np.logaddexp(0, logits) - y * logits
        return float((counted * each).sum() / max(1, len(examples)))
    top = logits.max(1, keepdims=True)
    log_sum = np.log(np.exp(logits - top).sum(1, keepdims=True)) + top
    return float((counted * (log_sum * y.sum(1, keepdims=True) - (y * logits).sum(1, keepdims=True))).sum()) / max(
        1e-12, float(counted.sum())
    )


def _path(x: np.ndarray, examples: Examples, strengths: Sequence[float]) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(_each(x, examples, strengths))


def _each(x: np.ndarray, examples: Examples, strengths: Sequence[float]) -> Any:
    """Weights `(C, D)` and biases `(C,)` at each strength, each begun from the one before."""
    from scipy.optimize import minimize

    x, turned = _within(x)
    y, counted = examples.targets.astype(np.float64), examples.counted
    total = len(examples) if examples.several else max(1e-12, float(counted.sum()))
    bias, there = _first_bias(examples)
    labels, width = int(there.sum()), x.shape[1]
    y, counted = y[:, there], counted[:, there] if examples.several else counted
    at = np.concatenate([np.zeros(labels * width), bias[there]])

    def value(at: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
        weight, bias = at[: labels * width].reshape(labels, width), at[labels * width :]
        logits = x @ weight.T + bias
        if examples.several:
            loss = float((counted * (np.logaddexp(0, logits) - y * logits)).sum())
            slope = counted * (1 / (1 + np.exp(-logits)) - y)
        else:
            logits -= logits.max(1, keepdims=True)
            odds = np.exp(logits)
            sums = odds.sum(1, keepdims=True)
            mass = y.sum(1, keepdims=True)
            loss = float((counted * (np.log(sums) * mass - (y * logits).sum(1, keepdims=True))).sum())
            slope = counted * (odds / sums * mass - y)
        slope /= total
        penalty = 0.5 * strength * float((weight * weight).sum())
        return loss / total + penalty, np.concatenate([(slope.T @ x + strength * weight).ravel(), slope.sum(0)])

    options = {"maxiter": STEPS, "ftol": 1e-9, "gtol": 1e-6}
    for strength in strengths:
        at = minimize(value, at, args=(strength,), jac=True, method="L-BFGS-B", options=options).x
        weight, of_labels = np.zeros((len(there), width)), bias.copy()
        weight[there], of_labels[there] = at[: labels * width].reshape(labels, width), at[labels * width :]
        yield weight @ turned if turned is not None else weight, of_labels


def _within(x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Features `(N, min(N, D))` whose weights are as long as those of `(N, D)`, and what turns these weights back."""
    if x.shape[1] <= x.shape[0]:
        return x, None
    left, sizes, right = np.linalg.svd(x, full_matrices=False)
    return left * sizes, right


def _first_bias(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of the labels' shares, or of their odds, and which labels there is something to learn of."""
    has = ((examples.targets * examples.known) > 0).sum(0)
    of = examples.known.sum(0)
    share = (has + 0.5) / (of + 1)
    if examples.several:
        return np.log(share / (1 - share)), (has > 0) & (has < of)
    return np.log(share), has > 0
