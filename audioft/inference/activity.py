"""What is heard by hour of the day, day and site, beside how long was recorded there and then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audioft.annotations.event import Event
from audioft.core.registry import suggest
from audioft.data.recorded.calendar import UNKNOWN, Recorded
from audioft.errors import UsageError
from audioft.inference.recording_events import Step

HOUR = 3600.0
#: What may be summed up by.
BY = ("hour", "day", "site")


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
        """What it brings, once it ends after so many seconds; nothing where nothing was heard."""
        if seconds <= 0:
            return []
        hours = self._hours
        return [
            Part(hours.cell(number), end - start, *self._here(number))
            for number, start, end in hours.divided(0.0, seconds)
        ]


class Activity:
    """How long each label is heard by hour of the day, day and site, and how long was recorded.

    Args:
        labels: the labels that are counted: all of a model but its background.

    Attributes:
        failures: recordings that could not be heard to their end, and inputs that led to none, with the reason.

    >>> activity = Activity(("bird",))
    >>> for path in ("a.wav", "b.wav"):
    ...     part = Part(Cell("wood", "2024-01-31", "05"), 60.0, np.array([6.0]), np.array([2]), np.array([0.9]))
    ...     activity.add(path, [part])
    >>> activity.rows("hour")
    [{'hour': '05', 'label': 'bird', 'recorded': 120.0, 'seconds': 12.0, 'share': 0.1, 'segments': 4, 'score': 0.9, \
'recordings': 2}]
    """

    def __init__(self, labels: Sequence[str]):
        self.labels = tuple(labels)
        self.cells: dict[Cell, np.ndarray] = {}  # rows: recorded, seconds, segments, score; (4, C)
        self._recordings: dict[Cell, set[str]] = {}
        self.failures: list[tuple[str, str]] = []

    def __repr__(self) -> str:
        recordings = set[str]().union(*self._recordings.values())
        recorded = sum(float(found[0, 0]) for found in self.cells.values())
        return f"<Activity of {len(self.labels)} labels in {len(recordings)} recordings, {recorded:.1f} s>"

    def add(self, path: str, parts: Iterable[Part]) -> None:
        """What a recording brings."""
        for part in parts:
            self._join(self.cells, part.cell, np.array([np.full(len(self.labels), part.recorded), *part[2:]]))
            self._recordings.setdefault(part.cell, set()).add(path)

    @staticmethod
    def _join(into: dict[Any, np.ndarray], key: Any, found: np.ndarray) -> None:
        here = into.setdefault(key, np.zeros_like(found))
        here[:3] += found[:3]
        np.maximum(here[3], found[3], out=here[3])

    def rows(self, by: str | Sequence[str]) -> list[dict[str, Any]]:
        """A row a label and hour, day or site (or what is asked for together), of all that were recorded.

        Args:
            by: `hour`, `day`, `site`, or several of them: a list, or as `site,hour`.

        Returns:
            What is summed up by, `label`; `recorded`, the seconds that were recorded; `seconds` of the label, `share`
            of those recorded, `segments` that begin there, the highest `score`, and the number of `recordings`. Where
            nothing was recorded there is no row; where a label never occurs it has one, of zeros.

        Raises:
            UsageError: it cannot be summed up by that.
        """
        wanted = summed_by(by)
        found: dict[tuple[str, ...], np.ndarray] = {}
        recordings: dict[tuple[str, ...], set[str]] = {}
        for cell, own in self.cells.items():
            key = tuple(getattr(cell, name) for name in wanted)
            self._join(found, key, own)
            recordings.setdefault(key, set()).update(self._recordings[cell])
        rows = []
        for key in sorted(found, key=lambda key: [(part == UNKNOWN, part) for part in key]):
            for label, (recorded, seconds, segments, score) in zip(self.labels, found[key].T.tolist(), strict=True):
                figures = {"recorded": recorded, "seconds": seconds, "share": seconds / recorded}
                figures |= {"segments": int(segments), "score": score, "recordings": len(recordings[key])}
                rows.append({**dict(zip(wanted, key, strict=True)), "label": label, **figures})
        return rows

    def draw(self, folder: str | Path, *, sites: bool = False) -> list[Path]:
        """Draw it into a folder as PNG: labels over the hours of the day; where there are several days, over both.

        Args:
            folder: made if it is not there.
            sites: pictures for each site.

        Returns:
            The files; none where no hour is known.
        """
        from audioft.inference.activity_chart import draw

        return draw(self.cells, self.labels, Path(folder), sites)


def summed_by(by: str | Sequence[str]) -> tuple[str, ...]:
    """What is to be summed up by.

    Raises:
        UsageError: there is none, an unknown one, or one twice.

    >>> summed_by("site, hour")
    ('site', 'hour')
    """
    wanted = tuple(part.strip() for part in by.split(",")) if isinstance(by, str) else tuple(by)
    for name in wanted:
        if name not in BY:
            raise UsageError(f"by {name!r}: recordings are summed up by hour, day or site{suggest(name, BY)}")
    if not wanted or len(set(wanted)) < len(wanted):
        raise UsageError(f"by {','.join(wanted)!r}: name each of hour, day and site once, as site,hour")
    return wanted
