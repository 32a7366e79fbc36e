"""Times as people and spreadsheets write them into the cells of a column, which is read as a whole."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from audioft.data.recorded.began import YEARS, Began, moment

_CLOCK = (
    r"(?:[T ,]+(?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?P<f>[.,]\d+)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|[+-]\d\d(?::?\d\d)?))?)?"
)
_ISO = re.compile(rf"(?P<y>\d{{4}})(?P<s>[-/.]?)(?P<m>\d\d)(?P=s)(?P<d>\d\d){_CLOCK}", re.ASCII)
_COMPACT = re.compile(r"(\d{8})[T_ ]?(\d\d)(\d\d)(\d\d)(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})(?P<s>[-/.])(?P<b>\d{{1,2}})(?P=s)(?P<y>\d{{4}}){_CLOCK}", re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?", re.ASCII)  # days since 30 December 1899, as a spreadsheet counts
_PARTS = re.compile(r"(\S+)(?:[T ]0?0:00(?::00(?:\.0+)?)?)? +(\d{1,2}:\d\d.*|0|0?[.,]\d+)", re.ASCII)  # a day, a time
_SINCE = re.compile(r"\d{10}", re.ASCII)  # seconds since 1970
_EXPECTED = "expected a time as 2024-01-31T05:30:00"


def times(cells: Sequence[str], column: str, problems: list[tuple[int, str]], notes: list[str]) -> list[Began | None]:
    """The times in a column; None for an empty cell, and for a problem.

    `31/01/2024` and `01/31/2024` are read by the whole column: by those whose day is above 12. With points the day is
    first in any case. Whole days of a spreadsheet (`45322`) have a time of day, midnight, if others are not whole.

    Args:
        cells: of the column; of a column of days and one of times, both with a blank between.
        column: its name, for messages.
        problems: is told the number of a cell, from 0, and what is wrong with it.
        notes: is told how the column was understood, where that is not plain.

    >>> found = times(["31.01.2024 05:30", "45322.25", ""], "when", [], [])
    >>> [None if at is None else at.at.isoformat() for at in found]
    ['2024-01-31T05:30:00', '2024-01-31T06:00:00', None]
    """
    cells = [cell.strip() for cell in cells]
    texts = [_joined(cell) for cell in cells]
    late = [m for cell in texts if (m := _YEAR_LAST.fullmatch(cell)) and m["s"] != "."]
    first, second = (any(int(m[k]) > 12 for m in late) for k in "ab")
    found: list[Began | None] = []
    kinds: dict[str, str] = {}
    whole = not any(_SERIAL.fullmatch(text) and _number(text) % 1 for text in texts)
    for number, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        began: Began | None = None
        said = f"{cell!r} is no time; {_EXPECTED}"
        if m := _YEAR_LAST.fullmatch(text):
            day_first = m["s"] == "." or first
            began = _moment(m, int(m["b" if day_first else "a"]), int(m["a" if day_first else "b"]))
            if m["s"] != "." and first == second:
                began, said = None, _unclear(cell, column, both=first)
            elif m["s"] != ".":
                kinds.setdefault("day/month/year" if first else "month/day/year", cell)
        elif m := _ISO.fullmatch(text):
            began = _moment(m, int(m["m"]), int(m["d"]))
        elif m := _COMPACT.fullmatch(text):
            date, hours, minutes, seconds, zone = m.groups()
            day = (int(date[:4]), int(date[4:6]), int(date[6:]))
            began = moment(day, (int(hours), int(minutes), float(seconds)), zone)
            began = began if began is not None and began.timed else None
        elif _SERIAL.fullmatch(text):
            began = _sensible(Began(_day(text), timed=not whole))
        elif _SINCE.fullmatch(text):
            began = _sensible(Began(dt.datetime.fromtimestamp(int(text), dt.UTC)))
            kinds.setdefault("seconds since 1970, in UTC", cell)
        if _SERIAL.match(cell.partition(" ")[0]) and began is not None:
            kinds.setdefault("days of a spreadsheet", cell)
        found.append(began)
        if began is None and cell:
            problems.append((number, said))
    by_cell = dict(zip(cells, found, strict=True))
    for kind, cell in kinds.items():
        if (known := by_cell[cell]) is not None:
            said = known.at.isoformat() if known.timed else known.at.date().isoformat()
            notes.append(f"{column} holds {kind}: {cell!r} is {said}")
    return found


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _day(serial: str) -> dt.datetime:
    """The moment of a spreadsheet's number, to the second."""
    return dt.datetime(1899, 12, 30) + dt.timedelta(seconds=round(86400 * _number(serial)))


def _joined(cell: str) -> str:
    """A day and a time of two columns as one text: numbers of a spreadsheet as the day and the clock that they are.

    >>> _joined("45322 0.25"), _joined("31.01.2024 0,25"), _joined("2024-01-31 00:00:00 05:30")
    ('2024-01-31 06:00:00', '31.01.2024 06:00:00', '2024-01-31 05:30')
    """
    parts = _PARTS.fullmatch(cell)
    if parts is None:
        return cell
    day, time = parts.groups()
    if ":" not in time:
        seconds = round(86400 * _number(time))
        time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{_day(day).date().isoformat() if re.fullmatch(r'[0-9]{5}([.,]0+)?', day) else day} {time}"


def _sensible(began: Began) -> Began | None:
    return began if began.at.year in YEARS else None


def _unclear(cell: str, column: str, *, both: bool) -> str:
    if both:
        return f"{cell!r} may have the day or the month first, and {column} holds dates of both kinds; {_EXPECTED}"
    return f"{cell!r} may have the day or the month first, and no date in {column} tells; {_EXPECTED}"


def _moment(found: re.Match[str], month: int, day: int) -> Began | None:
    date = (int(found["y"]), month, day)
    if found["H"] is None:
        return moment(date, None)
    time = (int(found["H"]), int(found["M"]), float(f"{found['S'] or 0}{(found['f'] or '').replace(',', '.')}"))
    zone = "Z" if found["zone"] == "UTC" else found["zone"]
    began = moment(date, time, zone, found["half"])
    return began if began is not None and began.timed else None
