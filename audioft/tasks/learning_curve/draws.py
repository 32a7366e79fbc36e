"""How well labels are told apart after how many clips of each: draws by seed, two ways to learn, what more would bring.

Clips are numbers already, from one pass of a frozen encoder, so that learning from a draw takes a moment. The draws of
one number lie within those of the next larger one: draw `d` of 5 clips begins with draw `d` of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from audioft.core.runtime import generator
from audioft.evaluation import probe
from audioft.evaluation.effective_size import Basis, of_clips, of_draws
from audioft.evaluation.intervals import multiplicities
from audioft.models.heads.prototypes import class_means, directions
from audioft.tasks.learning_curve.power_law import PowerLaw, fit

METHODS = ("prototypes", "probe")
FACTORS = (2, 4)  # times the clips there are
RESAMPLES = 300


def draw(labels: np.ndarray, shots: int, seed: int, number: int) -> np.ndarray:
    """Positions of up to `shots` clips of each label, sorted.

    Args:
        labels: `(N,)`, of the clips that may be drawn.
        shots: a label with fewer clips gives all it has.
        seed: of the run.
        number: which draw; of the same number, more shots are those of fewer and further ones.
    """
    chosen = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        order = generator(seed, "learning curve", number, str(label)).permutation(len(own))
        chosen.append(own[order[:shots]])
    return np.sort(np.concatenate(chosen))


def by_prototypes(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The labels of `asked` `(T, D)` by the nearest mean direction of clips `x` `(N, D)` labelled `y`, centred."""
    names, which = np.unique(y, return_inverse=True)
    learn = torch.from_numpy(x).double()
    mean = learn.mean(0)
    made = class_means(directions(learn, mean), torch.from_numpy(np.eye(len(names))[which]))
    return names[(directions(torch.from_numpy(asked).double(), mean) @ made.T).argmax(1).numpy()]


