"""Which layer, pooling and strength a linear classifier takes: chosen on folds within the clips it learns from.

So what it is tested on has no part in the choice, and the figure is honest (nested cross-validation; Varma and Simon
2006, "Bias in error estimation when using cross-validation for model selection").

Layer and pooling are chosen by ridge regression to the labels, which has a closed form and whose order of layers is
that of logistic regression but for noise; the strength of the penalty then by the logistic regression itself.
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

FOLDS = 3
POOLINGS = ("mean", "stats")
STRENGTHS = (0.01, 0.1, 1.0)  # of C, the inverse of the penalty
USUAL = 0.1
RIDGES = (0.01, 0.1, 1.0)  # beside the mean square of a clip's features
Masks = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """What a classifier takes.

    Attributes:
        layer: 0 is before the first.
        pooling: one of `POOLINGS`.
        c: inverse strength of the penalty.
        problem: why nothing could be chosen, and it is the last layer with the usual strength; None if it was.
    """

    layer: int
    pooling: str
    c: float
    problem: str | None = None

    def of(self, features: np.ndarray) -> np.ndarray:
        """Its features `(N, D)` of `(N, L + 1, 2 * H)`."""
        return pooled(features[:, self.layer], self.pooling)


@dataclass(frozen=True)
class Labelled:
    """What is to be told from clips.

    Attributes:
        targets: `(N, C)`, 1 where a clip has the label.
        known: `(N, C)` bool, whether that is known.
        groups: `(N,)`, no group is on both sides of a fold.
        multilabel: whether a clip may have several labels.
    """

    targets: np.ndarray
    known: np.ndarray
    groups: np.ndarray
    multilabel: bool

    def __getitem__(self, rows: np.ndarray) -> Labelled:
        """Of the clips in a mask."""
        return Labelled(self.targets[rows], self.known[rows], self.groups[rows], self.multilabel)

    def error(self, scores: np.ndarray) -> float:
        """Squared error of scores `(N, C)` beside that of each label's share, the mean over labels that vary.

        It tells classifiers apart that are right of as many clips, and every label counts alike.
        """
        count = np.maximum(self.known.sum(0), 1)
        wanted = self.targets * self.known
        share = wanted.sum(0) / count
        off = ((scores - self.targets) ** 2 * self.known).sum(0) / count
        usual = share * (1 - share)
        return float((off[usual > 0] / usual[usual > 0]).mean()) if (usual > 0).any() else 0.0


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


def choose(features: np.ndarray, labelled: Labelled, seed: int) -> Choice:
    """What a classifier of N clips best takes, as far as they themselves tell.

    Args:
        features: `(N, L + 1, 2 * H)`, mean and deviation of every layer.
        labelled: of the N clips.
        seed: of the folds.
    """
    last = Choice(features.shape[1] - 1, "stats", USUAL)
    try:
        folds = several_folds(labelled.targets, labelled.groups.tolist(), seed, FOLDS)
    except ValueError as e:
        return Choice(last.layer, last.pooling, last.c, f"{e}")
    present = labelled.targets * labelled.known
    if len(folds) < 2 or any((present[learn].sum(0) > 0).sum() < 1 + (not labelled.multilabel) for learn, _ in folds):
        return Choice(last.layer, last.pooling, last.c, "clips of one label alone are left to learn from")
    with one_thread():
        found = [
            (_by_ridge(kernel, labelled, folds), -layer, pooling)
            for layer in range(features.shape[1])
            for pooling, kernel in zip(POOLINGS, _kernels(np.array(features[:, layer])), strict=True)
        ]
    _, below, pooling = min(found)
    own = pooled(np.array(features[:, -below]), pooling)
    return Choice(-below, pooling, min(STRENGTHS, key=lambda c: _by_logistic(own, labelled, folds, c)))


def _kernels(layer: np.ndarray) -> Iterator[Tensor]:
    """Inner products `(N, N)` of standardised clips, under each of `POOLINGS`, of `(N, 2 * H)`."""
    mean, scale = linear.standardisation(layer)
    x = torch.from_numpy(((layer - mean) / scale).astype(np.float32))
    half = x.shape[1] // 2
    first = x[:, :half] @ x[:, :half].T
    yield first
    yield first + x[:, half:] @ x[:, half:].T


def _by_ridge(kernel: Tensor, labelled: Labelled, folds: Sequence[Masks]) -> float:
    """The error of ridge regression on the folds, with the penalty that does best."""
    wanted = torch.from_numpy(labelled.targets.astype(np.float32))
    known = torch.from_numpy(labelled.known)
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
    return min(labelled.error(s) for s in scores.numpy())


def _by_logistic(features: np.ndarray, labelled: Labelled, folds: Sequence[Masks], c: float) -> float:
    """The error of logistic regression on the folds."""
    scores = np.zeros(labelled.targets.shape)
    for learn, test in folds:
        own = labelled[learn]
        scores[test] = linear.fit(features[learn], own.targets, own.known, own.multilabel, c).scores(features[test])
    return labelled.error(scores)
