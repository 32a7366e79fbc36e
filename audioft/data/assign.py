"""Groups dealt out to sides so that each side gets its share of every label.

Sechidis, Tsoumakas, Vlahavas (2011), On the stratification of multi-label data: take the label of which the
fewest clips are left, and give each group that has it to the side that still wants most of that label. Here
it deals whole groups, and before that gives each side one group of each label, the sides that hold least
first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioft.runtime import address

_TRIES = 8  # groups that mix labels may block one another: the best of a few shuffles is taken


def assign(counts: np.ndarray, groups: Sequence[str], shares: dict[str, float], seed: int) -> list[str]:
    """The side of each clip.

    Args:
        counts: `(N, C)`, 1 where the clip has the label.
        groups: N names; clips of a name stay together.
        shares: side to share, summing to 1; the first side is covered first.
        seed: of the shuffle. The result depends on it and on each group's name and labels, not on any order.

    Returns:
        N names of sides.
    """
    names = sorted(set(groups))
    place = {name: i for i, name in enumerate(names)}
    of = np.array([place[g] for g in groups])
    units = np.zeros((len(names), counts.shape[1] + 1))
    np.add.at(units[:, :-1], of, counts)
    np.add.at(units[:, -1], of, 1)  # the clip itself is one more "label": it evens out the sizes
    share = np.array(list(shares.values()))
    best: tuple[float, float] | None = None
    dealt = np.zeros(len(names), int)
    for attempt in range(1 if len(names) == len(groups) and not (counts.sum(1) > 1).any() else _TRIES):
        shuffled = sorted(range(len(names)), key=lambda u: address("split", seed, attempt, names[u]))
        sides = _deal(units, share, np.array(shuffled))
        got = np.stack([units[sides == s].sum(0) for s in range(len(share))])
        wanted = share[:, None] * units.sum(0)
        off = float((np.abs(got - wanted) / np.maximum(units.sum(0), 1)).sum())
        # a label that train lacks weighs more than one that another side lacks
        holes = float(((got == 0) & (units.sum(0) > 0)).sum(1) @ ([len(names) + 1.0] + [1.0] * (len(share) - 1)))
        if best is None or (holes, off) < best:
            best, dealt = (holes, off), sides
    order = list(shares)
    return [order[dealt[u]] for u in of]


def _deal(units: np.ndarray, share: np.ndarray, shuffled: np.ndarray) -> np.ndarray:
    wanted = share[:, None] * units.sum(0)
    sides = np.full(len(units), -1)

    def give(unit: int, side: int) -> None:
        sides[unit] = side
        wanted[side] -= units[unit]

    rarest = np.argsort((units[:, :-1] > 0).sum(0), kind="stable")
    for label in rarest:
        for side in range(len(share)):
            if (units[sides == side, label] > 0).any():
                continue
            free = [u for u in shuffled if sides[u] < 0 and units[u, label] > 0]
            if free:
                # a large group on a small side would leave it no room: the first that fits, else the smallest
                fits = [u for u in free if units[u, -1] <= max(wanted[side, -1], 1)]
                give(fits[0] if fits else min(free, key=lambda u: units[u, -1]), side)
    while True:
        left = (units[sides < 0, :-1] > 0).sum(0)
        if not left.any():
            break
        label = int(np.argmin(np.where(left > 0, left, len(units) + 1)))
        for u in shuffled:
            if sides[u] < 0 and units[u, label] > 0:
                give(u, int(np.lexsort((-wanted[:, -1], -wanted[:, label]))[0]))
    for u in shuffled:
        if sides[u] < 0:
            give(u, int(np.argmax(wanted[:, -1])))
    return sides
