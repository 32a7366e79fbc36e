"""When and where each of many recordings was made, whatever says it, and what is told of those where nothing does."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audioft.core.places import PathLike
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.data.inputs import digest
from audioft.data.recorded import from_headers, from_names
from audioft.data.recorded.began import Began
from audioft.data.recorded.row_names import WITHIN
from audioft.data.recorded.tables import SHOWN, Table, some
from audioft.errors import UsageError

UNKNOWN = "unknown"
#: What `site` may say besides a column.
NAME, FOLDER = "name", "folder"
#: By how much a name and a header may differ before it is told.
SAME = dt.timedelta(minutes=1)
_REMEDY = "name them as SITE_20240131_053000.wav, or give a table with --recorded (columns file_name and datetime)"


@dataclasses.dataclass(frozen=True)
class Recorded:
    """When and where a recording was made.

    Attributes:
        began: None where nothing says it.
        site: `unknown` where nothing says it.
    """

    began: Began | None = None
    site: str = UNKNOWN

    def clock(self, seconds: float) -> str:
        """The clock time so many seconds after its beginning, as ISO 8601; empty where that is not known."""
        return "" if self.began is None else self.began.after(seconds)


class Calendar:
    """When and where recordings were made: a table says it first, then their names, then their headers.

    Args:
        table: see `Table`; None for none.
        time_column: of the table.
        site: `name` for what stands before the time in a file's name, `folder` for the folder it lies in, or a column
            of the table; None for the first of column, name and folder that says one.

    Raises:
        UsageError, DataError: see `Table`; a column without a table.
    """

    def __init__(self, table: PathLike | None = None, time_column: str | None = None, site: str | None = None):
        own = site not in (None, NAME, FOLDER)
        if table is None and (time_column is not None or own):
            option = f"--time-column {time_column}" if time_column is not None else f"--site {site}"
            more = " (or say --site name or --site folder)" if time_column is None else ""
            raise UsageError(f"{option} is a column of a table; give the table with --recorded{more}")
        self._table = None if table is None else Table(table, time_column, site if own else None)
        self._site, self._own = site, own
        self._found: dict[str, Recorded] = {}
        asked = {"recorded": None if table is None else digest(Path(table)), "time_column": time_column, "site": site}
        self._asked = {k: v for k, v in asked.items() if v is not None}

    @property
    def table(self) -> Path | None:
        """The file that says when and where recordings were made."""
        return None if self._table is None else self._table.path

    def made(self) -> dict[str, Any]:
        """What it was asked, which decides about what it says."""
        return self._asked

    def read(self, clips: Sequence[Clip], told: str | None = "", need: str | None = None) -> list[str]:
        """Look recordings up.

        Args:
            clips: all of them.
            told: what becomes of those whose time is not known, for the message; None for nothing to be told of times.
            need: an option that is of no use where no time is known; None for none.

        Returns:
            Sentences for the user, each of all recordings it is about.

        Raises:
            UsageError: no recording has a time, and one is needed.
        """
        found = [] if self._table is None else self._table.notes.copy()
        said = [None] * len(clips) if self._table is None else self._table.of(clips, found)
        named = from_names.times([clip.name for clip in clips])
        headers = [from_headers.time(clip.path) for clip in clips]
        whens: list[Began | None] = []
        differing: list[tuple[Clip, Began, Began]] = []
        for clip, row, name, header in zip(clips, said, named, headers, strict=True):
            given = row.began if row is not None else None
            if given is None and name is not None and name.timed and header is not None and _apart(name, header):
                differing.append((clip, name, header))
            whens.append(given or _better(name, header))
        for clip, when, row in zip(clips, whens, said, strict=True):
            self._found[clip.name] = Recorded(when, self._place(clip, row.site if row is not None else ""))
        notes = [] if self._table is None else [f"{self._table.path}: {note}" for note in found]
        if self._table is not None and (missing := [c for c, row in zip(clips, said, strict=True) if row is None]):
            notes.append(
                f"{self._table.path} has no row of {some(missing, len(clips))}; names and headers tell of them"
            )
        return notes + ([] if told is None else self._times(clips, whens, differing, told, need))

    def of(self, clip: Clip) -> Recorded:
        """What is known of a recording that was looked up."""
        return self._found.get(clip.name, Recorded())

    def _place(self, clip: Clip, column: str) -> str:
        if self._own or (self._site is None and column):
            return column or UNKNOWN
        found = "" if self._site == FOLDER else from_names.site(clip.name)
        if not found and self._site != NAME:
            above = (part.name for part in clip.path.parents)
            found = next((name for name in above if name and not WITHIN.fullmatch(name)), "")
        return found or UNKNOWN

    def _times(
        self,
        clips: Sequence[Clip],
        whens: Sequence[Began | None],
        differing: Sequence[tuple[Clip, Began, Began]],
        told: str,
        need: str | None,
    ) -> list[str]:
        """What is to be told of times: none, no hour, two of them, zones."""
        without = [clip for clip, when in zip(clips, whens, strict=True) if when is None]
        days = [clip for clip, when in zip(clips, whens, strict=True) if when is not None and not when.timed]
        if need is not None and clips and len(without) == len(clips):
            names = ", ".join(clip.name for clip in clips[:SHOWN])
            more = ", ..." if len(clips) > SHOWN else ""
            raise UsageError(
                f"{need} needs the time at which recordings begin, and neither a name nor a header says one of any of "
                f"{counted(len(clips), 'recording')} ({names}{more}); {_REMEDY}"
            )
        notes = []
        if without:
            notes.append(f"{some(without, len(clips))} say no time, neither by name nor header{told}; {_REMEDY}")
        if days:
            notes.append(f"{some(days, len(clips))} say a day and no time of day{told}")
        if differing:
            clip, name, header = differing[0]
            zone = "; perhaps of another time zone" if _zones_apart(name, header) else ""
            notes.append(
                f"{some([d[0] for d in differing], len(clips))} have another time in their headers than in their "
                f"names, which are taken ({clip.name}: {header.at.isoformat()} in the header{zone})"
            )
        zones = {when.at.utcoffset() for when in whens if when is not None and when.timed}
        if len(zones) > 1:
            offsets = sorted("none" if z is None else _offset(z) for z in zones)
            notes.append(f"the times are of several zones ({', '.join(offsets)}); none is converted")
        return notes


def _better(name: Began | None, header: Began | None) -> Began | None:
    """That of the name, where it says more than the day."""
    return name if name is not None and (name.timed or header is None or header.at.date() != name.at.date()) else header


def _apart(name: Began, header: Began) -> bool:
    """Whether two say another moment; where only one has a zone, both are taken for clocks of it."""
    if name.at.tzinfo is not None and header.at.tzinfo is not None:
        return abs(name.at - header.at) > SAME
    return abs(_clock(name) - _clock(header)) > SAME


def _clock(began: Began) -> dt.datetime:
    return began.at.replace(tzinfo=None)


def _zones_apart(name: Began, header: Began) -> bool:
    away = abs(_clock(name) - _clock(header))
    quarter = dt.timedelta(minutes=15)
    return away <= dt.timedelta(hours=14) and min(away % quarter, quarter - away % quarter) <= SAME


def _offset(away: dt.timedelta) -> str:
    sign, minutes = "-" if away < dt.timedelta() else "+", round(abs(away).total_seconds() / 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
