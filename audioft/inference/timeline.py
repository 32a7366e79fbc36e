"""What a model says of a recording over time: windows as they come, and one score for every moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from audioft.annotations.event import Event
from audioft.annotations.segments import Segmenter, segments
from audioft.audio.hearing import Hearing
from audioft.errors import AudioError
from audioft.evaluation.labelling.window_scores import WindowScores
from audioft.inference.label_summary import LabelSummary, Tally


@dataclasses.dataclass(frozen=True)
class Scores:
    """Scores of K stretches that follow one another.

    Attributes:
        starts, ends: `(K,)` float64, seconds from the recording's beginning.
        scores: `(K, C)` float64 probabilities.
    """

    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    @staticmethod
    def joined(parts: Iterable[Scores], labels: int) -> Scores:
        """Several one after the other; of none, nothing of `labels` columns."""
        parts = list(parts)
        if not parts:
            return Scores(np.zeros(0), np.zeros(0), np.zeros((0, labels)))
        return Scores(*map(np.concatenate, zip(*((p.starts, p.ends, p.scores) for p in parts), strict=True)))


def stretches(window: WindowScores, seconds_per_frame: float) -> Scores:
    """A window's scores with their times: the window itself, or each of its frames.

    A frame lasts as long as the encoder's stride; the last one reaches to the end of its window.
    """
    assert window.scores is not None
    count = len(window.scores)
    starts = window.start + seconds_per_frame * np.arange(count)
    return Scores(starts, np.append(starts[1:], window.end), window.scores)


class Averager:
    """Overlapping windows become one score for every moment: the mean of all that cover it.

    Works on what arrives: a moment's score is given once no later window can cover it.

    >>> averager = Averager()
    >>> first = averager.add(Scores(np.array([0.0]), np.array([2.0]), np.array([[0.2]])))
    >>> second = averager.add(Scores(np.array([1.0]), np.array([3.0]), np.array([[0.6]])))
    >>> rest = averager.finish()
    >>> len(first), second.ends.tolist(), rest.ends.tolist(), rest.scores.round(3).tolist()
    (0, [1.0], [2.0, 3.0], [[0.4], [0.6]])
    """

    def __init__(self) -> None:
        self._open: list[Scores] = []
        self._done = 0.0

    def add(self, window: Scores) -> Scores:
        """Take the next window, which begins no earlier than the one before it; what is certain by now."""
        certain = self._until(float(window.starts[0]))
        self._open = [w for w in self._open if w.ends[-1] > self._done]
        self._open.append(window)
        return certain

    def finish(self) -> Scores:
        """What is left after the last window."""
        return self._until(max((float(w.ends[-1]) for w in self._open), default=0.0))

    def _until(self, time: float) -> Scores:
        if not self._open or time <= self._done:
            return Scores.joined([], self._open[0].scores.shape[1] if self._open else 0)
        edges = np.unique(
            np.concatenate([[self._done, time], *(w.starts for w in self._open), *(w.ends for w in self._open)])
        )
        edges = edges[(edges >= self._done) & (edges <= time)]
        # times of different windows may differ by rounding where they mean the same sample
        edges = edges[np.append(True, np.diff(edges) > 1e-6)]
        starts, ends = edges[:-1], edges[1:]
        middles = (starts + ends) / 2
        total, count = np.zeros((len(middles), self._open[0].scores.shape[1])), np.zeros((len(middles), 1))
        for w in self._open:
            inside = (middles >= w.starts[0]) & (middles < w.ends[-1])
            total[inside] += w.scores[np.searchsorted(w.starts, middles[inside], side="right") - 1]
            count[inside] += 1
        self._done = time
        covered = count[:, 0] > 0
        return Scores(starts[covered], ends[covered], (total / np.maximum(count, 1))[covered])


@dataclasses.dataclass(frozen=True)
class Rules:
    """How scores over time become events.

    Attributes:
        thresholds: `(C,)` scores from which on a label begins.
        release: share of the threshold, above 0 to 1, down to which it goes on.
        min_seconds: what is shorter is left out.
        close_gaps: gaps up to so many seconds are closed before.
        skip: labels that are no events (a model's background).
    """

    thresholds: tuple[float, ...]
    release: float = 0.8
    min_seconds: float = 0.0
    close_gaps: float = 0.0
    skip: tuple[str, ...] = ()

    @classmethod
    def of(cls, thresholds: Sequence[float], how: Mapping[str, float] | None, skip: tuple[str, ...] = ()) -> Rules:
        """From what a model folder holds: `how` has any of `release`, `min_seconds` and `close_gaps`."""
        given: dict[str, Any] = dict(how or {})
        return cls(tuple(float(t) for t in thresholds), skip=skip, **given)

    def but(self, threshold: float | None = None, **how: float | None) -> Rules:
        """These, with what is given (and not None) in its place; `threshold` is that of all labels."""
        given: dict[str, Any] = {k: v for k, v in how.items() if v is not None}
        if threshold is not None:
            given["thresholds"] = (float(threshold),) * len(self.thresholds)
        return dataclasses.replace(self, **given)

    def segmenter(self, labels: tuple[str, ...]) -> Segmenter:
        """What finds events of these labels in scores as they come."""
        return Segmenter(labels, **vars(self))

    def segments(self, moments: Scores, labels: tuple[str, ...]) -> list[Event]:
        """The events in scores that follow one another, sorted by start."""
        return segments(moments.starts, moments.ends, moments.scores, labels, **vars(self))


@dataclasses.dataclass(frozen=True, repr=False)
class Timeline:
    """A whole recording's scores over time.

    Attributes:
        path: the recording as it was given.
        labels: the C labels, in the order of the scores.
        windows: the scores of each window as the model gave them, overlapping if the hop is shorter than the window;
            of a model that labels frames, those of each frame.
        moments: scores that follow one another without overlap, the mean of the windows that cover each moment.
        seconds: up to where the recording was heard.
        error: why it breaks off there; None if it does not.
        rules: how its scores become events.
        hearing: how it reached the encoder; None as it is.

    >>> moments = Scores(np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([[0.1, 0.9], [0.7, 0.2]]))
    >>> timeline = Timeline("a.wav", ("bird", "rain"), moments, moments, 2.0, None, Rules((0.5, 0.5)))
    >>> timeline.segments()
    [Event(label='rain', start=0.0, end=1.0, score=0.9), Event(label='bird', start=1.0, end=2.0, score=0.7)]
    """

    path: str
    labels: tuple[str, ...]
    windows: Scores
    moments: Scores
    seconds: float
    error: AudioError | None
    rules: Rules
    hearing: Hearing | None = None

    def __repr__(self) -> str:
        breaks = "" if self.error is None else ", breaks off"
        told = f"{self.seconds:.1f} s{breaks}, {len(self.moments)} moments, {len(self.labels)} labels"
        return f"<Timeline of {self.path}: {told}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the scores and segments as a picture."""
        from audioft.inference.picture import in_page

        m = self.moments
        return in_page(self.path, self.labels, (m.starts, m.ends, m.scores), self.segments(), self.error, self.hearing)

    def segments(
        self,
        threshold: float | None = None,
        *,
        release: float | None = None,
        min_seconds: float | None = None,
        close_gaps: float | None = None,
    ) -> list[Event]:
        """What happens when; see `Rules` for the arguments, by default the model's own.

        Args:
            threshold: for all labels.
            release: share of the threshold down to which an event goes on.
            min_seconds: what is shorter is left out.
            close_gaps: gaps up to so many seconds are closed before.

        Returns:
            Events sorted by start, each with the highest score in it; none of the model's background.
        """
        rules = self.rules.but(threshold, release=release, min_seconds=min_seconds, close_gaps=close_gaps)
        return rules.segments(self.moments, self.labels)

    def summary(self, threshold: float | None = None, **how: float | None) -> tuple[LabelSummary, ...]:
        """What the recording holds of each label, in their order: seconds, share, segments, scores, first and last.

        Args:
            threshold, how: as for `segments`.

        Returns:
            One a label, of those too that never happen; none where nothing could be heard. `mean` is that of `windows`.

        >>> moments = Scores(np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([[0.1, 0.9], [0.7, 0.2]]))
        >>> timeline = Timeline("a.wav", ("bird", "rain"), moments, moments, 2.0, None, Rules((0.5, 0.5)))
        >>> [(s.label, s.seconds, s.segments, s.first) for s in timeline.summary()]
        [('bird', 1.0, 1, 1.0), ('rain', 1.0, 1, 0.0)]
        """
        if not len(self.windows):
            return ()
        rules = self.rules.but(threshold, **how)
        tally = Tally(self.labels, rules.skip)
        tally.scores(self.moments.scores)
        tally.events(rules.segments(self.moments, self.labels))
        return tally.summaries(self.windows.scores.mean(0), self.seconds)
