"""What is heard by hour of the day, day and site, beside how long was recorded there and then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core.registry import suggest
from audioft.data.recorded.calendar import UNKNOWN
from audioft.errors import UsageError
from audioft.inference.activity_cells import Cell, Part

#: What may be summed up by.
BY = ("hour", "day", "site")


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
