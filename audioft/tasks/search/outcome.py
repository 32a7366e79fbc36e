"""Whether the best settings are better than those that the search began with, beyond chance and beyond being chosen.

The best of many trials looks better than it is, since it was chosen for that. So it is chosen anew in each resampling
of the clips, and measured on those that were not drawn (bootstrap bias corrected cross-validation; Tsamardinos,
Greasidou and Borboudakis 2018, "Bootstrapping the out-of-sample predictions for efficient and accurate
cross-validation"). Whole groups are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioft.assembly.recordings import Data
from audioft.assembly.side_scores import Descriptions
from audioft.configuration.values import LOSSES
from audioft.core.runtime import generator
from audioft.evaluation.intervals import multiplicities
from audioft.evaluation.metrics import METRICS, Tally, rises
from audioft.evaluation.predictions import Predictions
from audioft.tasks.search.trial import clip_losses

RESAMPLES = 1000


@dataclass(frozen=True)
class Said:
    """What a trial said of the clips that it was validated by.

    Attributes:
        number: of the trial.
        predictions: of all folds.
        rows: `(N,)`, which clips these are, of those that any trial was validated by.
        each: `(N,)`, the loss of each clip, where a loss is searched by; None else.
    """

    number: int
    predictions: Predictions
    rows: np.ndarray
    each: np.ndarray | None

    def figure(self, weights: np.ndarray, name: str) -> np.ndarray:
        """`(R,)`, the figure with clips of these weights `(R, N)`."""
        if self.each is not None:
            whole = weights.sum(1)
            return np.where(whole > 0, weights @ self.each / np.maximum(whole, 1e-12), np.nan)
        if not (weights.sum(1) > 0).all():
            return np.full(len(weights), np.nan)
        return METRICS[name].of(Tally(self.predictions, weights))


@dataclass(frozen=True)
class Gain:
    """How much better the settings that are chosen are than those that the search began with.

    Attributes:
        figure: what was searched by.
        higher: whether more of it is better.
        mean, low, high: the gain on clips that had no part in the choice, and its 95 % interval; above 0 is better
            whichever way the figure goes.
        seen: the difference of the two as the search saw it, which is too good.
        same: the share of resamplings in which those that the search began with were themselves the best.
    """

    figure: str
    higher: bool
    mean: float
    low: float
    high: float
    seen: float
    same: float

    @property
    def beyond_chance(self) -> bool:
        return self.low > 0


def said(folder: Path, number: int, folds: Sequence[Data], figure: str) -> Said | None:
    """What a trial said of each clip; None where that was not kept."""
    data = folds[0]
    rows, scores, each = [], [], []
    for i in range(len(folds)):
        place = folder / f"fold-{i}.npz"
        if not place.is_file():
            return None
        with np.load(place) as held:
            own, found = held["rows"], held["scores"]
        rows.append(own)
        scores.append(found)
        if figure in LOSSES:
            each.append(clip_losses(data, own, found, figure))
    index = np.concatenate(rows)
    clips = [data.manifest.clips[i] for i in index]
    m = data.manifest
    made = Predictions(
        m.labels, m.multilabel, np.concatenate(scores), data.targets[index], data.known[index], Descriptions(clips)
    )
    return Said(number, made, index, np.nan_to_num(np.concatenate(each)) if each else None)


def all_said(study: Path, numbers: Sequence[int], folds: Sequence[Data], figure: str) -> list[Said]:
    """What trials of a study said, those of which that is kept, by their numbers."""
    found = [said(study / "trials" / f"{n:04d}", n, folds, figure) for n in numbers]
    return [s for s in found if s is not None]


def gain(found: Sequence[Said], figure: str, seed: int) -> Gain | None:
    """How much the best of some trials gains over the first of them; None where that cannot be told.

    Args:
        found: the trials, that with the settings that the search began with first.
        figure: what is searched by.
        seed: of the resampling.
    """
    shared = sorted(set.intersection(*(set(s.rows.tolist()) for s in found))) if found else []
    if len(found) < 2 or len(shared) < 2:
        return None
    groups = _groups(found[0], shared)
    drawn = multiplicities(generator(seed, "search", "outcome"), RESAMPLES, int(groups.max()) + 1)[:, groups]
    higher = rises(figure)
    sign = 1.0 if higher else -1.0
    inside = np.stack([sign * s.figure(_onto(drawn, s, shared), figure) for s in found])
    outside = np.stack([sign * s.figure(_onto((drawn == 0).astype(float), s, shared), figure) for s in found])
    best = np.nan_to_num(inside, nan=-np.inf).argmax(0)
    gains = outside[best, np.arange(RESAMPLES)] - outside[0]
    gains = gains[np.isfinite(gains)]
    if not len(gains):
        return None
    low, high = np.quantile(gains, [0.025, 0.975])
    whole = [float(sign * s.figure(_onto(np.ones((1, len(shared))), s, shared), figure)[0]) for s in found]
    seen = max(w for w in whole if math.isfinite(w)) - whole[0]
    return Gain(figure, higher, float(gains.mean()), float(low), float(high), seen, float((best == 0).mean()))


def _groups(first: Said, shared: Sequence[int]) -> np.ndarray:
    """`(S,)`, numbers of the groups of the clips that all trials said something of."""
    names = dict(zip(first.rows.tolist(), first.predictions.groups(), strict=True))
    return np.unique([str(names[row]) for row in shared], return_inverse=True)[1]


def _onto(weights: np.ndarray, own: Said, shared: Sequence[int]) -> np.ndarray:
    """Weights `(R, S)` of shared clips as those of a trial's own, in their order."""
    place = {row: i for i, row in enumerate(shared)}
    out = np.zeros((len(weights), len(own.rows)))
    for i, row in enumerate(own.rows.tolist()):
        if row in place:
            out[:, i] = weights[:, place[row]]
    return out
