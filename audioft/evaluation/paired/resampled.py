"""The difference of two models' scores on the same clips, by drawing clips, or whole groups of them, anew.

Both models are measured on the same resamples, so that what makes clips hard for both cancels out (Efron and
Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 8; of groups: Field and Welsh, "Bootstrapping clustered
data", 2007). From the variance of the drawn differences follow the interval and the p-value by Student's t with as many
degrees of freedom as there are groups, less one: of few groups the middle 95 % of the draws are too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from audioft.evaluation.intervals import Estimate, resampled
from audioft.evaluation.metrics import METRICS, Tally
from audioft.evaluation.predictions import Predictions

Limits = Sequence[float] | np.ndarray | None


def draws(
    models: Sequence[Predictions],
    thresholds: Sequence[Limits],
    metric: str,
    member: np.ndarray,
    resamples: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """`(K, R)`: a metric of K models when groups are drawn anew, the same ones for all; nan where undefined.

    Args:
        models: predictions of the same clips.
        thresholds: of each model, see `Predictions.decisions`.
        metric: a key of `METRICS`.
        member: `(N,)` int, the group of each clip, from 0.
        resamples, seed: as for `intervals.bootstrap`.
    """

    def figures(weights: np.ndarray) -> dict[str, np.ndarray]:
        own = weights[:, member]
        pairs = enumerate(zip(models, thresholds, strict=True))
        return {str(k): METRICS[metric].of(Tally(p, own, limits)) for k, (p, limits) in pairs}

    found = resampled(figures, int(member.max()) + 1, len(member), resamples, seed)
    return np.stack([found[str(k)] for k in range(len(models))])


def interval(value: float, drawn: np.ndarray, changed: int, clips: int, groups: int, level: float = 0.95) -> Estimate:
    """A difference over the same clips with an interval that has a width where nothing differs, too.

    The variance is that of the draws, and at least that of Agresti and Min ("Simple improved confidence intervals for
    comparing matched proportions", Statistics in Medicine 24, 2005), who add half a clip to each of the four cells: of
    few clips that differ, the draws know next to nothing.

    Args:
        value: the difference.
        drawn: what it came out as when groups were drawn anew, `(R,)`.
        changed: clips that are answered otherwise.
        clips, groups: how many there are; of a single group there is no interval.
        level: how often it is to hold.
    """
    from scipy.special import stdtrit

    drawn = drawn[np.isfinite(drawn)]
    if (groups < 2 and clips > 1) or not len(drawn):
        return Estimate(value, math.nan, math.nan)
    size = clips + 2
    least = max(0.0, (changed + 1) / size - value**2) / size
    half = float(stdtrit(max(1, groups - 1), (1 + level) / 2)) * math.sqrt(max(least, _variance(drawn, groups)))
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half))


def p_value(value: float, drawn: np.ndarray, groups: int) -> float:
    """The two-sided p-value of a difference; 1 where it is 0, nan of a single group.

    Args:
        value, drawn, groups: as for `interval`.
    """
    from scipy.special import stdtr

    drawn = drawn[np.isfinite(drawn)]
    if groups < 2 or len(drawn) < 2:
        return math.nan
    spread = math.sqrt(_variance(drawn, groups))
    if abs(value) < 1e-12:
        return 1.0
    return 2 * float(stdtr(groups - 1, -abs(value) / spread)) if spread > 0 else math.nan


def _variance(drawn: np.ndarray, groups: int) -> float:
    """Of the difference: that of the draws, whose G groups have G - 1 degrees of freedom."""
    return float(drawn.var()) * groups / max(1, groups - 1)
