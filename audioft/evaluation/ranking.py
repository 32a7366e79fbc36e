"""How well scores put the positives before the negatives: area under the ROC curve and average precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioft.evaluation.ratios import ratio


def ranked(scores: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ROC AUC and average precision of one label, for R weightings of the clips at once.

    The clips are sorted once, whatever R is; clips of the same score are taken in one step, so their order
    among themselves changes nothing. AUC is the Mann-Whitney statistic: the share of (positive, negative)
    pairs in which the positive scores higher, a tie counting one half (Hanley and McNeil 1982). Average
    precision is the sum over thresholds of the gain in recall times the precision there, without
    interpolation.

    Args:
        scores: `(N,)`, any finite numbers.
        targets: `(N,)`, 0 or 1.
        weights: `(R, N)`, how often each clip counts, at least 0.

    Returns:
        AUC `(R,)`, nan where no positive or no negative has weight, and average precision `(R,)`, nan where
        no positive has.

    >>> auc, ap = ranked(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1]), np.ones((1, 3)))
    >>> auc.round(3).tolist(), ap.round(3).tolist()
    ([0.5], [0.833])
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    places = np.flatnonzero(targets[order] > 0)
    if not len(places):
        return np.full(len(weights), np.nan), np.full(len(weights), np.nan)
    total = np.cumsum(weights[:, order], axis=1)
    # only steps that hold a positive matter: where they begin among the positives and end among all
    firsts = np.flatnonzero(np.append(True, ordered[places[1:]] != ordered[places[:-1]]))
    before = np.searchsorted(-ordered, -ordered[places[firsts]], side="left") - 1
    ends = np.searchsorted(-ordered, -ordered[places[firsts]], side="right") - 1
    gained = np.add.reduceat(weights[:, order[places]], firsts, axis=1)
    hits = np.cumsum(gained, axis=1)
    reached = total[:, ends]
    beside = reached - np.where(before >= 0, total[:, before], 0.0) - gained
    positives, negatives = hits[:, -1], total[:, -1] - hits[:, -1]
    # the new positives of a step beat all negatives yet to come, and tie with those of the same step
    pairs = (gained * (negatives[:, None] - (reached - hits) + 0.5 * beside)).sum(axis=1)
    precision = ratio(hits, reached, otherwise=0.0)
    return ratio(pairs, positives * negatives), ratio((gained * precision).sum(axis=1), positives)


def frame_average_precision(scores: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> tuple[float, np.ndarray]:
    """Average precision over the frames of all recordings together, of each label and its mean.

    It is scikit-learn's, see `ranked`. Labels are looked at one by one, so that it takes at most some 120 bytes for
    each frame, however many labels there are.

    Args:
        scores: of each recording `(F, C)`, finite.
        targets: of each recording `(F, C)`, 0 or 1.

    Returns:
        The mean over the labels that are active anywhere, nan if none is; and the labels' own, `(C,)`, nan for those
        that are active nowhere.

    Raises:
        ValueError: there are no recordings, the shapes do not fit each other, or a score is not finite.

    >>> mean, labels = frame_average_precision([np.array([[0.9, 0.1], [0.2, 0.3]])], [np.array([[0, 0], [1, 0]])])
    >>> mean, labels.tolist()
    (0.5, [0.5, nan])
    """
    shapes = [(np.shape(s), np.shape(t)) for s, t in zip(scores, targets, strict=True)]
    if not shapes or any(s != t or len(s) != 2 or s[1] != shapes[0][0][1] for s, t in shapes):
        raise ValueError(f"scores and targets need to be (frames, labels) of the same labels; found {shapes[:5]}")
    precision = np.full(shapes[0][0][1], np.nan)
    for c in range(len(precision)):
        true = np.concatenate([t[:, c] for t in targets])
        said = np.concatenate([s[:, c] for s in scores])
        if not np.isfinite(said).all():
            raise ValueError(f"some scores of label {c} are not finite")
        if (true > 0).any():
            precision[c] = ranked(said, true, np.ones((1, len(said))))[1].item()
    defined = precision[np.isfinite(precision)]
    return float(defined.mean()) if len(defined) else float("nan"), precision
