"""What a recording as a whole holds of each label."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from audioft.annotations.event import Event


@dataclasses.dataclass(frozen=True)
class LabelSummary:
    """What a recording holds of a label.

    Attributes:
        label: which.
        seconds: in which it happens; 0 where it never does, None for a model's background, which is no event.
        share: of the seconds that were heard, 0 to 1; None likewise.
        segments: how often it begins; None likewise.
        score: the highest at any moment, within a segment or not.
        mean: the mean of the windows' scores, which is what the plain table says of the recording.
        first, last: where the first segment begins and the last one ends, seconds from the recording's beginning; None
            where it never happens.
    """

    label: str
    seconds: float | None
    share: float | None
    segments: int | None
    score: float
    mean: float
    first: float | None
    last: float | None


class Tally:
    """Counts what is found of each label as it comes.

    Args:
        labels: the C labels.
        skip: those that are no events.

    >>> tally = Tally(("bird", "rain"))
    >>> tally.scores(np.array([[0.9, 0.2], [0.7, 0.0]]))
    >>> tally.events([Event("bird", 1.0, 2.5)])
    >>> bird, rain = tally.summaries(np.array([0.8, 0.1]), 3.0)
    >>> bird
    LabelSummary(label='bird', seconds=1.5, share=0.5, segments=1, score=0.9, mean=0.8, first=1.0, last=2.5)
    >>> rain.seconds, rain.segments, rain.score, rain.first
    (0.0, 0, 0.2, None)
    """

    def __init__(self, labels: Sequence[str], skip: Collection[str] = ()):
        self._labels, self._skip = labels, skip
        self._at = {label: i for i, label in enumerate(labels)}
        self._highest, self._lasting = np.zeros(len(labels)), np.zeros(len(labels))
        self._count = np.zeros(len(labels), int)
        self._first, self._last = np.full(len(labels), np.inf), np.full(len(labels), -np.inf)

    def scores(self, scores: np.ndarray) -> None:
        """Scores of moments `(K, C)`."""
        if len(scores):
            np.maximum(self._highest, scores.max(0), out=self._highest)

    def events(self, events: Iterable[Event]) -> None:
        """What was found, each given once."""
        for event in events:
            i = self._at[event.label]
            self._lasting[i] += event.seconds
            self._count[i] += 1
            self._first[i], self._last[i] = min(self._first[i], event.start), max(self._last[i], event.end)

    def summaries(self, mean: np.ndarray, seconds: float) -> tuple[LabelSummary, ...]:
        """One a label, in their order.

        Args:
            mean: `(C,)` mean scores.
            seconds: that were heard.
        """
        return tuple(self._summary(i, float(mean[i]), seconds) for i in range(len(self._labels)))

    def _summary(self, i: int, mean: float, seconds: float) -> LabelSummary:
        label, highest, count = self._labels[i], float(self._highest[i]), int(self._count[i])
        if label in self._skip:
            return LabelSummary(label, None, None, None, highest, mean, None, None)
        lasting = float(self._lasting[i])
        share = lasting / max(seconds, 1e-9)
        ends = (float(self._first[i]), float(self._last[i])) if count else (None, None)
        return LabelSummary(label, lasting, share, count, highest, mean, *ends)
