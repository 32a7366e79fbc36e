"""Events on a grid of frames: which labels are active in which frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from audioft.annotations.event import Event

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


def times_by_label(labels: Sequence[str], events: Iterable[Event], name: str = "") -> dict[int, np.ndarray]:
    """The times of the events of each label that has any.

    Args:
        labels: the labels there may be.
        events: in any order.
        name: of the recording, for the message.

    Returns:
        For the number of a label its events' starts and ends in seconds, `(K, 2)` float64, in the order given.

    Raises:
        ValueError: an event has another label.

    >>> times_by_label(("cat", "dog"), [Event("dog", 0.0, 1.5)])
    {1: array([[0. , 1.5]])}
    """
    numbers = {label: c for c, label in enumerate(labels)}
    times: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for e in events:
        if e.label not in numbers:
            raise ValueError(f"{name or 'events'}: label {e.label!r} is not among those compared: {', '.join(labels)}")
        times[numbers[e.label]].append((e.start, e.end))
    return {c: np.array(t, dtype=np.float64) for c, t in times.items()}


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
