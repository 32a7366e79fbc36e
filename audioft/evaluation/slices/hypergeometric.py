"""The tails of the hypergeometric distribution, without the second that `scipy.stats` takes to be imported."""

from __future__ import annotations

import math

import numpy as np

_FAR = 15.0  # standard deviations beyond which nothing is added up


def tails(right: int, inside: int, all_right: int, clips: int) -> tuple[float, float]:
    """How often at most, and at least, `right` of the clips inside are right, if it is chance which are inside.

    Args:
        right: of the clips inside.
        inside, all_right: of all clips so many are inside, and so many are right.
        clips: how many there are.

    >>> [round(p, 4) for p in tails(1, 4, 5, 10)]
    [0.2619, 0.9762]
    """
    from scipy.special import gammaln

    lowest, highest = max(0, inside + all_right - clips), min(inside, all_right)
    mean = inside * all_right / clips
    spread = math.sqrt(max(mean * (1 - all_right / clips) * (clips - inside) / max(clips - 1, 1), 0.0))
    reach = math.ceil(_FAR * spread) + 10
    x = np.arange(
        max(lowest, math.floor(min(right, mean)) - reach), min(highest, math.ceil(max(right, mean)) + reach) + 1
    )

    def ways(n: int, k: np.ndarray | int) -> np.ndarray:
        return gammaln(n + 1) - gammaln(np.add(k, 1)) - gammaln(n - np.asarray(k) + 1)

    chance = np.exp(ways(all_right, x) + ways(clips - all_right, inside - x) - ways(clips, inside))
    return min(1.0, float(chance[x <= right].sum())), min(1.0, float(chance[x >= right].sum()))
