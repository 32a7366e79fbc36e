"""Events on the grid of a model's frames: what each frame should say, and how well its scores rank the frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from audioft.annotations.event import Event
from audioft.evaluation.event_counts import times_by_label
from audioft.evaluation.ranking import ranked

_ROUNDING = 1e-9  # seconds; times such as 0.3 are not exact


def targets_of(events: Iterable[Event], labels: Sequence[str], starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which labels are active in which frames: those whose events together cover at least half of the frame.

    What is shorter than half a frame is thus active in none.

    Args:
        events: in any order; those of a label may overlap.
        labels: the C labels of the columns.
        starts: `(F,)`, where the frames begin, in seconds.
        ends: `(F,)`, where they end, not before they begin; a frame of no length is never active.

    Returns:
        `(F, C)` float32, 0 or 1.

    Raises:
        ValueError: an event has another label, or a frame ends before it begins.

    >>> frames = np.arange(4.0)
    >>> targets_of([Event("dog", 0.5, 1.2), Event("dog", 1.1, 2.4)], ("cat", "dog"), frames, frames + 1)[:, 1].tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    starts, ends = np.asarray(starts, dtype=np.float64), np.asarray(ends, dtype=np.float64)
    if starts.shape != ends.shape or (ends < starts).any():
        raise ValueError("every frame needs a start and an end that is not before it")
    targets = np.zeros((len(starts), len(labels)), dtype=np.float32)
    for c, times in times_by_label(labels, events).items():
        edges, before = _covered(times)
        inside = np.interp(ends, edges, before) - np.interp(starts, edges, before)
        targets[:, c] = (inside > 0) & (inside >= (ends - starts) / 2 - _ROUNDING)
    return targets


def frame_average_precision(scores: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> tuple[float, np.ndarray]:
    """Average precision over the frames of all recordings together, of each label and its mean.

    It is scikit-learn's, see `ranking`. Labels are looked at one by one, so that it takes at most some 120 bytes for
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


def _covered(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges of the union of events `(K, 2)`, ascending, and how many seconds of it lie before each."""
    times = times[times[:, 1] > times[:, 0]]
    if not len(times):
        return np.zeros(1), np.zeros(1)
    times = times[np.argsort(times[:, 0], kind="stable")]
    reached = np.maximum.accumulate(times[:, 1])
    apart = times[1:, 0] > reached[:-1]
    first, last = times[np.append(True, apart), 0], reached[np.append(apart, True)]
    before = np.append(0.0, np.cumsum(last - first))
    return np.stack([first, last], axis=1).ravel(), np.repeat(before, 2)[1:-1]
