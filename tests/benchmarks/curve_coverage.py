"""Learning curves that are made up, for `interval_coverage.py`: errors fall as a power law that is known.

Each of 20 draws of 1, 2, 5, 10 and 20 clips a label, and the one of all 40, labels the same tested clips; of a draw all
clips are a little luckier, and a clip that is hard is so for all draws.
"""

from __future__ import annotations

from unittest import mock

import numpy as np
from scipy.special import ndtri

from audioft.evaluation.intervals import middle
from audioft.tasks.learning_curve import draws
from audioft.tasks.learning_curve.draws import Point
from audioft.tasks.learning_curve.power_law import PowerLaw

LABELS, SIZES, ALL, DRAWS = 4, (1, 2, 5, 10, 20), 40, 20
HARD, LUCKY = 0.5, 0.05  # of what makes a clip right or wrong: its own, for all draws; a draw's, for all clips
METHOD = draws.METHODS[0]
Interval = tuple[float, float]


def law(score: float) -> PowerLaw:
    """Of which a share of `score` is right after all clips; a third of the errors stay however many there are."""
    left = 1 - score
    return PowerLaw(left / 3, 2 * left / 3 * ALL**0.4, 0.4)


def accuracy(score: float, each: float) -> float:
    return 1 - law(score).error(each)


def truth(score: float) -> dict[str, float]:
    """The true figures."""
    points = {f"after {each} a label": accuracy(score, each) for each in (*SIZES, ALL)}
    then = {k: accuracy(score, k * ALL) for k in draws.FACTORS}
    more = {f"points more with {k} x all": value - accuracy(score, ALL) for k, value in then.items()}
    return points | {f"expected of {k} x all": value for k, value in then.items()} | more


def found(
    random: np.random.Generator, hard: np.ndarray, groups: np.ndarray, score: float, resamples: int
) -> dict[str, tuple[float, Interval, Interval]]:
    """What is found of clips that are `hard`, normal numbers `(T,)`: each figure, the middle 95 %, the interval."""
    points = []
    for each in (*SIZES, ALL):
        count = 1 if each == ALL else DRAWS
        luck = 0.0 if each == ALL else np.sqrt(LUCKY) * random.standard_normal((count, 1))
        alone = 1 - HARD - (0.0 if each == ALL else LUCKY)
        all_of = np.sqrt(HARD) * hard + luck + np.sqrt(alone) * random.standard_normal((count, len(hard)))
        hits = all_of < ndtri(accuracy(score, each))
        points.append(Point(None if each == ALL else each, LABELS * each, LABELS, {METHOD: hits}, groups))
    told = {
        f"after {p.each:g} a label": (p.accuracy(METHOD), _middle(random, p, resamples), p.interval(METHOD))
        for p in points
    }
    drawn: list[np.ndarray] = []

    def noted(value: float, again: np.ndarray, *more: object) -> Interval:
        drawn.append(again)
        return original(value, again, *more)

    original = draws.of_draws
    with mock.patch.object(draws, "of_draws", noted), mock.patch.object(draws, "RESAMPLES", resamples):
        outlook = draws.outlook(points, METHOD, groups, int(random.integers(2**31)))
    if isinstance(outlook, str):
        return told
    for k, then, gains in zip(draws.FACTORS, drawn[::2], drawn[1::2], strict=True):
        x = outlook.expected[k]
        told[f"expected of {k} x all"] = (x.accuracy, middle(then, 0.95), (x.low, x.high))
        told[f"points more with {k} x all"] = (x.gain, middle(gains, 0.95), (x.gain_low, x.gain_high))
    return told


def _middle(random: np.random.Generator, point: Point, resamples: int) -> Interval:
    """Of the accuracy, the tested groups and the draws drawn anew."""
    hits, member = point.hits[METHOD], np.unique(point.groups, return_inverse=True)[1]
    weights = draws.multiplicities(random, resamples, member.max() + 1)[:, member]
    again = random.integers(len(hits), size=(resamples, len(hits)))
    means = weights @ hits.T / weights.sum(1, keepdims=True)
    return middle(np.take_along_axis(means, again, axis=1).mean(1), 0.95)
