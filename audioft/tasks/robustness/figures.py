"""Figures of disturbed clips beside those of the same clips as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from audioft.evaluation import effective_size
from audioft.evaluation.intervals import Estimate, bootstrap, middle, resampled, units
from audioft.evaluation.metrics import METRICS, Tally
from audioft.evaluation.paired.resampled import interval
from audioft.evaluation.predictions import Predictions
from audioft.tasks.robustness.disturbed import Row


@dataclass(frozen=True)
class RowFigures:
    """What was found of a row.

    Attributes:
        row: the kind and its strength.
        score: of the disturbed clips.
        change: that score less that of the same clips as they are; the interval is a paired one.
        flips: share of clips that are answered otherwise than as they are.
        confidence: mean of the highest score.
        clips: how many were scored.
        draws: the score over that of the clean clips, as clips are drawn anew, `(R,)`.
    """

    row: Row
    score: Estimate
    change: Estimate
    flips: Estimate
    confidence: float
    clips: int
    draws: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class Measure:
    """What disturbed clips are measured against.

    Attributes:
        clean: what the model says of the clips as they are.
        main: the metric.
        thresholds: of labels, where a clip may have several.
        resamples, seed: of the bootstrap.
    """

    clean: Predictions
    main: str
    thresholds: Sequence[float] | None
    resamples: int
    seed: int

    def score(self, found: Predictions) -> Estimate:
        """The metric with its interval."""
        value = float(METRICS[self.main].of(Tally(found, thresholds=self.thresholds))[0])
        low, high = bootstrap(found, [self.main], self.thresholds, self.resamples, self.seed)[self.main]
        return Estimate(value, low, high)

    def row(self, row: Row, scores: np.ndarray) -> RowFigures:
        """The figures of a row.

        Args:
            row: the kind and its strength.
            scores: `(N, C)` in the order of the clean clips; nan of clips that could not be scored.
        """
        good = np.flatnonzero(np.isfinite(scores).all(1))
        before = subset(self.clean, good)
        after = replace(before, scores=scores[good])
        member = units(self.clean)[1]
        score, was = self.score(after), self._value(before)
        draws = self._draws(before, after, member, good)
        flipped = (after.decisions(self.thresholds) != before.decisions(self.thresholds)).any(1)
        own = np.unique(member[good], return_inverse=True)[1]
        flips = Estimate(float(flipped.mean()), *effective_size.of_clips(flipped, own))
        change = interval(score.value - was, draws["change"], int(flipped.sum()), len(good), int(own.max()) + 1)
        confidence = float(after.scores.max(1).mean())
        return RowFigures(row, score, change, flips, confidence, len(good), draws["share"])

    def _value(self, found: Predictions) -> float:
        return float(METRICS[self.main].of(Tally(found, thresholds=self.thresholds))[0])

    def _draws(
        self, before: Predictions, after: Predictions, member: np.ndarray, good: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Change and share, `(R,)` each; every row has the same draws."""
        metric = METRICS[self.main]

        def figures(weights: np.ndarray) -> dict[str, np.ndarray]:
            own = weights[:, member[good]]
            was, now = (metric.of(Tally(p, own, self.thresholds)) for p in (before, after))
            return {"change": now - was, "share": np.divide(now, was, out=np.full(len(now), np.nan), where=was > 0)}

        return resampled(figures, int(member.max()) + 1, len(self.clean), self.resamples, self.seed)


def subset(found: Predictions, rows: np.ndarray) -> Predictions:
    """Predictions of some of the clips."""
    if len(rows) == len(found):
        return found
    clips = [found.clips[i] for i in rows.tolist()]
    return replace(found, scores=found.scores[rows], targets=found.targets[rows], known=found.known[rows], clips=clips)


def relative(rows: Sequence[RowFigures], clean: float) -> Estimate:
    """The mean over kinds, and in each over strengths, of the score as a share of that of the clean clips."""
    kinds: dict[str, list[RowFigures]] = {}
    for one in rows:
        kinds.setdefault(one.row.kind, []).append(one)
    if not kinds or not clean > 0:
        return Estimate(math.nan, math.nan, math.nan)
    value = np.mean(
        [np.mean([r.score.value / (r.score.value - r.change.value) for r in own]) for own in kinds.values()]
    )
    draws = np.mean([np.mean([r.draws for r in own], axis=0) for own in kinds.values()], axis=0)
    return Estimate(float(value), *middle(draws, 0.95))


def mean_corruption_error(rows: Sequence[RowFigures], reference: Sequence[RowFigures]) -> float:
    """mCE of Hendrycks and Dietterich ("Benchmarking Neural Network Robustness", 2019): under 1 is better.

    Of each kind the errors of all strengths together over those of the reference; the mean over kinds. A kind in which
    the reference makes no error is left out.
    """
    errors: dict[str, list[float]] = {}
    for own, other in zip(rows, reference, strict=True):
        found = errors.setdefault(own.row.kind, [0.0, 0.0])
        found[0] += 1 - own.score.value
        found[1] += 1 - other.score.value
    shares = [own / other for own, other in errors.values() if other > 0]
    return float(np.mean(shares)) if shares else math.nan
