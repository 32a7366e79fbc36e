"""Whether several models together are better than one, by what each said of clips that it did not learn.

Members are chosen greedily, each the one that lowers the log loss of the mean most (Caruana et al. 2004, "Ensemble
selection from libraries of models"). What is chosen to be good on some clips looks good on them: so members are chosen
anew in each resampling of the groups and measured on the groups that were not drawn. Single ones and means are compared
after a temperature of their own: a mean of models that are each as sure as they may be is less sure than it may be.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audioft.core.runtime import generator
from audioft.evaluation.intervals import multiplicities
from audioft.evaluation.predictions import Predictions, tempered

RESAMPLES = 200
CANDIDATES = 20  # that are least in loss alone; more cost time and add none
TINY = 1e-12


@dataclass(frozen=True)
class Joint:
    """Models that may be joined.

    Attributes:
        members: their numbers, the single one first; it alone where none adds anything.
        gain: how much less the log loss of their mean is than that of the single one, on clips that had no part in the
            choice.
        low, high: of it, 95 %.
        right: how many of 100 clips more are right, likewise; nan where clips have several labels.
    """

    members: tuple[int, ...]
    gain: float
    low: float
    high: float
    right: float

    @property
    def pays(self) -> bool:
        """Whether it is better beyond chance, and no fewer clips are right."""
        return len(self.members) > 1 and self.low > 0 and not self.right < 0


def choose(said: Mapping[int, Predictions], single: int, most: int, seed: int) -> Joint:
    """Which models to join.

    Args:
        said: by number, what each model said; of those clips that all of them speak of.
        single: the number of the model that is taken otherwise.
        most: how many are joined, at most.
        seed: of the resampling.
    """
    numbers, shared = _shared(said, single)
    first = said[single]
    rows = [_rows(said[n], shared) for n in numbers]
    own = first.targets[rows[0]], first.known[rows[0]], first.multilabel
    scores = np.stack([tempered(said[n].scores[r], *own) for n, r in zip(numbers, rows, strict=True)])
    alone = np.array([_losses(s, *own).mean() for s in scores])
    kept = [0, *(int(i) for i in alone.argsort(kind="stable") if i)][:CANDIDATES]
    numbers, scores = [numbers[i] for i in kept], scores[kept]
    groups = np.unique([str(g) for g in np.array(first.groups(), object)[rows[0]]], return_inverse=True)[1]
    together = functools.cache(lambda chosen: tempered(scores[list(chosen)].mean(0), *own))
    members = _greedy(scores, np.ones(len(groups)), own, most)
    gains, right = [], []
    for drawn in multiplicities(generator(seed, "auto", "joint"), RESAMPLES, int(groups.max()) + 1)[:, groups]:
        out = drawn == 0
        if not out.any():
            continue
        chosen = _greedy(scores, drawn.astype(float), own, most)
        joint, parts = together(tuple(chosen))[out], (own[0][out], own[1][out], own[2])
        gains.append(float(np.nanmean(_losses(scores[0][out], *parts)) - np.nanmean(_losses(joint, *parts))))
        right.append(_right(joint, *parts) - _right(scores[0][out], *parts))
    if not gains:
        return Joint((single,), 0.0, 0.0, 0.0, float("nan"))
    low, high = np.quantile(gains, [0.025, 0.975])
    found = tuple(numbers[i] for i in members)
    return Joint(found, float(np.mean(gains)), float(low), float(high), float(np.mean(right)))


def mean(said: Mapping[int, Predictions], members: Sequence[int]) -> Predictions:
    """What members say together of the clips that all of them speak of."""
    numbers, shared = _shared({n: said[n] for n in members}, members[0])
    first, rows = said[members[0]], [_rows(said[n], shared) for n in numbers]
    scores = np.mean([said[n].scores[r] for n, r in zip(numbers, rows, strict=True)], axis=0)
    own = first.targets[rows[0]], first.known[rows[0]], [first.clips[i] for i in rows[0]]
    return Predictions(first.labels, first.multilabel, scores, *own)


def _greedy(scores: np.ndarray, weights: np.ndarray, own: tuple[np.ndarray, np.ndarray, bool], most: int) -> list[int]:
    """Positions of members of scores `(T, N, C)`: the first, and each next one that lowers the weighted loss."""
    chosen, total = [0], scores[0]
    best = _weighted(total, weights, own)
    while len(chosen) < min(most, len(scores)):
        left = [i for i in range(len(scores)) if i not in chosen]
        tried = [_weighted((total + scores[i]) / (len(chosen) + 1), weights, own) for i in left]
        least = int(np.argmin(tried))
        if not tried[least] < best:
            break
        best, total = tried[least], total + scores[left[least]]
        chosen.append(left[least])
    return chosen


def _weighted(scores: np.ndarray, weights: np.ndarray, own: tuple[np.ndarray, np.ndarray, bool]) -> float:
    each = _losses(scores, *own)
    there = np.isfinite(each)
    return float(np.average(each[there], weights=np.maximum(weights[there], TINY)))


def _losses(scores: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> np.ndarray:
    """The log loss of each clip, `(N,)`; nan where nothing is known of it."""
    if not multilabel:
        return -np.log(np.maximum((scores * targets).sum(1), TINY))
    p = np.clip(scores, TINY, 1 - TINY)
    terms = np.where(known, -(targets * np.log(p) + (1 - targets) * np.log(1 - p)), 0.0)
    count = known.sum(1)
    return np.where(count > 0, terms.sum(1) / np.maximum(count, 1), np.nan)


def _right(scores: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> float:
    """How many of 100 clips are labelled right."""
    return float("nan") if multilabel else 100 * float((scores.argmax(1) == targets.argmax(1)).mean())


def _shared(said: Mapping[int, Predictions], single: int) -> tuple[list[int], list[tuple[str, object, object]]]:
    """The models, the single one first, and the clips that all of them speak of, by path and times."""
    numbers = [single, *sorted(n for n in said if n != single)]
    keys = set.intersection(*(set(_keys(said[n])) for n in numbers))
    return numbers, [k for k in _keys(said[single]) if k in keys]


def _rows(own: Predictions, shared: Sequence[tuple[str, object, object]]) -> np.ndarray:
    place = {key: i for i, key in enumerate(_keys(own))}
    return np.array([place[key] for key in shared], np.int64)


def _keys(own: Predictions) -> list[tuple[str, object, object]]:
    return [(str(c["path"]), c["start"], c["end"]) for c in own.clips]
