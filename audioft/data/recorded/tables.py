"""When and where recordings were made, as a table says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from audioft.core.places import PathLike
from audioft.core.registry import suggest
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.data.recorded import cells
from audioft.data.recorded.began import Began
from audioft.data.recorded.row_names import RowNames
from audioft.data.tables import Row, columns_of, file_column, read_table
from audioft.errors import DataError, Problem, UsageError

#: Columns that are taken without being named, in any case and whatever joins their words; the first that is there.
_TIMES = (
    "datetime",
    "timestamp",
    "recordedat",
    "recordingtime",
    "recordingstart",
    "starttime",
    "begindatetime",
    "began",
)
_PAIRS = (("date", "time"), ("recordingdate", "recordingtime"), ("date", "starttime"))
_SITES = ("site", "siteid", "sitename", "location", "locationid", "station", "stationid", "deployment", "plot")
SHOWN = 3  # recordings that are named


@dataclasses.dataclass(frozen=True)
class Said:
    """What a table says of a recording."""

    began: Began | None
    site: str


class Table:
    """A table with a row a recording.

    Args:
        path: a `.csv`, `.tsv` or `.jsonl` file with a column of recordings, as `file_name`.
        time_column: that of the times, or two as `date+time`; by default one of well-known names.
        site_column: that of the sites, likewise.

    Attributes:
        notes: how it was understood, where that is not plain.

    Raises:
        UsageError: there is no such table or column, or none of times and none of sites.
        DataError: rows that cannot be read, all at once.
    """

    def __init__(self, path: PathLike, time_column: str | None = None, site_column: str | None = None):
        self.path, self.notes = Path(path), list[str]()
        rows = read_table(self.path, "a row a recording, with file_name and datetime")
        columns = columns_of(rows)
        when = _columns(self.path, "--time-column", time_column, columns)
        where = _columns(self.path, "--site", site_column, columns)
        if not when and time_column is None:
            known = {_plain(c): c for c in reversed(columns)}
            when = next(([known[t]] for t in ("datetime", "timestamp") if t in known), [])
            when = when or next(([known[d], known[t]] for d, t in _PAIRS if d in known and t in known), [])
            when = when or next(([known[t]] for t in _TIMES if t in known), [])
        if not where and site_column is None:
            known = {_plain(c): c for c in reversed(columns)}
            where = next(([known[s]] for s in _SITES if s in known), [])
        if not when and not where:
            raise UsageError(
                f"{path}: no column says when or where recordings were made ({', '.join(columns)}); name one with "
                "--time-column or --site"
            )
        self.times = bool(when)
        self._fill(rows, file_column(rows, path), when, where)

    def _fill(self, rows: list[Row], named: str, when: list[str], where: list[str]) -> None:
        problems: list[tuple[int, str]] = []
        texts = [" ".join(row.cells.get(c, "").strip() for c in when).strip() for row in rows]
        found = cells.times(texts, " and ".join(when), problems, self.notes)
        if problems:
            raise DataError([Problem(rows[i].where, said) for i, said in problems])
        names = [row.cells.get(named, "").strip().replace("\\", "/") for row in rows]
        if empty := [row for row, name in zip(rows, names, strict=True) if not name]:
            first = empty[0].where.removeprefix(f"{self.path} ")
            self.notes.append(f"{counted(len(empty), 'row')} without {named}, of no recording ({first})")
        kept = [i for i, name in enumerate(names) if name]
        self._said = [Said(found[i], rows[i].cells.get(where[0], "").strip() if where else "") for i in kept]
        self._names = RowNames(self.path.parent, [names[i] for i in kept])
        for numbers in self._names.places.values():
            for n in numbers:
                if self._said[n] != self._said[numbers[0]]:
                    at = kept[n]
                    raise DataError(
                        Problem(rows[at].where, "{} is in another row, with another time or site", names[at])
                    )

    def of(self, clips: Sequence[Clip], notes: list[str]) -> list[Said | None]:
        """What it says of recordings, all that there are: by their paths, or by the ends of these.

        Args:
            clips: the recordings.
            notes: is told of which of them it cannot be known whether a row is of them.
        """
        found, unclear, elsewhere = self._names.of([clip.path for clip in clips])
        said = [{self._said[n] for n in numbers} for numbers in found]
        unclear = sorted({*(i for i in unclear if not said[i]), *(i for i, own in enumerate(said) if len(own) > 1)})
        if unclear:
            notes.append(
                f"{some([clips[i] for i in unclear], len(clips))} have names that several recordings or rows have, and "
                "are not looked up; write them with their folders (A/x.wav)"
            )
        if by_name := [clips[i] for i in elsewhere if len(said[i]) == 1]:
            notes.append(
                f"{some(by_name, len(clips))} have a row by the names of their files alone, which lie in other "
                "folders there; write paths that are right where they are not the same"
            )
        return [own.pop() if len(own) == 1 else None for own in said]


def some(clips: Sequence[Clip], total: int) -> str:
    """How many of all recordings they are, with the names of the first."""
    names = ", ".join(clip.name for clip in clips[:SHOWN]) + (", ..." if len(clips) > SHOWN else "")
    return f"{len(clips)} of {counted(total, 'recording')} ({names})"


def _columns(path: str | Path, option: str, asked: str | None, columns: list[str]) -> list[str]:
    """The columns that are asked for by name, in any case; one, or several joined by `+` or a comma."""
    if asked is None:
        return []
    lower = {c.lower(): c for c in reversed(columns)}
    names = [asked] if asked.lower() in lower else [part.strip() for part in re.split("[+,]", asked)]
    for name in names:
        if name.lower() not in lower:
            raise UsageError(f"{option} {asked}: {path} has no column {name!r}{suggest(name, columns)}")
    return [lower[name.lower()] for name in names]


def _plain(column: str) -> str:
    return "".join(ch for ch in column.lower() if ch.isalnum())
