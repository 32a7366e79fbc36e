"""Scores over time become events.

Four steps, in this order, each label for itself:

1. Hysteresis: an event begins with a cell whose score reaches the threshold, goes on as long as the cells that
   touch it stay at or above threshold * release, and ends with the last of these. A hole in time ends it.
2. Gaps: two events with no more than `close_gaps` seconds between them become one.
3. Minimum: an event that is now shorter than `min_seconds` is dropped.
4. Output: an event is given once no later cell can change it.

Seconds are compared to within `TOUCHING`, so that rounding in the cells' times decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from audioft.annotations.event import Event

TOUCHING = 1e-6  # seconds; cells no further apart are contiguous
_BLOCK = 65536  # cells


class Segmenter:
    """Finds the events in scores that arrive in pieces; how they are cut makes no difference.

    What is kept is a few numbers a label, however long the recording.

    Args:
        labels: names of the C scores.
        thresholds: `(C,)` score from which on an event begins, at least 0.
        release: share of the threshold, above 0 to 1, that the score must stay at or above for the event to go on
            (hysteresis); 1 is no hysteresis.
        min_seconds: shorter events are dropped, after gaps were closed; at least 0.
        close_gaps: gaps up to so many seconds between two events of one label are closed; at least 0.
        skip: labels that are never given (the background class).

    Raises:
        ValueError: an argument is out of its range.

    >>> segmenter = Segmenter(["dog"], [0.5], release=0.8)
    >>> segmenter.push([0, 1, 2, 3], [1, 2, 3, 4], [[0.1], [0.7], [0.4], [0.1]])
    [Event(label='dog', start=1.0, end=3.0, score=0.7)]
    >>> segmenter.push([4], [5], [[0.9]]), segmenter.finish()
    ([], [Event(label='dog', start=4.0, end=5.0, score=0.9)])
    """

    def __init__(
        self,
        labels: Sequence[str],
        thresholds: ArrayLike,
        release: float = 1.0,
        min_seconds: float = 0.0,
        close_gaps: float = 0.0,
        skip: Collection[str] = (),
    ):
        limits = np.asarray(thresholds, np.float64)
        if limits.shape != (len(labels),) or not (limits >= 0).all():
            raise ValueError(f"thresholds {limits}: expected {len(labels)} numbers of at least 0, one a label")
        if not 0 < release <= 1:
            raise ValueError(f"release {release}: expected more than 0 and at most 1")
        if not (0 <= min_seconds < np.inf and 0 <= close_gaps < np.inf):
            raise ValueError(f"min_seconds {min_seconds}, close_gaps {close_gaps}: expected seconds of at least 0")
        self.labels = tuple(labels)
        self.min_seconds, self.close_gaps = float(min_seconds), float(close_gaps)
        self._columns = np.array([i for i, label in enumerate(labels) if label not in set(skip)], np.intp)
        self._high = limits[self._columns]
        self._low = self._high * release
        self._forget()

    def _forget(self) -> None:
        count = len(self._columns)
        self._until = -np.inf  # the end of the last cell
        self._on = np.zeros(count, bool)  # whether that cell was within an event
        self._kept = _Runs(np.zeros(0, np.intp), np.zeros(0), np.zeros(0), np.zeros(0))  # at most one a label

    def push(self, starts: ArrayLike, ends: ArrayLike, scores: ArrayLike) -> list[Event]:
        """Take the next cells.

        Args:
            starts: `(K,)` seconds, in order; none before the end of the cell before it.
            ends: `(K,)` seconds, exclusive; none before its start.
            scores: `(K, C)`.

        Returns:
            The events that are now certain, sorted by start and the order of the labels. Start and end are those
            of cells, the score is the highest within.

        Raises:
            ValueError: shapes that do not fit, cells out of order, times or scores that are not finite; none of
                the cells has then been taken.
        """
        starts, ends, scores = self._checked(starts, ends, scores)
        if not len(starts):
            return []
        scores = scores[:, self._columns]
        on = self._switched(starts, ends, scores)
        self._on, self._until = on[-1], float(ends[-1])
        label, cell = np.nonzero(on.T)
        cells = _Runs(label, starts[cell], ends[cell], scores[cell, label])
        runs = self._kept.followed_by(cells).joined(self.close_gaps + TOUCHING)
        # a later cell begins at the earliest TOUCHING before now, and joins what is within that and a gap; one more
        # for the rounding of these sums
        open_ = runs.is_last() & (self._until - runs.ends <= self.close_gaps + 3 * TOUCHING)
        self._kept = runs[open_]
        return self._events(runs[~open_])

    def finish(self) -> list[Event]:
        """The events that are left after the last cell; then the next recording may begin."""
        left = self._kept
        self._forget()
        return self._events(left)

    def _checked(self, starts, ends, scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        starts, ends, scores = (np.asarray(a, np.float64) for a in (starts, ends, scores))
        if starts.shape == ends.shape == (0,) and scores.size == 0:
            scores = scores.reshape(0, len(self.labels))
        if starts.ndim != 1 or ends.shape != starts.shape or scores.shape != (len(starts), len(self.labels)):
            raise ValueError(
                f"starts {starts.shape}, ends {ends.shape} and scores {scores.shape} do not fit; expected (K,), (K,) "
                f"and (K, {len(self.labels)})"
            )
        if not (np.isfinite(starts).all() and np.isfinite(ends).all() and np.isfinite(scores).all()):
            raise ValueError("times or scores are not finite")
        before = np.append(self._until, ends)[:-1]
        wrong = (ends < starts) | (starts < before - TOUCHING) | (ends < before)
        if wrong.any():
            i = int(wrong.argmax())
            after = f", after one up to {before[i]:g} s" if np.isfinite(before[i]) else ""
            raise ValueError(f"cells are out of order: one from {starts[i]:g} s to {ends[i]:g} s{after}")
        return starts, ends, scores

    def _switched(self, starts: np.ndarray, ends: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Which cells are within an event, `(K, C)` bool: step 1."""
        touches = starts - np.append(self._until, ends)[:-1] <= TOUCHING
        high = scores >= self._high
        undecided = (scores >= self._low) & ~high & touches[:, None]  # as the cell before it
        if not undecided.any():
            return high
        # of every cell the last decided one up to it; before the first of them all is as it was
        decided = np.where(undecided, -1, np.arange(len(scores))[:, None])
        last = np.maximum.accumulate(decided, axis=0)
        return np.where(last < 0, self._on, np.take_along_axis(high, np.maximum(last, 0), axis=0))

    def _events(self, runs: _Runs) -> list[Event]:
        """Steps 3 and 4."""
        runs = runs[runs.ends - runs.starts >= self.min_seconds - TOUCHING]
        runs = runs[np.lexsort((runs.labels, runs.starts))]
        names = [self.labels[i] for i in self._columns]
        columns = (runs.labels.tolist(), runs.starts.tolist(), runs.ends.tolist(), runs.scores.tolist())
        return [Event(names[i], start, end, score) for i, start, end, score in zip(*columns, strict=True)]


