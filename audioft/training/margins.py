"""By how much a clip's own label has to win, as a number or by epoch.

A plan maps epochs to margins, as `{0: 0.0, 5: 0.2, 10: 0.5}`: straight lines between these epochs, the last margin
from there on. It is a function of the epoch alone, so a resumed run needs no state of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Margin = float | dict[int, float]


def problems(margin: Any) -> list[str]:
    """What is wrong with a margin as read from a config, as sentences that begin with their key."""
    if not isinstance(margin, Mapping):
        return [] if 0 <= margin < 1 else [f"margin: {margin} is not at least 0 and below 1"]
    found = [
        f"margin.{k}: {k!r} is not an epoch, a whole number from 0"
        for k in margin
        if isinstance(k, bool) or not str(k).isdecimal()
    ]
    found += [f"margin.{k}: {v!r} is not at least 0 and below 1" for k, v in margin.items() if not _fits(v)]
    if not found and 0 not in _plan(margin):
        begins = f"this one at epoch {min(_plan(margin))}" if margin else "this one is empty"
        found.append(f"margin: a plan begins at epoch 0, {begins}")
    return found


def at_epoch(margin: Margin, epoch: float) -> float:
    """The margin when `epoch` epochs have passed.

    >>> [at_epoch({0: 0.0, 2: 0.5}, e) for e in (0, 1, 1.5, 2, 7)]
    [0.0, 0.25, 0.375, 0.5, 0.5]
    """
    plan = _plan(margin if isinstance(margin, Mapping) else {0: margin})
    epochs = sorted(plan)
    return float(np.interp(epoch, epochs, [plan[e] for e in epochs]))


def _plan(margin: Mapping[Any, Any]) -> dict[int, float]:
    return {int(k): float(v) for k, v in margin.items()}


def _fits(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and 0 <= float(value) < 1
    except (TypeError, ValueError):
        return False
