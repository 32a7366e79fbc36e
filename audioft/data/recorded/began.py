"""The moment at which a recording begins, as its recorder's clock has it."""

from __future__ import annotations

import dataclasses
import datetime as dt

#: Years that a recorder's clock may say; one that was never set says 1970 or 1980.
YEARS = range(1990, 2100)


@dataclasses.dataclass(frozen=True, slots=True)
class Began:
    """When a recording begins.

    Attributes:
        at: the clock time, with a zone where one is said and without where none is; nothing is converted.
        timed: False where only the day is known, and `at` is its midnight.

    >>> Began(dt.datetime(2024, 1, 31, 5, 30)).after(90.5)
    '2024-01-31T05:31:30.500'
    """

    at: dt.datetime
    timed: bool = True

    def after(self, seconds: float) -> str:
        """The clock time so many seconds later, as ISO 8601 writes it, to the millisecond; empty without a time."""
        if not self.timed:
            return ""
        return (self.at + dt.timedelta(milliseconds=round(1000 * seconds))).isoformat(timespec="milliseconds")


def moment(
    day: tuple[int, int, int], time: tuple[int, int, float] | None, zone: str | None = None, half: str | None = None
) -> Began | None:
    """A moment of its parts; None where there is no such day, or a year that no recorder's clock says.

    Args:
        day: year, month, day.
        time: hours, minutes, seconds; where there is no such time, only the day is known.
        zone: `Z`, or as `+10:00`, `-0330` and `+10`; one that cannot be is none.
        half: `a` or `p`, of clocks that count to twelve.

    >>> moment((2024, 1, 31), (5, 30, 0.0), "+1000").at.isoformat()
    '2024-01-31T05:30:00+10:00'
    >>> moment((2024, 13, 1), (5, 30, 0.0))
    >>> moment((2024, 1, 31), (25, 0, 0.0)).timed
    False
    """
    if day[0] not in YEARS:
        return None
    try:
        midnight = dt.datetime(*day)
    except ValueError:
        return None
    if time is None:
        return Began(midnight, timed=False)
    hours, minutes, seconds = time
    if half is not None:
        hours = hours % 12 + 12 * (half.lower() == "p") if 1 <= hours <= 12 else 99
    if hours > 23 or minutes > 59 or seconds >= 60:
        return Began(midnight, timed=False)
    length = dt.timedelta(hours=hours, minutes=minutes, microseconds=round(1e6 * seconds))
    return Began((midnight + length).replace(tzinfo=zone_of(zone)))


def zone_of(text: str | None) -> dt.timezone | None:
    """A zone as it is written; None for none, and for an offset that no zone has.

    >>> zone_of("Z"), zone_of("-0330"), zone_of("+9999")
    (datetime.timezone.utc, datetime.timezone(datetime.timedelta(days=-1, seconds=73800)), None)
    """
    if not text:
        return None
    if text.upper() == "Z":
        return dt.UTC
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours * 60 + minutes > 14 * 60 or minutes % 15:
        return None
    away = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-away if text[0] == "-" else away) if away else dt.UTC
