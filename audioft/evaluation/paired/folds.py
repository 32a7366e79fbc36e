"""Two ways to train, each trained several times on overlapping clips: Nadeau and Bengio's corrected test.

Scores on the folds of one set of clips are no independent ones, as any two trainings share most of their clips; a plain
t-test takes them for such and finds differences that are not there (Dietterich, "Approximate statistical tests for
comparing supervised classification learning algorithms", Neural Computation 10, 1998). The correction adds the share of
what is tested to what is learnt from (Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52,
2003):

    t = mean / sqrt((1 / J + tested / learnt) * variance)        with J - 1 degrees of freedom
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FoldGap:
    """The mean difference over folds.

    Attributes:
        change: the mean of the differences.
        low, high: its 95 % interval; nan of fewer than two folds.
        p: two-sided; 1 where all differences are 0, nan of fewer than two folds.
    """

    change: float
    low: float
    high: float
    p: float


def corrected(changes: np.ndarray, learnt: float, tested: float, level: float = 0.95) -> FoldGap:
    """Nadeau and Bengio's test.

    Args:
        changes: `(J,)`, in each fold the second way's score less the first's.
        learnt, tested: clips that a fold learns from and is tested on, the mean over folds; only their ratio counts.
        level: of the interval.

    Raises:
        ValueError: no fold, or nothing to learn from.

    >>> found = corrected(np.array([0.02, 0.04, 0.03, 0.05, 0.01]), learnt=80, tested=20)
    >>> round(found.p, 4), round(found.low, 4), round(found.high, 4)
    (0.0474, 0.0006, 0.0594)
    """
    from scipy.special import stdtr, stdtrit

    changes = np.asarray(changes, float)
    if not len(changes) or not learnt > 0:
        raise ValueError(f"expected folds and clips to learn from; found {len(changes)} and {learnt}")
    mean = float(changes.mean())
    if len(changes) < 2:
        return FoldGap(mean, math.nan, math.nan, math.nan)
    free = len(changes) - 1
    spread = math.sqrt((1 / len(changes) + tested / learnt) * float(changes.var(ddof=1)))
    if spread < 1e-12:
        return FoldGap(mean, mean, mean, 1.0 if abs(mean) < 1e-12 else 0.0)
    half = float(stdtrit(free, (1 + level) / 2)) * spread
    return FoldGap(mean, mean - half, mean + half, 2 * float(stdtr(free, -abs(mean) / spread)))
