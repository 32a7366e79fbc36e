"""Exact intervals of figures by how many clips that stand alone they are worth: a perfect figure has a width, too.

A share of n clips that stand alone has the exact interval of Clopper and Pearson ("The use of confidence or fiducial
limits", Biometrika 26, 1934): between the quantiles of Beta(x, n - x + 1) and Beta(x + 1, n - x), x of n being right. A
figure m that is no plain share, or one of clips in groups, is taken for a share of an *effective* number of clips (Korn
and Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated from survey
data", Survey Methodology 24(2), 1998), where x = m n:

    1 / n   = w / n_found + (1 - w) / n_few
    n_found = m (1 - m) / variance * (t(total - 1) / t(G - 1))^2    by how it varies over G units of `total` clips
    n_few   = size / (1 + (k - 1) / 2)                              as is assumed where next to nothing varies
    w       = e / (e + 4),  e = n_few min(m, 1 - m)

`size` is how many clips the figure rests on, k how many of them lie together in a unit (the mean over clips). Of few
errors, e, the variance says next to nothing: of a perfect figure it is 0. There clips of one unit are taken to be right
or wrong together with a correlation of one half (Kish's design effect, "Survey Sampling", 1965, chapter 5). The t
quantiles are Korn and Graubard's for a variance that rests on few units.

Where the drawn figures lie above the figure, as with average precision of few clips, the figure is itself too high
(Efron and Tibshirani, 1993, chapter 10): the lower bound is then that of a lower m; likewise the upper one.

Errors per thing, of which there can be more than one, are counts: x = m n is Poisson, and the interval lies between the
quantiles of Gamma(x) and Gamma(x + 1), divided by n (Fay and Feuer, "Confidence intervals for directly standardized
rates", Statistics in Medicine 16, 1997), with n_found = m / variance and e = n_few m.

That 4, the half, `BIAS` and `size` were chosen by simulation: `tests/benchmarks/interval_coverage.py` prints how often
the intervals hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

ENOUGH = 4.0  # errors of which the variance counts as much as what is assumed without it
TOGETHER = 0.5  # correlation within a unit that is assumed without it
BIAS = 2.0  # times what the draws show of it: of average precision they see half, or less

NONE = (math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class Basis:
    """What a figure rests on.

    Attributes:
        size: how many things (clips, events, trials) it is of, above 0; need not be whole.
        counts: `(G,)`, how many things lie in each of the units that are drawn.
    """

    size: float
    counts: np.ndarray

    @property
    def tells(self) -> bool:
        """Whether anything is known of other units: not of several things in one."""
        return len(self.counts) > 1 or self.counts.sum() == 1

    @property
    def few(self) -> float:
        """How many things that stand alone they are worth where nothing tells how they vary.

        >>> Basis(30, np.full(6, 5)).few
        10.0
        """
        total = self.counts.sum()
        each = (self.counts**2).sum() / total if total else 1.0
        return float(self.size / (1 + (max(each, 1.0) - 1) * TOGETHER))

    def reach(self, tail: float) -> float:
        """What a variance over so few units takes from that number, at most 1."""
        from scipy.special import stdtrit

        alone, units = (stdtrit(max(n - 1, 1), 1 - tail) for n in (self.counts.sum(), len(self.counts)))
        return float(min(1.0, (alone / units) ** 2))


def bounds(
    value: float,
    basis: Basis,
    variance: float = math.nan,
    bias: float = 0.0,
    level: float = 0.95,
    rate: bool = False,
) -> tuple[float, float]:
    """The interval of a figure.

    Args:
        value: the figure, 0 to 1; of a `rate` at least 0.
        basis: what it rests on.
        variance: of the figure, over its units; nan where it is not known.
        bias: by how much the figure comes out too high, as far as is known: the interval reaches that much further.
        level: how often the interval is to hold, above 0 and below 1.
        rate: whether it is errors per thing instead of a share.

    Returns:
        Lower and upper bound, around the value; nan where the value is, or where all lies in one unit.

    >>> [round(x, 3) for x in bounds(1.0, Basis(32, np.ones(32)))]
    [0.891, 1.0]
    """
    if not basis.tells or not math.isfinite(value) or not basis.size > 0:
        return NONE
    tail, size = (1 - level) / 2, worth(value, basis, variance, level, rate)
    quantiles = _of_rate if rate else _of_share
    low, high = quantiles(value - max(bias, 0.0), size, tail)[0], quantiles(value - min(bias, 0.0), size, tail)[1]
    return min(low, value), max(high, value)


def worth(value: float, basis: Basis, variance: float = math.nan, level: float = 0.95, rate: bool = False) -> float:
    """How many things that stand alone a figure is worth; the arguments are those of `bounds`.

    >>> worth(1.0, Basis(30, np.full(6, 5)))
    10.0
    """
    few = basis.few
    errors = few * (value if rate else min(value, 1 - value))
    if not (errors > 0 and variance > 0):
        return few
    weight, spread = errors / (errors + ENOUGH), value if rate else value * (1 - value)
    found = spread / variance * basis.reach((1 - level) / 2)
    return 1 / (weight / found + (1 - weight) / few)


def of_draws(
    value: float, draws: np.ndarray, basis: Basis, level: float = 0.95, rate: bool = False, unseen: float = 0.0
) -> tuple[float, float]:
    """The interval of a figure from what it came out as when the units were drawn anew, `(R,)`; nan where undefined.

    Args:
        value, basis, level, rate: as for `bounds`.
        draws: their variance is that of G units, of which G - 1 are free.
        unseen: the share of labels that no clip has and that count as 0 in the figure: what the model makes of them is
            not known, so that they pull the lower bound down, and leave the upper one open.
    """
    seen, draws = 1 - unseen, draws[np.isfinite(draws)]
    variance, bias, units = math.nan, 0.0, len(basis.counts)
    if len(draws) > 1 and units > 1 and seen > 0:
        variance = float(draws.var()) / seen**2 * units / (units - 1)
        bias = BIAS * float(draws.mean() - value) / seen
    if not seen > 0:
        return (0.0, 1.0) if basis.tells else NONE
    low, high = bounds(min(value / seen, 1.0) if not rate else value, basis, variance, bias, level, rate)
    return low * seen, high * seen + unseen


def of_clips(right: np.ndarray, member: np.ndarray, variance: float = 0.0, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share of clips, without drawing anything: exact where each clip stands alone.

    The variance of a share of clips in G groups is that of a ratio (Cochran, "Sampling Techniques", 1977, chapter 9A).

    Args:
        right: `(N,)`, whether each is right; or how often, 0 to 1, where it was asked several times.
        member: `(N,)`, of which group each is; any values, those of a group alike.
        variance: what else the share varies by.
        level: as for `bounds`.

    >>> [round(x, 3) for x in of_clips(np.ones(4), np.arange(4))]
    [0.398, 1.0]
    """
    _, group, counts = np.unique(member, return_inverse=True, return_counts=True)
    return of_totals(np.bincount(group, np.asarray(right, float), len(counts)), counts, variance, level)


def of_totals(right: np.ndarray, counts: np.ndarray, variance: float = 0.0, level: float = 0.95) -> tuple[float, float]:
    """The same of what is right in each of G units, `(G,)`, and of how many things there are in it, `(G,)`."""
    total, units = float(counts.sum()), len(counts)
    if not total:
        return NONE
    value = float(right.sum()) / total
    off = right - value * counts
    variance += float((off**2).sum()) / total**2 * (1 if units == total else units / max(units - 1, 1))
    return bounds(value, Basis(total, counts), variance, level=level)


def _of_share(share: float, size: float, tail: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    right, wrong = (max(x * size, 0.0) for x in (share, 1 - share))
    low = betaincinv(right, wrong + 1, tail) if right > 0 else 0.0
    return float(low), float(betaincinv(right + 1, wrong, 1 - tail) if wrong > 0 else 1.0)


def _of_rate(rate: float, size: float, tail: float) -> tuple[float, float]:
    from scipy.special import gammaincinv

    count = max(rate * size, 0.0)
    low = gammaincinv(count, tail) / size if count > 0 else 0.0
    return float(low), float(gammaincinv(count + 1, 1 - tail) / size)
