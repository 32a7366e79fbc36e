"""Whether a slice fares otherwise than the rest by more than chance: exact tests that keep groups together.

Under the hypothesis that a slice is no different, which clips lie in it is arbitrary, and so the slice is drawn anew:

- groups wholly inside or wholly outside are exchanged as a whole: clips of a group are right or wrong together;
- of a group with clips on both sides, clips are exchanged within it, so that good and bad groups do not count.

Where every clip stands alone this is Fisher's exact test, computed without drawing (two-sided by doubling, Fay,
"Confidence intervals that match Fisher's exact or Blaker's exact tests", Biostatistics 11, 2010). Otherwise `DRAWS`
permutations are compared by a studentised difference, which holds for groups of unequal sizes, too (Chung and Romano,
"Exact and asymptotically robust permutation tests", Annals of Statistics 41, 2013). Of hundreds of units, or more than
`MANY`, the statistic is taken for normal.

Several tests are corrected by Holm's method with weights ("A simple sequentially rejective multiple test procedure",
Scandinavian Journal of Statistics 6, 1979): the chance of any false alarm in the whole report is at most the level,
however the tests depend on one another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from audioft.core.runtime import generator
from audioft.evaluation.slices.hypergeometric import tails
from audioft.evaluation.slices.outcomes import Outcomes

DRAWS = 9_999
STAGES = ((499, 0.2), (1_999, 0.02))  # after so many draws a p-value above that is not looked at more closely
MANY = 4_000
FEW = 5  # groups, or clips that are exchanged within theirs
_CLEAR = 0.4  # a p-value by the normal distribution, above which nothing is drawn
_BLOCK = 500_000  # numbers held at a time


def p_value(outcomes: Outcomes, inside: np.ndarray, seed: int = 0) -> float:
    """How often chance alone makes a gap between the clips of `inside`, `(N,)` bool, and the others as large as this.

    Returns:
        Two-sided, above 0 and at most 1; nan where one of the two sides has nothing to measure, or fewer than `FEW`
        groups, of which next to nothing is known of others like them.
    """
    if not outcomes.of[inside].sum() > 0 or not outcomes.of[~inside].sum() > 0:
        return math.nan
    atoms = _atoms(outcomes, inside)
    if min(atoms.inside.sum(), (~atoms.inside).sum()) < FEW:
        return math.nan
    if outcomes.shares and not atoms.stratum.any() and atoms.of.max() == 1:
        right, inside_too = int(atoms.good[atoms.inside].sum()), int(atoms.inside.sum())
        return min(1.0, 2 * min(tails(right, inside_too, int(atoms.good.sum()), len(atoms))))
    return _by_permutation(atoms, seed)


def corrected(p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """P-values corrected by Holm's method with weights.

    Args:
        p: `(M,)`.
        weights: `(M,)`, above 0: which share of the level each test has, relative to the others.

    >>> corrected(np.array([0.01, 0.04, 0.03]), np.ones(3)).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p / weights, kind="stable")
    left = np.cumsum(weights[order][::-1])[::-1]
    found = np.maximum.accumulate(p[order] * left / weights[order])
    out = np.empty(len(p))
    out[order] = np.minimum(found, 1.0)
    return out


@dataclass(frozen=True, eq=False)
class _Atoms:
    """What is exchanged: whole groups in stratum 0, clips of a group that lies on both sides in a stratum of theirs.

    Attributes:
        good, of: `(A,)`, as of `Outcomes`, added up within each.
        inside: `(A,)` bool, in each stratum first those inside.
        stratum: `(A,)` int, ascending.
    """

    good: np.ndarray
    of: np.ndarray
    inside: np.ndarray
    stratum: np.ndarray

    def __len__(self) -> int:
        return len(self.good)


