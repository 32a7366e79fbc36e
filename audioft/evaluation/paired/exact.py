"""Exact tests of two models that are right and wrong on the same clips.

If two models are alike, then in each clip of which one is right and the other wrong it is arbitrary which of them that
is. Of n such clips, b of them for the first, the chance of as large a lead is that of the binomial distribution
(McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika
12, 1947; its exact form: Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91, 2013).

Clips of a group (a speaker, a recording) are right or wrong together, and there the test counts as several clips what
is but one. Then whole groups are exchanged: each group's lead keeps its size and takes either sign (Fisher's
randomisation test of pairs, "The Design of Experiments", 1935). The leads are whole numbers, so the distribution of
their sum over all 2^G choices of signs is computed by convolution, and nothing is drawn. Where every clip is a group of
its own it is McNemar's test.
"""

from __future__ import annotations

import math

import numpy as np

#: Places of the distribution of a sum of leads; beyond that it is taken for normal.
MOST = 200_000


def mcnemar(first: int, second: int) -> float:
    """The two-sided p-value of McNemar's exact test.

    Args:
        first: clips that the first model alone has right.
        second: clips that the second alone has right.

    Returns:
        Above 0 and at most 1; 1 where there are none.

    Raises:
        ValueError: a count is below 0.

    >>> round(mcnemar(9, 2), 6), mcnemar(0, 0)
    (0.06543, 1.0)
    """
    if min(first, second) < 0:
        raise ValueError(f"counts of clips are at least 0; found {first} and {second}")
    from scipy.special import bdtr

    total = first + second
    return min(1.0, 2 * float(bdtr(min(first, second), total, 0.5))) if total else 1.0


def exchanged(leads: np.ndarray) -> float:
    """How often chance alone makes a lead as large, if whole groups are exchanged between the models.

    Args:
        leads: `(G,)` int, of each group how many clips more the first model has right than the second.

    Returns:
        The two-sided p-value, above 0 and at most 1; 1 where no group has a lead.

    >>> exchanged(np.array([1] * 9 + [-1] * 2)) == mcnemar(9, 2)
    True
    >>> exchanged(np.array([5, 3, 2]))
    0.25
    """
    found = np.abs(np.rint(np.asarray(leads)).astype(int))
    sizes, lead = found[found > 0], abs(int(np.rint(np.sum(leads))))
    if not len(sizes):
        return 1.0
    if sizes.max() == 1:
        first = (len(sizes) + lead) // 2
        return mcnemar(first, len(sizes) - first)
    total = int(sizes.sum())
    if total > MOST:
        return max(math.erfc(lead / math.sqrt(2 * float((sizes.astype(float) ** 2).sum()))), 1e-300)
    chances = np.ones(1)  # of each sum of signed leads, -k to k in steps of 1
    for size in sizes.tolist():
        wider = np.zeros(len(chances) + 2 * size)
        wider[: len(chances)] += chances / 2
        wider[2 * size :] += chances / 2
        chances = wider
    sums = np.abs(np.arange(-total, total + 1))
    return min(1.0, float(chances[sums >= lead].sum()))


def leads(first: np.ndarray, second: np.ndarray, member: np.ndarray) -> np.ndarray:
    """`(G,)` leads of the first model over the second.

    Args:
        first, second: `(N,)` bool, whether each model has each clip right.
        member: `(N,)` int, the group of each clip, from 0.
    """
    own = first.astype(float) - second.astype(float)
    return np.rint(np.bincount(member, own)).astype(int)
