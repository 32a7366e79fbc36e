"""Areas under ROC curves of two models on the same clips, and whether they differ: DeLong's test, also of groups.

An area is the mean over pairs, a clip with the label and one without, of whether the one with it scores higher. A
clip's *component* is that mean over its own pairs alone, and from how components vary follows how the areas do,
together and without drawing anything (DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more
correlated receiver operating characteristic curves: a nonparametric approach", Biometrics 44, 1988). Components are
computed by midranks (Sun and Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21, 2014).

Of clips in groups the components are added up in each group first (Obuchowski, "Nonparametric analysis of clustered
ROC curve data", Biometrics 53, 1997; of groups that have clips with and without the label the two corrections for few
groups are taken as their geometric mean). Of several labels the area is the mean over them, and a clip's share of it
the sum over labels: a clip with one label is a clip without each of the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from audioft.evaluation.predictions import Predictions


@dataclass(frozen=True)
class AreaGap:
    """Two areas and what their difference may be by chance.

    Attributes:
        first, second: the areas, 0 to 1; the mean over the labels that have one.
        variance: of their difference.
        p: two-sided, by the normal distribution; 1 where nothing differs, nan where no label has an area.
    """

    first: float
    second: float
    variance: float
    p: float

    @property
    def change(self) -> float:
        """The second area less the first."""
        return self.second - self.first


NOTHING = AreaGap(math.nan, math.nan, math.nan, math.nan)


def components(scores: np.ndarray, positive: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The area under the ROC curve of one label, and the components of clips.

    Args:
        scores: `(N,)`.
        positive: `(N,)` bool; there must be clips of both kinds.

    Returns:
        The area, the components of the m clips that are positive `(m,)` and of the n others `(n,)`.

    >>> components(np.array([0.9, 0.4, 0.6, 0.1]), np.array([True, True, False, False]))
    (0.75, array([1. , 0.5]), array([0.5, 1. ]))
    """
    from scipy.stats import rankdata

    above, below = scores[positive], scores[~positive]
    m, n = len(above), len(below)
    among = rankdata(np.concatenate([above, below]))
    of_positive = (among[:m] - rankdata(above)) / n
    of_negative = 1 - (among[m:] - rankdata(below)) / m
    return float(of_positive.mean()), of_positive, of_negative


def compare(first: Predictions, second: Predictions, member: np.ndarray) -> AreaGap:
    """Two models' areas on the same clips.

    Args:
        first, second: with the same labels, targets and clips.
        member: `(N,)` int, the group of each clip, from 0.
    """
    shares = np.zeros(int(member.max(initial=-1)) + 1)
    areas: list[tuple[float, float]] = []
    for c in range(len(first.labels)):
        known, own = first.known[:, c], first.targets[:, c] > 0
        positive = own[known]
        if positive.any() and not positive.all():
            scores = [p.scores[known, c] for p in (first, second)]
            pair, share = _of_label(scores, positive, member[known], len(shares))
            areas.append(pair)
            shares += share
    if not areas:
        return NOTHING
    one, other = (float(x) for x in np.mean(areas, axis=0))
    variance = float((shares**2).sum()) / len(areas) ** 2
    return AreaGap(one, other, variance, _p_value(other - one, variance))


def _of_label(
    scores: list[np.ndarray], positive: np.ndarray, member: np.ndarray, groups: int
) -> tuple[tuple[float, float], np.ndarray]:
    """The two areas, and by how much each group moves their difference, `(G,)`, corrected for few groups."""
    (a, pa, na), (b, pb, nb) = (components(s, positive) for s in scores)
    share = np.zeros(groups)
    for own, off in ((positive, pb - pa - (b - a)), (~positive, nb - na - (b - a))):
        units = len(np.unique(member[own]))
        few = math.sqrt(units / (units - 1)) if units > 1 else 1.0
        share += few * np.bincount(member[own], off, groups) / len(off)
    return (a, b), share


def _p_value(change: float, variance: float) -> float:
    if abs(change) < 1e-12:
        return 1.0
    return max(math.erfc(abs(change) / math.sqrt(2 * variance)), 1e-300) if variance > 0 else math.nan
