"""A linear probe on an encoder's features, for one label a clip or several, with a 95 % interval.

Of each layer alone; and of the encoder, whose layer, pooling and strength are chosen within what is learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audioft.evaluation import choosing, linear, probe
from audioft.evaluation.choosing import Choice
from audioft.evaluation.intervals import Estimate, bootstrap
from audioft.evaluation.linear import Labels, Linear
from audioft.evaluation.metrics import METRICS
from audioft.evaluation.predictions import Predictions

Masks = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Nested:
    """What an encoder is worth, and the classifier that is left of it.

    Attributes:
        score: on the tested clips of every split, by classifiers that were chosen and fitted on the others.
        choice: of the classifier: on the side that is learnt from; on all clips where folds were tested.
        classifier: fitted to the same.
        scores: its `(T, C)` of the tested clips of a fixed side; None where folds were tested.
        problem: why somewhere nothing could be chosen, see `Choice.problem`.
    """

    score: Estimate
    choice: Choice
    classifier: Linear
    scores: np.ndarray | None
    problem: str | None = None


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
        fixed: whether the one split is that of sides.
    """

    labels: tuple[str, ...]
    multilabel: bool
    targets: np.ndarray
    known: np.ndarray
    groups: np.ndarray
    splits: Sequence[Masks]
    tested: str
    fixed: bool = False

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
    def learnt_from(self) -> int:
        """How many clips there are to learn from."""
        learn, _ = self.splits[0]
        return int(learn.sum())

    def score(self, features: np.ndarray, seed: int = 0, resamples: int = 1000) -> Estimate:
        """How well the labels are told from features `(N, D)` of one layer.

        Over several splits, accuracy is the mean over them; `map` is that of all tested clips together.
        """
        if self.multilabel:
            return self._several(features, seed, resamples)
        names = np.array(self.labels)[self.targets.argmax(1)]
        found = probe.probe(features, names, self.groups, self.splits)
        return Estimate(found.accuracy, found.low, found.high)

    def nested(self, features: np.ndarray, seed: int = 0, resamples: int = 1000) -> Nested:
        """How well the labels are told from features `(N, L + 1, 2 * H)`, with nothing chosen on what is tested."""
        labels = Labels(self.targets, self.known, self.multilabel)
        scores, learnt = [], []
        for learn, test in self.splits:
            learnt.append(_learnt(features[learn], labels[learn], self.groups[learn], seed))
            choice, classifier = learnt[-1]
            scores.append(classifier.scores(choice.of(features[test])))
        if not self.fixed:
            learnt.append(_learnt(features, labels, self.groups, seed))
        problem = next((choice.problem for choice, _ in learnt if choice.problem is not None), None)
        found = self._measured(scores, seed, resamples)
        return Nested(found, *learnt[-1], scores[0] if self.fixed else None, problem)

    def _measured(self, scores: Sequence[np.ndarray], seed: int, resamples: int) -> Estimate:
        """The figure of scores `(T, C)` of each split."""
        if not self.multilabel:
            tested = [test for _, test in self.splits]
            right = [s.argmax(1) == self.targets[t].argmax(1) for s, t in zip(scores, tested, strict=True)]
            return probe.over_folds(right, [self.groups[t] for t in tested])
        rows = np.concatenate([np.flatnonzero(test) for _, test in self.splits])
        clips = [{"path": str(i), "start": None, "end": None, "group": self.groups[i]} for i in rows]
        found = Predictions(self.labels, True, np.concatenate(scores), self.targets[rows], self.known[rows], clips)
        low, high = bootstrap(found, ["map"], resamples=resamples, seed=seed)["map"]
        return Estimate(METRICS["map"](found), low, high)

    def _several(self, features: np.ndarray, seed: int, resamples: int) -> Estimate:
        labels = range(len(self.labels))
        scores = [np.stack([self._one(features, c, *split) for c in labels], 1) for split in self.splits]
        return self._measured(scores, seed, resamples)

    def _one(self, features: np.ndarray, label: int, learn: np.ndarray, test: np.ndarray) -> np.ndarray:
        """How probable a label is in each tested clip, `(T,)`, by what is known of it in the others."""
        rows = learn & self.known[:, label]
        wanted = self.targets[rows, label] > 0
        if wanted.all() or not wanted.any():  # nothing to tell apart: one score for all
            return np.full(int(test.sum()), float(wanted.any()))
        return probe.fitted(features[rows], wanted).predict_proba(features[test])[:, 1]


def _learnt(features: np.ndarray, labels: Labels, groups: np.ndarray, seed: int) -> tuple[Choice, Linear]:
    """The classifier of `(N, L + 1, 2 * H)`, and what it takes."""
    choice = choosing.choose(features, labels, groups, seed)
    return choice, linear.fit(choice.of(features), labels, choice.penalty)
