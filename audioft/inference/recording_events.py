"""Recordings followed from beginning to end: windows, moments, events and a summary, as they become known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from audioft.annotations.event import Event
from audioft.errors import AudioError
from audioft.evaluation.labelling.window_scores import WindowScores
from audioft.inference.label_summary import LabelSummary, Tally
from audioft.inference.prediction import NOT_FINITE
from audioft.inference.timeline import Averager, Rules, Scores, stretches


@dataclasses.dataclass(frozen=True)
class Summary:
    """A whole recording.

    Attributes:
        scores: `(C,)` probabilities, the mean of its windows'; None if nothing of it could be heard.
        seconds: up to where it was heard.
        labels: what it holds of each label, in their order; none if nothing of it could be heard.
        error: why it breaks off; None if it does not.
    """

    scores: np.ndarray | None
    seconds: float
    labels: tuple[LabelSummary, ...] = ()
    error: AudioError | None = None


@dataclasses.dataclass(frozen=True)
class Step:
    """What a window brought.

    Attributes:
        index: which recording.
        windows: of a model that labels clips, the window; of one that labels frames, the frames that are certain by
            now.
        moments: scores without overlap, as far as they are certain.
        events: what is certain to have happened, each given once.
        summary: of the recording, at its end; None before.
    """

    index: int
    windows: Scores
    moments: Scores
    events: list[Event]
    summary: Summary | None = None


def follow(
    found: Iterable[WindowScores], labels: tuple[str, ...], rules: Rules, seconds_per_frame: float, frame_level: bool
) -> Iterator[Step]:
    """Windows of several recordings, one after the other, as steps; in the memory of a few windows."""
    follower = _Follower(labels, rules, frame_level)
    for window in found:
        if window.scores is None:
            yield follower.ended(window.index, window.failure)
            follower = _Follower(labels, rules, frame_level)
        elif not np.isfinite(window.scores).all():
            follower.failure = follower.failure or AudioError("the recording", "model", NOT_FINITE)
        else:
            yield follower.heard(window, stretches(window, seconds_per_frame))


class _Follower:
    """One recording on its way."""

    def __init__(self, labels: tuple[str, ...], rules: Rules, frame_level: bool):
        self.labels, self.frame_level = labels, frame_level
        self.failure: AudioError | None = None  # of the model
        self.averager = Averager()
        self.segmenter = rules.segmenter(labels)
        self.total, self.windows, self.seconds = np.zeros(len(labels)), 0, 0.0
        self.tally = Tally(labels, rules.skip)

    def heard(self, window: WindowScores, parts: Scores) -> Step:
        assert window.scores is not None
        self.total += window.scores.mean(0)
        self.windows, self.seconds = self.windows + 1, window.end
        certain = self.averager.add(parts)
        return Step(window.index, certain if self.frame_level else parts, certain, self._events(certain))

    def ended(self, index: int, failure: AudioError | None) -> Step:
        rest = self.averager.finish()
        events = self._events(rest, last=True)
        mean = self.total / self.windows if self.windows else None
        found = () if mean is None else self.tally.summaries(mean, self.seconds)
        summary = Summary(mean, self.seconds, found, failure or self.failure)
        return Step(index, rest if self.frame_level else Scores.joined([], len(self.labels)), rest, events, summary)

    def _events(self, certain: Scores, last: bool = False) -> list[Event]:
        """What is certain to have happened with these scores, counted; after the `last` ones all that is left."""
        events = self.segmenter.push(certain.starts, certain.ends, certain.scores)
        events += self.segmenter.finish() if last else []
        self.tally.scores(certain.scores)
        self.tally.events(events)
        return events
