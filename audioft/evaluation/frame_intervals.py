"""The interval of the average precision over frames: whole recordings are drawn anew.

A frame is no thing that stands alone: those of an event are found or missed together, and so the figure rests on the
events, see `effective_size`. What is drawn is computed of frames in classes of like scores, which are counted once for
each recording: how the figure varies does not depend on the order within a class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioft.evaluation import effective_size
from audioft.evaluation.effective_size import Basis
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.intervals import resampled
from audioft.evaluation.ratios import mean_of_defined, ratio

CLASSES = 256  # of scores, by the quantiles of those that are active, and as many by those of all
_HELD = 4_000_000  # numbers of frames, by recording and class, that are held of a label


def frame_bounds(
    mean: float,
    recordings: Sequence[Heard],
    frames: Sequence[tuple[np.ndarray, np.ndarray]],
    labels: Sequence[str],
    resamples: int,
    seed: int,
) -> tuple[float, float]:
    """The 95 % interval of the mean over labels of the average precision over frames.

    Args:
        mean: the figure, see `frame_average_precision`.
        recordings: G recordings with their events.
        frames: of each the scores `(F, C)` of its frames, and what is true of them, `(F, C)`.
        labels: the C labels.
        resamples: how often the recordings are drawn; 0 for no interval.
        seed: of the draws.

    Returns:
        Its bounds; nan for one recording, or where the figure is nan.
    """
    if not resamples or len(recordings) < 2 or not np.isfinite(mean):
        return effective_size.NONE
    drawn, once = [], []
    for c in range(len(labels)):
        active, every = _counted([s[:, c] for s, _ in frames], [t[:, c] for _, t in frames])
        if not active.any():
            continue
        once.append(_precision(active, every, np.ones((1, len(frames)))).item())
        drawn.append(_drawn(active, every, resamples, seed))
    found = mean_of_defined(np.stack(drawn, axis=-1)) - float(np.mean(once)) + mean
    happens = np.array([[sum(e.label == label for e in r.reference) for label in labels] for r in recordings], float)
    each = happens.sum(0)
    each = each[each > 0]
    return effective_size.of_draws(mean, found, Basis(len(each) ** 2 / (1 / each).sum(), happens.sum(1)))


def _drawn(active: np.ndarray, every: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    def figures(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"map": _precision(active, every, weights)}

    return resampled(figures, len(every), max(every.shape), resamples, seed)["map"]


def _counted(scores: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of one label the active frames and all frames in K classes of scores, the highest first, `(G, K)` both."""
    said, true = np.concatenate(scores), np.concatenate(targets) > 0
    most = max(8, min(CLASSES, _HELD // (4 * len(scores))))
    edges = np.unique(said)
    if len(edges) > 2 * most and true.any():
        shares = (np.arange(most) + 0.5) / most
        edges = np.unique(np.concatenate([np.quantile(x, shares, method="lower") for x in (said[true], said)]))
    classes = len(edges) + 1
    active, every = (np.zeros((len(scores), classes)) for _ in range(2))
    for row, (s, t) in enumerate(zip(scores, targets, strict=True)):
        of = classes - 1 - np.searchsorted(edges, s, side="right")
        every[row] = np.bincount(of, minlength=classes)
        active[row] = np.bincount(of, t > 0, minlength=classes)
    return active, every


def _precision(active: np.ndarray, every: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision `(R,)` of recordings weighted `(R, G)`; nan where nothing is active."""
    gained = weights @ active
    precision = ratio(np.cumsum(gained, axis=1), np.cumsum(weights @ every, axis=1), otherwise=0.0)
    return ratio((gained * precision).sum(1), gained.sum(1))