class _Runs:
    """Stretches `(N,)` of labels, sorted by label and start."""

    def __init__(self, labels: np.ndarray, starts: np.ndarray, ends: np.ndarray, scores: np.ndarray):
        self.labels, self.starts, self.ends, self.scores = labels, starts, ends, scores

    def __getitem__(self, which: np.ndarray) -> _Runs:
        return _Runs(self.labels[which], self.starts[which], self.ends[which], self.scores[which])

    def followed_by(self, later: _Runs) -> _Runs:
        if not len(self.labels):
            return later
        both = _Runs(
            np.concatenate([self.labels, later.labels]),
            np.concatenate([self.starts, later.starts]),
            np.concatenate([self.ends, later.ends]),
            np.concatenate([self.scores, later.scores]),
        )
        return both[np.argsort(both.labels, kind="stable")]

    def is_last(self) -> np.ndarray:
        """Whether it is the last of its label."""
        return np.append(self.labels[1:] != self.labels[:-1], True)[: len(self.labels)]

    def joined(self, gap: float) -> _Runs:
        """Neighbours of one label made one where at most `gap` seconds lie between them: step 2.

        It does for cells that touch as well, so that an event cut between two pushes is made whole here.
        """
        if not len(self.labels):
            return self
        apart = (self.labels[1:] != self.labels[:-1]) | (self.starts[1:] - self.ends[:-1] > gap)
        first = np.flatnonzero(np.append(True, apart))
        last = np.append(first[1:], len(self.labels)) - 1
        return _Runs(self.labels[first], self.starts[first], self.ends[last], np.maximum.reduceat(self.scores, first))


def segments(
    starts: ArrayLike,
    ends: ArrayLike,
    scores: ArrayLike,
    labels: Sequence[str],
    thresholds: ArrayLike,
    **how: Any,
) -> list[Event]:
    """The events in the scores of a whole recording, sorted by start and the order of the labels.

    Args and errors are those of `Segmenter`, whose further ones are `how`, and its `push`.

    >>> segments([0, 1, 2], [1, 2, 3], [[0.9], [0.1], [0.8]], ["dog"], [0.5], close_gaps=1)
    [Event(label='dog', start=0.0, end=3.0, score=0.9)]
    """
    segmenter = Segmenter(labels, thresholds, **how)
    starts, ends, scores = np.asarray(starts), np.asarray(ends), np.asarray(scores)
    events = []
    for i in range(0, max(len(starts), len(ends), len(scores)), _BLOCK):  # the working memory is that of a block
        block = slice(i, i + _BLOCK)
        events += segmenter.push(starts[block], ends[block], scores[block])
    events += segmenter.finish()
    place = {label: i for i, label in reversed(list(enumerate(labels)))}
    return sorted(events, key=lambda event: (event.start, place[event.label]))
