"""How small a gap so many clips can tell, and how many clips it takes to tell a gap."""

from __future__ import annotations

import math

from audioft.evaluation.slices.hypergeometric import tails

POWER = 0.8  # how often a gap is found that is said to be told


def least_gap(share: float, inside: float, outside: float, level: float) -> float | None:
    """The smallest gap below the rest that Fisher's test finds in 80 of 100 draws of the clips of a slice.

    With the rest as it is, the test finds whatever has at most so many right; how low a share must lie for that follows
    from the quantiles of the beta distribution.

    Args:
        share: figure of the rest, 0 to 1.
        inside, outside: how many clips that stand alone the slice and the rest are worth.
        level: of the test, two-sided, after correction.

    Returns:
        A difference of shares, 0 to 1; None where even none right would not be told.

    >>> round(least_gap(0.9, 16, 200, 0.05), 2), least_gap(0.9, 2, 200, 0.01)
    (0.28, None)
    """
    from scipy.special import betaincinv

    n, others = int(inside), int(outside)
    if n < 1 or others < 1:
        return None
    right = round(share * others)

    def told(k: int) -> bool:
        return 2 * tails(k, n, right + k, n + others)[0] <= level

    low, high = -1, math.ceil(share * n)  # told at low, not at high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if told(middle) else (low, middle)
    if low < 0:
        return None
    most = 1 - float(betaincinv(n - low, low + 1, POWER)) if low < n else 1.0
    return max(share - most, 0.0) if share > most else None


def times_needed(share: float, gap: float, inside: float, outside: float, level: float) -> float | None:
    """How many times as much data, of the slice and of the rest, it takes to tell a gap in 80 of 100 draws.

    Between the arcsines of the roots of two shares the difference has a variance that depends on their numbers alone
    (Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, chapter 6).

    Args:
        share: figure of the rest, 0 to 1.
        gap: figure of the slice less that; either sign.
        inside, outside: how many clips that stand alone the slice and the rest are worth.
        level: of the test, two-sided, after correction.

    Returns:
        None where there is no gap, or nothing to go by.

    >>> round(times_needed(0.9, -0.1, 100, 1000, 0.05), 2)
    1.07
    """
    from scipy.special import ndtri

    if not (inside > 0 and outside > 0):
        return None
    share, other = (min(1.0, max(0.0, x)) for x in (share, share + gap))
    apart = 2 * abs(math.asin(math.sqrt(share)) - math.asin(math.sqrt(other)))
    if not apart > 1e-6:
        return None
    wanted = (float(ndtri(1 - level / 2) + ndtri(POWER)) / apart) ** 2
    return wanted * (1 / inside + 1 / outside)
