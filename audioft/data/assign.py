"""Groups dealt out to sides so that each side gets its share of every label.

Sechidis, Tsoumakas, Vlahavas (2011), On the stratification of multi-label data: take the label of which the
fewest clips are left, and give each group that has it to the side that still wants most of that label. Here
it deals whole groups, and before that gives each side one group of each label, the sides that hold least
first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from audioft.core.runtime import address

_TRIES = 8  # groups that mix labels may block one another: the best of a few shuffles is taken
_MANY = 50_000  # of so many groups one shuffle is as good as another


def assign(
    counts: np.ndarray,
    groups: Sequence[str],
    shares: dict[str, float],
    seed: int,
    fixed: Mapping[str, str] | None = None,
) -> list[str]:
    """The side of each clip.

    Args:
        counts: `(N, C)`, 1 where the clip has the label.
        groups: N names; clips of a name stay together.
        shares: side to share, summing to 1; the first side is covered first.
        seed: of the shuffle. The result depends on it and on each group's name and labels, not on any order.
        fixed: the side of groups that have one already; they count for its share.

    Returns:
        N names of sides.
    """
    names = sorted(set(groups))
    place = {name: i for i, name in enumerate(names)}
    of = np.array([place[g] for g in groups])
    units = np.zeros((len(names), counts.shape[1] + 1), np.float32)  # whole numbers, exact up to 2 ** 24
    np.add.at(units[:, :-1], of, counts)
    np.add.at(units[:, -1], of, 1)  # the clip itself is one more "label": it evens out the sizes
    share, order = np.array(list(shares.values())), list(shares)
    already = np.full(len(names), -1)
    for name, side in (fixed or {}).items():
        already[place[name]] = order.index(side)
    best: tuple[float, float] | None = None
    dealt = np.zeros(len(names), int)
    alike = len(names) == len(groups) and not (counts.sum(1) > 1).any()
    for attempt in range(1 if alike or len(names) > _MANY else _TRIES):
        shuffled = sorted(range(len(names)), key=lambda u: address("split", seed, attempt, names[u]))
        sides = _deal(units, share, np.array(shuffled), already)
        got = np.stack([units.sum(0, dtype=float, where=(sides == s)[:, None]) for s in range(len(share))])
        total = units.sum(0, dtype=float)
        wanted = share[:, None] * total
        off = float((np.abs(got - wanted) / np.maximum(total, 1)).sum())
        # a label that train lacks weighs more than one that another side lacks
        holes = float(((got == 0) & (total > 0)).sum(1) @ ([len(names) + 1.0] + [1.0] * (len(share) - 1)))
        if best is None or (holes, off) < best:
            best, dealt = (holes, off), sides
    return [order[dealt[u]] for u in of]


def keeping(
    counts: np.ndarray, groups: Sequence[str], shares: dict[str, float], seed: int, before: Sequence[str]
) -> tuple[list[str], list[tuple[str, int | None]] | None]:
    """As `assign`, where groups keep the side that they were on before, as far as it is made.

    Args:
        counts, groups, shares, seed: as for `assign`.
        before: N names of sides, `""` for a clip that is new. Of a group the first of train, valid and test that one of
            its clips was on counts. What was validated on is trained on where there is no such side now.

    Returns:
        N names of sides; and, where keeping would leave sides without a label that they could have, or empty, which
        these are: `(side, column)`, None for all of a side. The sides are then those without keeping. None where no
        group was on any side that is made.
    """
    fixed: dict[str, str] = {}
    order = ("train", "valid", "test")
    for group, side in zip(groups, before, strict=True):
        now = "train" if side == "valid" and side not in shares else side
        if now in shares and (group not in fixed or order.index(now) < order.index(fixed[group])):
            fixed[group] = now
    free = assign(counts, groups, shares, seed)
    if not fixed:
        return free, None
    kept = assign(counts, groups, shares, seed, fixed)
    lacking = sorted(_holes(counts, kept, shares) - _holes(counts, free, shares), key=str)
    return (free if lacking else kept), lacking


def _holes(counts: np.ndarray, sides: Sequence[str], shares: dict[str, float]) -> set[tuple[str, int | None]]:
    """Labels, as columns, of which a side has no clip; None for a side without clips."""
    of, found = np.array(sides), set[tuple[str, int | None]]()
    for side in shares:
        own = counts[of == side]
        found |= {(side, int(label)) for label in np.flatnonzero(own.sum(0) == 0)} if len(own) else {(side, None)}
    return found


def _deal(units: np.ndarray, share: np.ndarray, shuffled: np.ndarray, already: np.ndarray) -> np.ndarray:
    wanted = share[:, None] * units.sum(0, dtype=float)
    sides = already.copy()
    for side in range(len(share)):
        wanted[side] -= units[sides == side].sum(0, dtype=float)
    having = [shuffled[units[shuffled, label] > 0] for label in range(units.shape[1] - 1)]

    def give(unit: int, side: int) -> None:
        sides[unit] = side
        wanted[side] -= units[unit]

    rarest = np.argsort([len(h) for h in having], kind="stable")
    for label in rarest:
        for side in range(len(share)):
            free = having[label]
            if (sides[free] == side).any():
                continue
            free = free[sides[free] < 0]
            if len(free):
                # a large group on a small side would leave it no room: the first that fits, else the smallest
                sizes = units[free, -1]
                fits = sizes <= max(wanted[side, -1], 1)
                give(int(free[fits.argmax() if fits.any() else sizes.argmin()]), side)
    while True:
        left = np.array([(sides[h] < 0).sum() for h in having])
        if not left.any():
            break
        label = int(np.argmin(np.where(left > 0, left, len(units) + 1)))
        free = having[label][sides[having[label]] < 0]
        _deal_label(units, wanted, sides, free, label)
    _deal_label(units, wanted, sides, shuffled[sides[shuffled] < 0], -1)
    return sides


def _deal_label(units: np.ndarray, wanted: np.ndarray, sides: np.ndarray, free: np.ndarray, label: int) -> None:
    """Give each of the `free` units to the side that wants most of `label`, of several that to the emptiest one.

    Units without another label, which are nearly all of a large corpus, are counted in plain numbers: numpy's own
    take ten times as long one by one.
    """
    several = (units[free, :-1] > 0).sum(1) > 1
    most, size = wanted[:, label].tolist(), wanted[:, -1].tolist()
    order = range(len(wanted))
    each = zip(free.tolist(), several.tolist(), units[free, label].tolist(), units[free, -1].tolist(), strict=True)
    for unit, mixed, count, clips in each:
        side = max(order, key=lambda s: (most[s], size[s], -s))
        sides[unit] = side
        most[side] -= count
        size[side] -= clips
        if mixed:
            wanted[side] -= units[unit]
    wanted[:, label], wanted[:, -1] = most, size
