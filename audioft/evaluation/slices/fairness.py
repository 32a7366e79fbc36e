"""Two groups compared label by label with fairlearn, and how far its figures would be from 0 by chance."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np

from audioft.core.runtime import generator
from audioft.evaluation.ratios import ratio
from audioft.evaluation.slices.columns import Column
from audioft.evaluation.slices.found import Fairness

LEAST = 10  # clips of each group with a label, and without it
MOST = 50  # labels, those with most clips
DRAWS = 400
MISSING = "equalised odds need fairlearn and are left out: `pip install 'audioft[fairness]'`"
NAMES = ("equalized_odds_difference", "equal_opportunity_difference", "demographic_parity_difference")
_BLOCK = 4_000_000  # numbers held at a time


def available() -> bool:
    """Whether fairlearn is installed."""
    return importlib.util.find_spec("fairlearn") is not None


def compare(
    column: Column, true: np.ndarray, given: np.ndarray, labels: Sequence[str], units: np.ndarray, seed: int = 0
) -> Fairness | None:
    """How far apart two groups are, by fairlearn's figures of each label against all others.

    Args:
        column: with two values.
        true, given: `(N, C)` bool.
        labels: the C labels.
        units: `(N,)` int: clips that stay together where the groups are drawn anew.
        seed: of those draws.

    Returns:
        The largest of each figure over labels, at most `MOST`, of which both groups have at least `LEAST` clips with
        and without; None where there is no such label.
    """
    known = column.code >= 0
    first, true, given, units = column.code[known] == 0, true[known], given[known], units[known]
    fewer = np.min([_fewer(true[side]) for side in (first, ~first)], axis=0)
    usable = np.sort(np.argsort(-fewer, kind="stable")[:MOST])
    usable = usable[fewer[usable] >= LEAST]
    if not len(usable):
        return None
    import fairlearn.metrics as fair  # takes a second

    counts = _counts(true[:, usable], given[:, usable])
    each = differences(first[None].astype(float), counts)[0]
    best = {name: int(usable[i]) for name, i in zip(NAMES, each.argmax(axis=1).tolist(), strict=True)}
    figures = {
        name: float(getattr(fair, name)(true[:, c], given[:, c], sensitive_features=first)) for name, c in best.items()
    }
    chance = _by_chance(first, counts, units, seed)
    return Fairness(
        column.name,
        (column.values[0], column.values[1]),
        figures,
        {name: labels[c] for name, c in best.items()},
        dict(zip(NAMES, chance, strict=True)),
    )


def differences(first: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The three figures of `NAMES`, as fairlearn has them, of every label.

    Args:
        first: `(R, N)` of 0 and 1, which clips are of the first group, in R divisions.
        counts: `(N, 4, C)`, see `_counts`.

    Returns:
        `(R, 3, C)`.
    """
    flat = counts.reshape(len(counts), -1)
    here = (first @ flat).reshape(-1, *counts.shape[1:])
    rates = [
        (ratio(s[:, 0], s[:, 1], 0.0), ratio(s[:, 2], s[:, 3], 0.0), ratio(s[:, 0] + s[:, 2], s[:, 1] + s[:, 3], 0.0))
        for s in (here, flat.sum(axis=0).reshape(counts.shape[1:]) - here)
    ]
    found, made_up, given = (np.abs(a - b) for a, b in zip(*rates, strict=True))
    return np.stack([np.maximum(found, made_up), found, given], axis=1)


def _counts(true: np.ndarray, given: np.ndarray) -> np.ndarray:
    """`(N, 4, C)`: found, true, made up, not true."""
    return np.stack([true & given, true, ~true & given, ~true], axis=1).astype(np.float32)


def _fewer(true: np.ndarray) -> np.ndarray:
    """`(C,)`, of how many clips it is the fewer that have a label or have it not."""
    return np.minimum(true.sum(axis=0), (~true).sum(axis=0))


def _by_chance(first: np.ndarray, counts: np.ndarray, units: np.ndarray, seed: int) -> list[float]:
    """What the figures stay below 95 times of 100 where it is chance which unit is of which group.

    Whole units are exchanged; where the clips of some lie on both sides, clips within each unit.
    """
    random = generator("fairness", seed)
    _, unit = np.unique(units, return_inverse=True)
    share = np.bincount(unit, first) / np.bincount(unit)
    order = np.argsort(unit, kind="stable")

    def redrawn() -> np.ndarray:
        if ((share == 0) | (share == 1)).all():
            return random.permutation(share)[unit]
        dealt = np.empty(len(first))
        dealt[order] = first[order][np.argsort(unit[order] + random.random(len(unit)))]
        return dealt

    found, block = [], max(1, _BLOCK // max(len(first), 4 * counts.shape[2]))
    for start in range(0, DRAWS, block):
        drawn = np.stack([redrawn() for _ in range(min(block, DRAWS - start))]).astype(np.float32)
        found.append(differences(drawn, counts).max(axis=2))
    return [float(x) for x in np.quantile(np.concatenate(found), 0.95, axis=0)]
