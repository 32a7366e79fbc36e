"""How unlike the members of an ensemble are, and what each of them adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from audioft.core.runtime import generator
from audioft.evaluation.intervals import multiplicities
from audioft.evaluation.metrics import compute
from audioft.evaluation.predictions import Predictions

Interval = tuple[float, float]


@dataclass(frozen=True)
class Contribution:
    """What one member is worth.

    Attributes:
        name: of the member.
        alone: its figure.
        without: that of the ensemble without it; nan where no ensemble is left.
        adds: how much higher the figure is with it.
        interval: between what it may lie, 95 %, by drawing groups anew; nan where it was not computed.
        disagrees: the share of clips, or of labels of clips, that it answers otherwise than another, the mean over all.
    """

    name: str
    alone: float
    without: float
    adds: float
    interval: Interval
    disagrees: float


@dataclass(frozen=True)
class Diversity:
    """How unlike members are.

    Attributes:
        disagreement: the share of answers in which two members differ, the mean over pairs.
        both_wrong: in which two are wrong, likewise: what no way of joining them mends.
    """

    disagreement: float
    both_wrong: float


def contributions(
    members: Sequence[tuple[str, Predictions]],
    whole: Predictions,
    without: Callable[[int], Predictions | None],
    figure: str,
    *,
    thresholds: Sequence[Sequence[float] | None],
    resamples: int,
    seed: int,
) -> tuple[list[Contribution], Diversity]:
    """What each member is worth, on the same clips.

    Args:
        members: names, and what each says.
        whole: what the ensemble says.
        without: what it says without one of them; None where that is nothing.
        figure: a metric.
        thresholds: where several labels may hold, of each member, of which None is 0.5; last that of the ensemble.
        resamples: of the interval; of accuracy alone.
        seed: of it.
    """
    given = [p.decisions(t) for (_, p), t in zip(members, thresholds[:-1], strict=True)]
    unlike = np.array([[np.mean(_differ(a, b, whole)) for b in given] for a in given])
    wrong = [_differ(g, whole.targets > 0, whole) for g in given]
    both = np.array([[np.mean(a & b) for b in wrong] for a in wrong])
    others = ~np.eye(len(members), dtype=bool)
    best = compute(whole, thresholds[-1])[figure]
    found = []
    for i, (name, own) in enumerate(members):
        rest, less, bounds = without(i), float("nan"), (float("nan"), float("nan"))
        if rest is not None:
            less = compute(rest, thresholds[-1])[figure]
            if figure == "accuracy" and resamples:
                bounds = _interval(whole, rest, resamples, seed)
        alone = compute(own, thresholds[i])[figure]
        found.append(Contribution(name, alone, less, best - less, bounds, float(unlike[i][others[i]].mean())))
    return found, Diversity(float(unlike[others].mean()), float(both[others].mean()))


def _differ(a: np.ndarray, b: np.ndarray, of: Predictions) -> np.ndarray:
    """Which answers differ: `(N,)` of clips, or of all labels that are known."""
    return ((a != b) & of.known)[of.known] if of.multilabel else (a != b).any(1)


def _interval(whole: Predictions, rest: Predictions, resamples: int, seed: int) -> Interval:
    """Of the difference in accuracy, the same groups drawn for both."""
    better = np.array([(p.decisions() & (p.targets > 0)).any(1) for p in (whole, rest)], float)
    names = {g: i for i, g in enumerate(dict.fromkeys(whole.groups()))}
    place = [names[g] for g in whole.groups()]
    gains, sizes = np.bincount(place, better[0] - better[1]), np.bincount(place)
    drawn = multiplicities(generator(seed, "members"), resamples, len(sizes))
    low, high = np.quantile(drawn @ gains / (drawn @ sizes), [0.025, 0.975])
    return float(low), float(high)