def _atoms(outcomes: Outcomes, inside: np.ndarray) -> _Atoms:
    unit = outcomes.unit
    clips, within = np.bincount(unit), np.bincount(unit, inside)
    mixed = (within > 0) & (within < clips)
    both = mixed[unit]
    number = np.cumsum(mixed)  # of a group on both sides, from 1
    whole = ~mixed & (clips > 0)
    stratum = np.concatenate([np.zeros(whole.sum(), int), number[unit[both]]])
    good = np.concatenate([np.bincount(unit, outcomes.good)[whole], outcomes.good[both]])
    of = np.concatenate([np.bincount(unit, outcomes.of)[whole], outcomes.of[both]])
    within_slice = np.concatenate([within[whole] > 0, inside[both]])
    order = np.lexsort((~within_slice, stratum))
    return _Atoms(good[order], of[order], within_slice[order], stratum[order])


def _by_permutation(atoms: _Atoms, seed: int) -> float:
    statistic = _Statistic(atoms)
    seen = float(statistic(np.arange(len(atoms))[None])[0])
    if math.isnan(seen) or seen == 0:
        return 1.0
    usual = math.erfc(abs(seen) / math.sqrt(2))
    smaller = min(atoms.inside.sum(), (~atoms.inside).sum())
    faulty = smaller * float((atoms.good < atoms.of).mean())
    if len(atoms) > MANY or (smaller >= 100 and faulty >= 20) or (usual > _CLEAR and smaller >= 20):
        return max(usual, 1e-300)
    random = generator("slices", seed)
    beyond, drawn = 0, 0
    for until, clear in (*STAGES, (DRAWS, 0.0)):
        while drawn < until:
            count = min(until - drawn, max(1, _BLOCK // len(atoms)))
            again = statistic(_dealt(random.random((count, len(atoms))), atoms))
            beyond += int((np.abs(again) >= abs(seen) * (1 - 1e-9)).sum())
            drawn += count
        if (beyond + 1) / (drawn + 1) > clear:
            break
    return (beyond + 1) / (drawn + 1)


def _dealt(keys: np.ndarray, atoms: _Atoms) -> np.ndarray:
    """`(R, A)` orders, at random within each stratum; of one stratum only which come first is at random."""
    if atoms.stratum[-1] > 0:
        return np.argsort(keys + atoms.stratum, axis=1)
    return np.argpartition(keys, int(atoms.inside.sum()) - 1, axis=1)


class _Statistic:
    """The studentised difference between inside and outside, for orders `(R, A)` in which outcomes are dealt out."""

    def __init__(self, atoms: _Atoms):
        share = atoms.good.sum() / atoms.of.sum()
        self.off = atoms.good - share * atoms.of
        self.first = int((atoms.stratum == 0).sum())  # whole groups come first
        self.inside = atoms.inside
        k = np.bincount(atoms.stratum, atoms.inside)
        n = np.bincount(atoms.stratum).astype(float)
        mean = np.bincount(atoms.stratum, self.off) / np.maximum(n, 1)
        square = np.bincount(atoms.stratum, self.off**2) / np.maximum(n, 1) - mean**2
        self.expected = float((k * mean).sum())
        spread = k * (n - k) / np.maximum(n - 1, 1) * np.maximum(square, 0)
        self.within = float(spread[1:].sum())  # the same however clips are dealt out
        self.pooled = float(spread[0])
        self.share = float(k[0] / n[0]) if n[0] else 0.0
        self.counts = float(k[0]), float(n[0] - k[0])

    def __call__(self, order: np.ndarray) -> np.ndarray:
        """`(R,)`; nan where nothing varies."""
        off = self.off[order]
        above = off @ self.inside - self.expected
        spread = np.full(len(order), self.within)
        inside, outside = self.counts
        if inside and outside:
            spread += self._between(off[:, : self.first]) if min(inside, outside) > 1 else self.pooled
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(np.abs(above) < 1e-12, 0.0, above / np.sqrt(spread))

    def _between(self, off: np.ndarray) -> np.ndarray:
        """`(R,)`: of the sum over whole groups inside, less what is expected, the variance by both sides' own."""
        member = self.inside[: self.first]
        inside, outside = self.counts
        total, squares = off.sum(axis=1), (off**2).sum(axis=1)
        one, ones = off @ member, (off**2) @ member
        v1 = np.maximum(ones - one**2 / inside, 0) / (inside - 1)
        v2 = np.maximum(squares - ones - (total - one) ** 2 / outside, 0) / (outside - 1)
        return (self.share * outside) ** 2 * (v1 / inside + v2 / outside)
