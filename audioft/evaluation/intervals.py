"""How far a figure could have come out otherwise with other clips: intervals that hold for perfect figures, too.

A share of clips (accuracy, a label's recall) has an exact interval. For any other figure the clips are drawn anew, with
replacement, and it is computed again (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993); from how it then
varies follows how many clips that stand alone it is worth, and from that number the interval, see `effective_size`. The
middle 95 % of the drawn figures would be no interval to rely on: of a perfect figure they are a point, and of few clips
they are too narrow.

Where a group (a speaker, a recording) holds more than one clip, whole groups are drawn: clips of one group are right or
wrong together, and drawing them apart would promise more than was measured (Field and Welsh, "Bootstrapping clustered
data", 2007).

The intervals say how the figures vary with the clips for this one trained model, not with training it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from audioft.core.runtime import generator
from audioft.evaluation import effective_size
from audioft.evaluation.effective_size import Basis
from audioft.evaluation.metrics import METRICS, Tally
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.text import number

SHARES = ("accuracy", "subset_accuracy")  # of clips that are right: nothing need be drawn
_BLOCK = 200_000  # weights held at a time; a few arrays of this size of float64 are made beside them


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; a bound is nan where it could not be computed.

    >>> Estimate(0.9, 0.85, 0.94).least, Estimate(0.9, math.nan, math.nan).least
    (0.85, 0.9)
    >>> Estimate(0.7, 0.6, 0.8).clearly_below(Estimate(0.9, 0.85, 0.94))
    True
    """

    value: float
    low: float
    high: float

    @property
    def least(self) -> float:
        """What it may well be at the worst."""
        return self.low if math.isfinite(self.low) else self.value

    @property
    def most(self) -> float:
        """What it may well be at the best."""
        return self.high if math.isfinite(self.high) else self.value

    @property
    def bounds(self) -> str:
        """The interval in words; empty where there is none."""
        return f"{number(self.low)} – {number(self.high)}" if math.isfinite(self.low) else ""

    def clearly_below(self, other: Estimate) -> bool:
        """Whether it is less, and neither figure lies within the interval of the other."""
        return self.value < other.least and self.most < other.value


def bootstrap(
    predictions: Predictions,
    names: Sequence[str],
    thresholds: Sequence[float] | np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Intervals of the metrics in `names`.

    Args:
        predictions: what to resample.
        names: keys of `METRICS`.
        thresholds: C decision thresholds for multi-label, taken as given and not chosen again.
        resamples: how many times to draw, at least 1.
        seed: the same seed gives the same intervals.
        level: how often they are to hold, above 0 and below 1.

    Returns:
        For each metric its lower and upper bound, around the figure; nan where the figure is, or where all clips are of
        one group.

    Raises:
        DataError: there are no clips.
        ValueError: `resamples` or `level` is out of range.
    """
    if resamples < 1 or not 0 < level < 1:
        raise ValueError(f"resamples must be at least 1 and level between 0 and 1; found {resamples} and {level}")
    others = [name for name in names if name not in SHARES]
    alone = int(units(predictions)[1].max(initial=0)) == 0
    drawn = {} if alone or not others else draws(predictions, others, thresholds, resamples, seed)
    return bounds(predictions, names, drawn, thresholds, level)


def bounds(
    predictions: Predictions,
    names: Sequence[str],
    drawn: dict[str, np.ndarray],
    thresholds: Sequence[float] | np.ndarray | None = None,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """The same from what `draws` found of the metrics but `SHARES`."""
    once, member = Tally(predictions, thresholds=thresholds), units(predictions)[1]
    counts, found = np.bincount(member), {}
    for name in names:
        if name in SHARES:
            counted = predictions.known.any(axis=1)
            found[name] = effective_size.of_clips(once.right[counted], member[counted], level=level)
            continue
        metric = METRICS[name]
        value, basis = float(metric.of(once)[0]), Basis(metric.size(once), counts)
        again = drawn.get(name, np.empty(0))
        found[name] = effective_size.of_draws(value, again, basis, level, unseen=metric.unseen(once))
    return found


def recalls(
    predictions: Predictions, thresholds: Sequence[float] | np.ndarray | None = None, level: float = 0.95
) -> np.ndarray:
    """The intervals of the labels' recalls, `(C, 2)`; nan where no clip has it, or all that do are of one group."""
    member, given, true = units(predictions)[1], predictions.decisions(thresholds), predictions.targets > 0
    rows = zip(given.T, true.T, strict=True)
    return np.array([effective_size.of_clips(g[t], member[t], level=level) for g, t in rows]).reshape(-1, 2)


def draws(
    predictions: Predictions,
    names: Sequence[str],
    thresholds: Sequence[float] | np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """What metrics come out as when clips, or whole groups, are drawn anew, `(resamples,)`; nan where undefined."""
    member = units(predictions)[1]

    def figures(weights: np.ndarray) -> dict[str, np.ndarray]:
        tally = Tally(predictions, weights[:, member], thresholds)
        return {name: METRICS[name].of(tally) for name in names}

    return resampled(figures, int(member.max(initial=-1)) + 1, len(predictions), resamples, seed)


def resampled(
    figures: Callable[[np.ndarray], dict[str, np.ndarray]], count: int, width: int, resamples: int, seed: int
) -> dict[str, np.ndarray]:
    """Several figures of the same resamples, `(resamples,)` each, a block of them at a time.

    Args:
        figures: weights `(R, count)`, how often each unit counts, to the figures `(R,)` by name.
        count: units to draw.
        width: how many numbers `figures` holds for each resample.
        resamples, seed: as for `bootstrap`.
    """
    random, block = generator("bootstrap", seed), max(1, _BLOCK // max(width, 1))
    drawn: dict[str, list[np.ndarray]] = {}
    for start in range(0, resamples, block):
        for name, found in figures(multiplicities(random, min(block, resamples - start), count)).items():
            drawn.setdefault(name, []).append(found)
    return {name: np.concatenate(found) for name, found in drawn.items()}


def units(predictions: Predictions) -> tuple[str, np.ndarray]:
    """What to resample, `clips` or `groups`, and for each clip the number of its unit, `(N,)` int from 0."""
    groups = predictions.groups()
    numbers = {g: i for i, g in enumerate(dict.fromkeys(groups))}
    if len(numbers) == len(groups):
        return "clips", np.arange(len(groups))
    return "groups", np.array([numbers[g] for g in groups])


def multiplicities(random: np.random.Generator, resamples: int, count: int) -> np.ndarray:
    """How often each of `count` units comes up in as many draws with replacement, `(resamples, count)`."""
    draws = random.integers(count, size=(resamples, count))
    draws += np.arange(resamples)[:, None] * count
    return np.bincount(draws.ravel(), minlength=resamples * count).reshape(resamples, count).astype(float)


def middle(figures: np.ndarray, level: float) -> tuple[float, float]:
    figures = figures[np.isfinite(figures)]
    if not len(figures):
        return np.nan, np.nan
    low, high = np.quantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
