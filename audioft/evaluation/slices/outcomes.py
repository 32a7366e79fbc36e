"""How a model fared on each clip, as a share: what slices are compared by."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from audioft.evaluation import effective_size
from audioft.evaluation.effective_size import Basis
from audioft.evaluation.event_counts import Heard, segment_counts
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Outcomes:
    """How each of N clips came out; a figure of some of them is the sum of `good` over the sum of `of`.

    Attributes:
        metric: what the figure is called: `accuracy`, of several labels a clip `f1_micro`, of events `segment_f1`.
        good: `(N,)` float64, 0 or 1 of one label a clip; twice what was found and is true, of labels or of seconds.
        of: `(N,)` float64, 1 of one label a clip; what is true and what was found, added up.
        unit: `(N,)` int, the group of each clip: clips of a group are right or wrong together.
        recording: `(N,)` int, which recording each clip is of.
    """

    metric: str
    good: np.ndarray
    of: np.ndarray
    unit: np.ndarray
    recording: np.ndarray

    def __len__(self) -> int:
        return len(self.good)

    @property
    def shares(self) -> bool:
        """Whether a figure is a share of clips."""
        return self.metric == "accuracy"

    def value(self, inside: np.ndarray) -> float:
        """The figure of the clips of `inside`, `(N,)` bool; nan where it has nothing to divide by."""
        total = float(self.of[inside].sum())
        return float(self.good[inside].sum()) / total if total > 0 else float("nan")

    def by_recording(self) -> Outcomes:
        """The same with recordings as groups: for questions about each group itself, not about others like it."""
        return dataclasses.replace(self, unit=self.recording)

    def estimate(self, inside: np.ndarray) -> tuple[Estimate, float]:
        """The figure of these clips with its 95 % interval, and how many clips that stand alone it is worth."""
        value, units = self.value(inside), self.unit[inside]
        there = np.bincount(units)
        counts = there[there > 0]
        total = float(self.of[inside].sum())
        if not total > 0:
            return Estimate(value, *effective_size.NONE), 0.0
        off = np.bincount(units, self.good[inside] - value * self.of[inside])
        alone = len(counts) == len(units)
        variance = float((off**2).sum()) / total**2 * (1 if alone else len(counts) / max(len(counts) - 1, 1))
        size = total if self.shares else min(total / 2, len(units))
        basis = Basis(size, counts)
        low, high = effective_size.bounds(value, basis, variance)
        return Estimate(value, low, high), effective_size.worth(value, basis, variance) if basis.tells else 0.0

    def some(self, chosen: np.ndarray) -> Outcomes:
        """Of some of the clips alone, by their positions or as `(N,)` bool."""
        return Outcomes(self.metric, self.good[chosen], self.of[chosen], self.unit[chosen], self.recording[chosen])


def of_predictions(
    predictions: Predictions, paths: Iterable[str], thresholds: Sequence[float] | np.ndarray | None = None
) -> Outcomes:
    """How clips came out.

    Args:
        predictions: of N clips.
        paths: the recording of each.
        thresholds: see `Predictions.decisions`.
    """
    given, true = predictions.decisions(thresholds) & predictions.known, predictions.targets > 0
    hits = (given & true).sum(axis=1).astype(float)
    unit, recording = _numbered(predictions.groups()), _numbered(paths)
    if not predictions.multilabel:
        return Outcomes("accuracy", hits, np.ones(len(hits)), unit, recording)
    return Outcomes("f1_micro", 2 * hits, (given.sum(axis=1) + true.sum(axis=1)).astype(float), unit, recording)


def of_events(labels: Sequence[str], recordings: Sequence[Heard], groups: Sequence[str]) -> Outcomes:
    """How recordings came out in which it was measured what happens when, in segments of a second."""
    counts = [segment_counts(labels, r).overall for r in recordings]
    good = np.array([2 * float(c.true) for c in counts])
    of = np.array([float(c.reference + c.found) for c in counts])
    return Outcomes("segment_f1", good, of, _numbered(groups), np.arange(len(recordings)))


def _numbered(values: Iterable[object]) -> np.ndarray:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(v, len(numbers)) for v in values], dtype=np.int64)