def by_probe(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The labels of `asked` by logistic regression, see `evaluation.probe`."""
    return probe.fitted(x, y).predict(asked)


@dataclass(frozen=True)
class Point:
    """What was reached with one number of clips a label.

    Attributes:
        shots: that number; None for all there are.
        clips: how many clips that is, the mean over the draws.
        labels: how many labels.
        hits: of each of `METHODS` whether each tested clip was labelled right, `(draws, T)` bool.
        groups: `(T,)`, tested clips of one belong together; None where each stands alone.
    """

    shots: int | None
    clips: float
    labels: int
    hits: dict[str, np.ndarray]
    groups: np.ndarray | None = None

    @property
    def each(self) -> float:
        """Clips a label, the mean over labels: less than `shots` where some label has not so many."""
        return self.clips / self.labels

    def accuracy(self, method: str) -> float:
        return float(self.hits[method].mean())

    def interval(self, method: str) -> tuple[float, float]:
        """The 95 % interval of the accuracy: over the tested clips, and over the draws where there are several."""
        hits = self.hits[method]
        of_draw = float(hits.mean(1).var(ddof=1)) / len(hits) if len(hits) > 1 else 0.0
        groups = np.arange(hits.shape[1]) if self.groups is None else self.groups
        return of_clips(hits.mean(0), groups, of_draw)


def measure(
    features: np.ndarray,
    labels: np.ndarray,
    learn: np.ndarray,
    test: np.ndarray,
    *,
    shots: Sequence[int],
    draws: int,
    seed: int,
    groups: np.ndarray | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Point]:
    """The points of the curve, the last of them with all clips there are to learn from.

    Args:
        features: `(N, D)` float.
        labels: `(N,)`.
        learn, test: positions of the clips to draw from and of those to test on.
        shots: clips a label. Numbers that no label has more clips than are left out: they are all there is.
        draws: how often to draw each number.
        seed: of the draws.
        groups: `(T,)`, tested clips of one belong together; None where each stands alone.
        progress: is called with the number of fits done, of `fits` in all.
    """
    ways = dict(zip(METHODS, (by_prototypes, by_probe), strict=True))
    y, names = labels[learn], np.unique(labels[learn])
    points, done = [], 0
    for number in [*sizes(y, shots), None]:
        chosen = [learn] if number is None else [learn[draw(y, number, seed, d)] for d in range(draws)]
        hits: dict[str, list[np.ndarray]] = {m: [] for m in METHODS}
        for rows in chosen:
            for method, way in ways.items():
                hits[method].append(way(features[rows], labels[rows], features[test]) == labels[test])
            done += 1
            progress(done)
        mean = float(np.mean([len(rows) for rows in chosen]))
        points.append(Point(number, mean, len(names), {m: np.stack(h) for m, h in hits.items()}, groups))
    return points


def sizes(labels: np.ndarray, shots: Sequence[int]) -> list[int]:
    """The numbers among `shots` that leave some clip out, rising."""
    return sorted({n for n in shots if n < np.unique(labels, return_counts=True)[1].max()})


@dataclass(frozen=True)
class Expected:
    """What the power law says of more clips.

    Attributes:
        accuracy: with its 95 % interval `low` to `high`, as uncertain as the tested clips are few.
        gain: over what the law says of the clips there are, with its band; the same tested clips are in both, so that
            most of their luck is in neither.
    """

    accuracy: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True)
class Outlook:
    """What more clips would bring, by one method.

    Attributes:
        law: the curve through what was measured.
        expected: of each factor, times the clips there are.
    """

    law: PowerLaw
    expected: dict[int, Expected]


def outlook(points: Sequence[Point], method: str, groups: np.ndarray, seed: int) -> Outlook | str:
    """The power law of a method's errors and what it says of `FACTORS` times the clips; or why there is none.

    The interval is from drawing anew, with replacement, both the draws (their numbers, for all sizes together) and the
    tested groups, and fitting again, see `evaluation.effective_size`; so is the band of what is gained, a share of the
    tested clips that are then right. They do not hold what a power law may be wrong in.

    Args:
        points: from `measure`.
        method: of `METHODS`.
        groups: `(T,)`, tested clips of one are drawn together.
        seed: of the resampling.
    """
    each = np.array([p.each for p in points])
    errors = np.array([1 - p.accuracy(method) for p in points])
    if errors[-1] == 0:
        return "all tested clips are labelled right already"
    spread = _uncertain(points, method)
    try:
        law = fit(each, errors, spread)
    except ValueError as e:
        return str(e)
    rng = generator(seed, "learning curve outlook")
    member = np.unique(groups, return_inverse=True)[1]
    draws = max(len(p.hits[method]) for p in points)
    laws = []
    for weight in multiplicities(rng, RESAMPLES, member.max() + 1)[:, member]:
        again = rng.integers(draws, size=draws)
        drawn = np.array([1 - _weighted(p.hits[method], weight, again) for p in points])
        try:
            laws.append(fit(each, drawn, spread, law))
        except ValueError:  # of these clips more bring nothing
            laws.append(PowerLaw(float(drawn[-1]), 0.0, 1.0))
    return Outlook(law, {k: _expected(law, laws, float(each[-1]), k, np.bincount(member)) for k in FACTORS})


def _expected(law: PowerLaw, resampled: Sequence[PowerLaw], now: float, factor: int, counts: np.ndarray) -> Expected:
    """What `law` says of `factor` times `now` clips, tested on groups of `counts` `(G,)`, and how sure that is."""
    then = np.array([1 - other.error(factor * now) for other in resampled])
    gains = np.array([other.error(now) - other.error(factor * now) for other in resampled])
    gain = law.error(now) - law.error(factor * now)
    value = 1 - law.error(factor * now)
    basis = Basis(float(counts.sum()), counts)
    return Expected(value, *of_draws(value, then, basis), gain, *of_draws(gain, gains, basis))


def _weighted(hits: np.ndarray, weight: np.ndarray, again: np.ndarray) -> float:
    """Accuracy with tested clips of these weights; of all clips there is one draw, which stays."""
    shares = hits @ weight / weight.sum()
    return float(shares[again].mean() if len(shares) > 1 else shares[0])


def _uncertain(points: Sequence[Point], method: str) -> np.ndarray:
    """The standard error of each point: of the tested clips, and of the draws that its mean is over."""
    found, spread = [], 0.0
    for p in points:
        means = p.hits[method].mean(1)
        spread = float(means.std(ddof=1)) if len(means) > 1 else spread  # of one draw that of the next smaller size
        share, tested = p.accuracy(method), p.hits[method].shape[1]
        sampled = max(share * (1 - share), 0.25 / tested) / tested
        found.append(np.sqrt(sampled + spread**2 / len(means)))
    return np.array(found)
