"""A linear probe on one layer's features, for one label a clip or several, with a 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audioft.data.assign import assign
from audioft.evaluation import probe
from audioft.evaluation.intervals import Estimate, bootstrap
from audioft.evaluation.metrics import METRICS
from audioft.evaluation.predictions import Predictions

Masks = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class LabelTask:
    """What is to be told from a clip's features.

    Attributes:
        labels: C names.
        multilabel: whether a clip may have several.
        targets: `(N, C)`, 1 where the clip has the label.
        known: `(N, C)` bool, whether that is known.
        groups: `(N,)`, clips of one are taken together for the interval.
        splits: `(learn, test)` masks `(N,)`.
        tested: how the splits came about, in words.
    """

    labels: tuple[str, ...]
    multilabel: bool
    targets: np.ndarray
    known: np.ndarray
    groups: np.ndarray
    splits: Sequence[Masks]
    tested: str

    @property
    def metric(self) -> str:
        """`accuracy`, or `map` where a clip may have several labels."""
        return "map" if self.multilabel else "accuracy"

    @property
    def chance(self) -> float:
        """What is reached without listening: the share of the commonest label; for `map` the mean share of a label."""
        shares = (self.targets * self.known).sum(0) / np.maximum(self.known.sum(0), 1)
        return float(shares[shares > 0].mean() if self.multilabel else shares.max())

    @property
    def per_label(self) -> float:
        """How many clips of a label there are to learn from, the median over the labels."""
        learn, _ = self.splits[0]
        return float(np.median((self.targets * self.known)[learn].sum(0)))

    def score(self, features: np.ndarray, seed: int = 0, resamples: int = 1000) -> Estimate:
        """How well the labels are told from features `(N, D)` of one layer.

        Over several splits, accuracy is the mean over them; `map` is that of all tested clips together.
        """
        if self.multilabel:
            return self._several(features, seed, resamples)
        names = np.array(self.labels)[self.targets.argmax(1)]
        found = probe.probe(features, names, self.groups, self.splits)
        return Estimate(found.accuracy, found.low, found.high)

    def _several(self, features: np.ndarray, seed: int, resamples: int) -> Estimate:
        labels, rows = range(len(self.labels)), np.concatenate([np.flatnonzero(test) for _, test in self.splits])
        scores = [np.stack([self._one(features, c, *split) for c in labels], 1) for split in self.splits]
        clips = [{"path": str(i), "start": None, "end": None, "group": self.groups[i]} for i in rows]
        found = Predictions(self.labels, True, np.concatenate(scores), self.targets[rows], self.known[rows], clips)
        low, high = bootstrap(found, ["map"], resamples=resamples, seed=seed)["map"]
        return Estimate(METRICS["map"](found), low, high)

    def _one(self, features: np.ndarray, label: int, learn: np.ndarray, test: np.ndarray) -> np.ndarray:
        """How probable a label is in each tested clip, `(T,)`, by what is known of it in the others."""
        rows = learn & self.known[:, label]
        wanted = self.targets[rows, label] > 0
        if wanted.all() or not wanted.any():  # nothing to tell apart: one score for all
            return np.full(int(test.sum()), float(wanted.any()))
        return probe.fitted(features[rows], wanted).predict_proba(features[test])[:, 1]


def several_folds(targets: np.ndarray, groups: Sequence[str], seed: int) -> list[Masks]:
    """`(learn, test)` masks `(N,)` for clips of several labels: labels spread evenly, no group on both sides of one.

    Raises:
        ValueError: there are too few groups for two folds.
    """
    count = min(probe.FOLDS, len(set(groups)))
    if count < 2:
        raise ValueError("all clips are of one group")
    sides = np.array(assign(targets, groups, {str(i): 1 / count for i in range(count)}, seed))
    return [(sides != side, sides == side) for side in sorted(set(sides.tolist()))]
