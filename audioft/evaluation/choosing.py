"""Which layer, pooling and strength a linear classifier takes: chosen on folds within the clips it learns from.

So what it is tested on has no part in the choice, and the figure is honest (nested cross-validation; Varma and Simon
2006, "Bias in error estimation when using cross-validation for model selection").

Layer and pooling are chosen by ridge regression to the labels, which has a closed form and whose order of layers is
that of logistic regression but for noise; the penalty then by the logistic regression itself, as that of the least log
loss of clips left out: strong ones are tried first, and none after two that are worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audioft.core.runtime import one_thread
from audioft.data.assign import assign
from audioft.evaluation import linear
from audioft.evaluation.linear import Labels

FOLDS = 3
POOLINGS = ("mean", "stats")
PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)
USUAL = 0.03  # where nothing can be chosen
MANY = 2000  # examples, from which on one fold is left out instead of each
SMALL = 0.01  # a difference of errors, beside that of knowing the labels' shares alone, that is none
RIDGES = (0.01, 0.1, 1.0)  # beside the mean square of a clip's features
Masks = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """What a classifier takes.

    Attributes:
        layer: 0 is before the first.
        pooling: one of `POOLINGS`.
        penalty: of `linear.fit`.
        problem: why nothing could be chosen, and it is the last layer with the usual penalty; None if it was.
    """

    layer: int
    pooling: str
    penalty: float
    problem: str | None = None

    def of(self, features: np.ndarray) -> np.ndarray:
        """Its features `(N, D)` of `(N, L + 1, 2 * H)`."""
        return pooled(features[:, self.layer], self.pooling)


def pooled(layer: np.ndarray, pooling: str) -> np.ndarray:
    """What a pooling gives, of one layer's `(N, 2 * H)`, mean and deviation."""
    return layer[:, : layer.shape[1] // 2] if pooling == "mean" else layer


def several_folds(targets: np.ndarray, groups: Sequence[str], seed: int, most: int) -> list[Masks]:
    """`(learn, test)` masks `(N,)`, at most so many: labels spread evenly, no group on both sides of one.

    Raises:
        ValueError: there are too few groups for two folds.
    """
    count = min(most, len(set(groups)))
    if count < 2:
        raise ValueError("all clips are of one group")
    sides = np.array(assign(targets, groups, {str(i): 1 / count for i in range(count)}, seed))
    return [(sides != side, sides == side) for side in sorted(set(sides.tolist()))]


def _inner_folds(targets: np.ndarray, labels: Labels, groups: np.ndarray, seed: int) -> list[Masks]:
    """Folds by targets `(N, C)`, each of which leaves something to tell apart.

    Raises:
        ValueError: there are none; says why.
    """
    folds = several_folds(targets, groups.tolist(), seed, FOLDS)
    present = labels.targets * labels.known
    if len(folds) < 2 or any((present[learn].sum(0) > 0).sum() < 1 + (not labels.multilabel) for learn, _ in folds):
        raise ValueError("clips of one label alone are left to learn from")
    return folds


def choose(features: np.ndarray, labels: Labels, groups: np.ndarray, seed: int) -> Choice:
    """What a classifier of N clips best takes, as far as they themselves tell.

    Args:
        features: `(N, L + 1, 2 * H)`, mean and deviation of every layer.
        labels: of the N clips.
        groups: `(N,)`, no group is on both sides of a fold.
        seed: of the folds.
    """
    last = Choice(features.shape[1] - 1, "stats", USUAL)
    try:
        folds = _inner_folds(labels.targets, labels, groups, seed)
    except ValueError as e:
        return Choice(last.layer, last.pooling, last.penalty, f"{e}")
    with one_thread():
        found = [
            (_by_ridge(kernel, labels, folds), -layer, pooling)
            for layer in range(features.shape[1])
            for pooling, kernel in zip(POOLINGS, _kernels(np.array(features[:, layer])), strict=True)
        ]
    _, below, pooling = min(found)
    own = pooled(np.array(features[:, -below]), pooling)
    return Choice(-below, pooling, best_penalty(own, labels, folds)[0])


def best_penalty(features: np.ndarray, labels: Labels, folds: Sequence[Masks]) -> tuple[float, float]:
    """The penalty of the least log loss of clips left out, and that loss; `USUAL` and nan where there are no folds."""
    losses: dict[float, float] = {}
    reached: Sequence[float] = PENALTIES
    for learn, test in folds:
        own = []
        for found in linear.path(features[learn], labels[learn], reached):
            own.append(labels[test].loss(found.logits(features[test])) * int(test.sum()))
            if len(own) > 2 and min(own[-2:]) > min(own):
                break
        reached = reached[: len(own)]
        losses = {p: losses.get(p, 0.0) + loss for p, loss in zip(reached, own, strict=True)}
    if not losses:
        return USUAL, float("nan")
    best = min(losses, key=lambda p: losses[p])
    return best, losses[best] / sum(int(test.sum()) for _, test in folds)


def _kernels(layer: np.ndarray) -> Iterator[Tensor]:
    """Inner products `(N, N)` of standardised clips, under each of `POOLINGS`, of `(N, 2 * H)`."""
    mean, scale = linear.standardisation(layer)
    x = torch.from_numpy(((layer - mean) / scale).astype(np.float32))
    half = x.shape[1] // 2
    first = x[:, :half] @ x[:, :half].T
    yield first
    yield first + x[:, half:] @ x[:, half:].T


def simplest(features: Sequence[np.ndarray], labels: Labels, groups: np.ndarray, seed: int) -> int | None:
    """Of several features of N clips, the simpler ones first, those that are as good as the best: the first of them.

    The error is that of ridge regression on inner folds; one above the least by no more than `SMALL` is as good. (The
    rule of one standard error, Breiman et al. 1984, takes worse ones where clips are few: wake words 0.704, not 0.722.)

    Args:
        features: each `(N, D)`.
        labels: of the N clips.
        groups: `(N,)`, no group is on both sides of a fold.
        seed: of the folds.

    Returns:
        The position; None where nothing can be told.
    """
    try:
        folds = _inner_folds(labels.targets * labels.known, labels, groups, seed)
    except ValueError:
        return None
    with one_thread():
        errors = [_by_ridge(_kernel(x), labels, folds) for x in features]
    return next(i for i, error in enumerate(errors) if error <= min(errors) + SMALL)


def _kernel(features: np.ndarray) -> Tensor:
    """Inner products `(N, N)` of standardised clips."""
    mean, scale = linear.standardisation(features)
    x = torch.from_numpy(((features - mean) / scale).astype(np.float32))
    return x @ x.T


def _by_ridge(kernel: Tensor, labels: Labels, folds: Sequence[Masks]) -> float:
    """The error of ridge regression on the folds, with the penalty that does best."""
    wanted = torch.from_numpy(labels.targets.astype(np.float32))
    known = torch.from_numpy(labels.known)
    kernel = kernel / kernel.diagonal().mean().clamp(min=1e-12)
    scores = torch.zeros(len(RIDGES), *wanted.shape)
    for learn, test in ((torch.from_numpy(a), torch.from_numpy(b)) for a, b in folds):
        count = known[learn].sum(0).clamp(min=1)
        mean = (wanted[learn] * known[learn]).sum(0) / count
        rest = (wanted[learn] - mean) * known[learn]  # what is not known is as usual
        own, asked = kernel[learn][:, learn], kernel[test][:, learn]
        for i, ridge in enumerate(RIDGES):
            root = torch.linalg.cholesky(own + ridge * torch.eye(len(own)))
            scores[i, test] = mean + asked @ torch.cholesky_solve(rest, root)
    return min(_error(s, labels) for s in scores.numpy())


def _error(scores: np.ndarray, labels: Labels) -> float:
    """Squared error of scores `(N, C)` beside that of each label's share, the mean over labels that vary.

    It tells classifiers apart that are right of as many clips, and every label counts alike.
    """
    count = np.maximum(labels.known.sum(0), 1)
    wanted = labels.targets * labels.known
    share = wanted.sum(0) / count
    off = ((scores - labels.targets) ** 2 * labels.known).sum(0) / count
    usual = share * (1 - share)
    return float((off[usual > 0] / usual[usual > 0]).mean()) if (usual > 0).any() else 0.0
