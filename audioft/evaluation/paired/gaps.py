"""Several models on the same clips, two by two: by how much they differ, and whether by more than chance."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audioft.evaluation.intervals import SHARES, Estimate, units
from audioft.evaluation.metrics import METRICS, Tally
from audioft.evaluation.paired import delong, exact, resampled
from audioft.evaluation.paired.delong import AreaGap
from audioft.evaluation.paired.resampled import Limits
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.slices.gaps import corrected

LEVEL = 0.05  # a corrected p-value below it is no chance
MCNEMAR, EXCHANGED, RESAMPLED = "McNemar, exact", "groups exchanged, exact", "paired bootstrap"
FOLDS = "folds, Nadeau and Bengio"


@dataclass(frozen=True)
class Gap:
    """Two models compared.

    Attributes:
        first, second: their places among the models.
        change: the second's score less the first's, with a paired 95 % interval.
        test: what `p` is by.
        p: two-sided; nan where nothing can be tested.
        corrected: by Holm's method for all pairs.
        alone: clips that the first alone, and that the second alone has all right.
        area: the areas under their ROC curves.
        area_corrected: its p-value corrected likewise, in a family of its own.
    """

    first: int
    second: int
    change: Estimate
    test: str
    p: float
    corrected: float
    alone: tuple[int, int]
    area: AreaGap
    area_corrected: float

    @property
    def told(self) -> bool:
        """Whether the two differ by more than chance."""
        return self.corrected < LEVEL


def gaps(
    models: Sequence[Predictions],
    thresholds: Sequence[Limits],
    main: str,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Gap]:
    """Every pair of K models, in their order.

    Args:
        models: predictions of the same clips, with the same labels in the same order.
        thresholds: of each model, see `Predictions.decisions`.
        main: the score, a key of `METRICS`.
        resamples, seed: of the bootstrap.

    Raises:
        ValueError: labels or clips differ.
    """
    same = [(p.labels, p.multilabel, p.targets.tobytes(), p.known.tobytes()) for p in models]
    if any(own != same[0] for own in same):
        raise ValueError("models are compared on the same clips, targets and labels in the same order")
    unit, member = units(models[0])
    drawn = resampled.draws(models, thresholds, main, member, resamples, seed)
    tallies = [Tally(p, thresholds=limits) for p, limits in zip(models, thresholds, strict=True)]
    scores = [float(METRICS[main].of(t)[0]) for t in tallies]
    counted = models[0].known.any(axis=1)
    right = [t.right & counted for t in tallies]
    found = []
    for a, b in itertools.combinations(range(len(models)), 2):
        alone = int((right[a] & ~right[b]).sum()), int((right[b] & ~right[a]).sum())
        value, off = scores[b] - scores[a], drawn[b] - drawn[a]
        groups = int(member.max()) + 1
        change = resampled.interval(value, off, sum(alone), int(counted.sum()), groups)
        if main in SHARES:
            test, p = _exact(right[a], right[b], member, unit)
        else:
            test, p = RESAMPLED, resampled.p_value(value, off, groups)
        area = delong.compare(models[a], models[b], member)
        found.append(Gap(a, b, change, test, p, p, alone, area, area.p))
    return holm(found)


def holm(found: Sequence[Gap]) -> list[Gap]:
    """The same gaps with their p-values corrected for how many there are."""
    own, areas = _corrected([g.p for g in found]), _corrected([g.area.p for g in found])
    return [
        dataclasses.replace(g, corrected=p, area_corrected=area) for g, p, area in zip(found, own, areas, strict=True)
    ]


def _exact(first: np.ndarray, second: np.ndarray, member: np.ndarray, unit: str) -> tuple[str, float]:
    return (MCNEMAR if unit == "clips" else EXCHANGED), exact.exchanged(exact.leads(first, second, member))


def _corrected(p: Sequence[float]) -> list[float]:
    """By Holm's method, those that could be tested; nan for the others."""
    values = np.array(p, float)
    known = np.isfinite(values)
    values[known] = corrected(values[known], np.ones(int(known.sum())))
    return [x if math.isfinite(x) else math.nan for x in values.tolist()]
