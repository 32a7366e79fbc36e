"""Recordings divided into cells: the hours of a day at a site, by the recorders' clocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from audioft.annotations.event import Event
from audioft.data.recorded.calendar import UNKNOWN, Recorded
from audioft.inference.recording_events import Step

HOUR = 3600.0


class Cell(NamedTuple):
    """An hour of a day at a site: two digits, an ISO date and a name, each `unknown` where it is."""

    site: str
    day: str
    hour: str


class Part(NamedTuple):
    """What a recording brings to a cell.

    Attributes:
        cell: which.
        recorded: seconds of the recording within it.
        seconds: `(C,)` of each label.
        segments: `(C,)` how many begin there.
        score: `(C,)` the highest of a moment that begins there.
    """

    cell: Cell
    recorded: float
    seconds: np.ndarray
    segments: np.ndarray
    score: np.ndarray


class Hours:
    """A recording divided at the hours of its clock; into one part where its time is not known.

    >>> from audioft.data.recorded.began import Began
    >>> hours = Hours(Recorded(Began(dt.datetime(2024, 1, 31, 23, 59, 30)), "wood"))
    >>> [(hours.cell(k), end - start) for k, start, end in hours.divided(10.0, 50.0)]
    [(Cell(site='wood', day='2024-01-31', hour='23'), 20.0), (Cell(site='wood', day='2024-02-01', hour='00'), 20.0)]
    """

    def __init__(self, recorded: Recorded):
        began = recorded.began
        self._site, self._began = recorded.site, began
        self._timed = began is not None and began.timed
        self._offset = 0.0
        if began is not None and began.timed:
            at = began.at
            self._offset = 60.0 * at.minute + at.second + at.microsecond / 1e6

    def of(self, seconds: np.ndarray) -> np.ndarray:
        """The numbers of the hours in which so many seconds after its beginning lie, from 0."""
        if not self._timed:
            return np.zeros(len(seconds), int)
        return ((seconds + self._offset + 1e-6) // HOUR).astype(int)

    def divided(self, start: float, end: float) -> Iterator[tuple[int, float, float]]:
        """A stretch of seconds hour by hour: the number of the hour, and from when to when within the recording."""
        if not self._timed:
            yield 0, start, end
            return
        number = int((start + self._offset + 1e-6) // HOUR)
        while True:
            edge = HOUR * (number + 1) - self._offset
            yield number, start, min(end, edge)
            if end <= edge + 1e-6:
                return
            number, start = number + 1, edge

    def cell(self, number: int) -> Cell:
        """The cell of an hour."""
        if self._began is None:
            return Cell(self._site, UNKNOWN, UNKNOWN)
        at = self._began.at.replace(tzinfo=None)
        if not self._timed:
            return Cell(self._site, at.date().isoformat(), UNKNOWN)
        at += dt.timedelta(hours=number)
        return Cell(self._site, at.date().isoformat(), f"{at.hour:02d}")


class Following:
    """A recording on its way, divided into cells; in the memory of its hours.

    Args:
        recorded: when and where.
        labels: the C labels of the scores.
        wanted: those that are counted.
    """

    def __init__(self, recorded: Recorded, labels: Sequence[str], wanted: Sequence[str]):
        self._hours = Hours(recorded)
        self._columns = [labels.index(label) for label in wanted]
        self._at = {label: i for i, label in enumerate(wanted)}
        self._found: dict[int, np.ndarray] = {}

    def take(self, step: Step) -> None:
        """What a window brought."""
        moments = step.moments
        numbers = self._hours.of(moments.starts)
        for number in np.unique(numbers).tolist():
            highest = moments.scores[numbers == number][:, self._columns].max(0)
            here = self._here(number)
            np.maximum(here[2], highest, out=here[2])
        self._events(step.events)

    def _events(self, events: Iterable[Event]) -> None:
        for event in events:
            i = self._at[event.label]
            for n, (number, start, end) in enumerate(self._hours.divided(event.start, event.end)):
                here = self._here(number)
                here[0, i] += end - start
                here[1, i] += n == 0

    def _here(self, number: int) -> np.ndarray:
        """Seconds, segments and highest scores of an hour, `(3, C)`."""
        return self._found.setdefault(number, np.zeros((3, len(self._at))))

    def parts(self, seconds: float) -> list[Part]:
        """What it brings, once it ends after so many seconds; nothing where nothing was heard.

        To the microsecond, as tables have it: what is gone on with is the same to the bit.
        """
        if seconds <= 0:
            return []
        hours = self._hours
        return [
            Part(hours.cell(number), round(end - start, 6), *self._here(number).round(6))
            for number, start, end in hours.divided(0.0, seconds)
        ]
