"""When a recording begins and where it was made, as the names of recorders and programs say it."""

from __future__ import annotations

import datetime as dt
import os
import re
import unicodedata
from collections.abc import Sequence

from audioft.data.recorded.began import Began, moment

_YEAR_FIRST = r"(?P<y>(?:19|20)\d\d)(?P<s>[-_.]?)(?P<m>\d\d)(?P=s)(?P<d>\d\d)"
_DAY_FIRST = r"(?P<d>\d\d)\.(?P<m>\d\d)\.(?P<y>(?:19|20)\d\d)"  # with points, which month-first dates never have
#: `$` is a Song Meter's, `-birdnet-` BirdNET-Pi's, ` at ` macOS' and WhatsApp's.
_GAP = r"(?P<gap>[Tt$]|[ _.\-]{1,3}|[ _\-]?-?birdnet-(?:RTSP_\d+-)?|[ _]at[ _]|, ?|)"
_TIME = (
    r"(?P<H>\d\d?)(?P<t>[-_.:h]?)(?P<M>\d\d)(?:(?P<u>[-_.:m]?)(?P<S>\d\d)(?P<f>[.,]\d{1,6}(?=Z?(?![0-9A-Za-z])))?s?)?(?!\d)"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
#: A minus may also lead to a number of another meaning: only four digits behind it are a zone.
_ZONE = r"(?: ?(?P<zone>[Zz]|\+\d\d(?::?\d\d)?|-\d\d:?\d\d)(?![0-9A-Za-z]))?"
_MOMENTS = [re.compile(rf"(?<!\d){day}{_GAP}{_TIME}{_ZONE}") for day in (_YEAR_FIRST, _DAY_FIRST)]
_DAYS = [re.compile(rf"(?<![0-9A-Za-z]){day}(?![0-9A-Za-z])") for day in (_YEAR_FIRST, _DAY_FIRST)]
_HEX = re.compile(r"([0-9A-F]{8})\.[A-Za-z0-9]+")  # the first AudioMoths: seconds since 1970, in UTC
_HEX_YEARS = range(2016, 2031)
_CHANNELS = re.compile(r"[_ ](?:[-+]?[01][-+][01]?[-+]?|[-+][01])$")  # `_0+1` of a Song Meter
_NO_SITE = re.compile(
    r"(?:new |my )?(?:rec(?:ording)?|audio|aud|ptt|voice(?: memo| note)?|vid(?:eo)?|whatsapp (?:audio|ptt|video)|zoom|"
    r"sound|clip|track|file|memo|note|aufnahme|r|dvr|img|pxl)[ _\-]*\d*",
    re.IGNORECASE,
)


def times(names: Sequence[str]) -> list[Began | None]:
    """When recordings begin, by their names; None where a name says nothing, or nothing that can be.

    The names of a folder are read together: eight digits of AudioMoth's first names may be a number of any kind, and
    are a time where all such names beside it can be one, and one of them has a letter.

    >>> times(["a/SITE_20240131_053000.wav", "b/room_101_2024.wav"])[0].at.isoformat()
    '2024-01-31T05:30:00'
    """
    found = [time(name) for name in names]
    folders: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if _HEX.fullmatch(os.path.basename(name)):
            folders.setdefault(os.path.dirname(name), []).append(i)
    for places in folders.values():
        seconds = {i: _hexadecimal(os.path.basename(names[i])) for i in places}
        lettered = any(re.search("[A-F]", os.path.basename(names[i])[:8]) for i in places)
        if lettered and all(at is not None or found[i] is not None for i, at in seconds.items()):
            for i, at in seconds.items():
                found[i] = found[i] or at
    return found


def time(name: str) -> Began | None:
    """When a recording begins, by its name alone; the earliest place in it that says a day and a time, else a day."""
    whole = _found(name)
    return None if whole is None else whole[1]


def site(name: str) -> str:
    """Where a recording was made, by its name: what stands before the time, without channels; empty for nothing.

    Words that programs begin their names with, as `Recording` and `PTT`, are no site.

    >>> site("WOOD3_0+1_20240131_053000.wav"), site("Recording 2024-01-31 05.30.00.m4a"), site("20240131_053000.WAV")
    ('WOOD3', '', '')
    """
    found = _found(name)
    if found is None or "birdnet" in found[0].group():  # before it stands what was found
        return ""
    before = found[0].string[: found[0].start()].strip(" _-.([")
    before = _CHANNELS.sub("", before).strip(" _-.")
    return "" if _NO_SITE.fullmatch(before) else before


def _found(name: str) -> tuple[re.Match[str], Began] | None:
    """Where a name says a moment, and which."""
    base = unicodedata.normalize("NFKC", os.path.basename(name)).replace("\u2236", ":")  # a ratio, as macOS writes
    days: list[tuple[re.Match[str], Began]] = []
    for pattern in (*_MOMENTS, *_DAYS):
        at: re.Match[str] | None = pattern.search(base)
        while at is not None:
            began = _moment(at)
            if began is not None and began.timed:
                return at, began
            if began is not None:
                days.append((at, began))
            at = pattern.search(base, at.start() + 1)
    return days[0] if days else None


def _moment(found: re.Match[str]) -> Began | None:
    parts = found.groupdict()
    day = (int(parts["y"]), int(parts["m"]), int(parts["d"]))
    if parts.get("H") is None:
        return moment(day, None)
    if not _clear(parts):
        return None
    time = (int(parts["H"]), int(parts["M"]), float(f"{parts['S'] or 0}{(parts['f'] or '').replace(',', '.')}"))
    return moment(day, time, parts["zone"], parts["half"])


def _clear(parts: dict[str, str | None]) -> bool:
    """Whether the digits after a day can only be a time: four of them may count recordings, as `20240131_0001`."""
    hours, gap, between = parts["H"] or "", parts["gap"] or "", parts["t"] or ""
    if not gap:
        return not (parts.get("s") or between) and len(hours) == 2 and parts["S"] is not None
    if len(hours) == 1 and not between:
        return False
    if parts["S"] is None:
        dashed = between == "-" and parts.get("s") == "-"
        return gap in "Tt" or between in (":", "h") or (between == "." and parts.get("s") != ".") or dashed
    return parts["u"] == between or (between, parts["u"]) == ("h", "m")


def _hexadecimal(base: str) -> Began | None:
    at = dt.datetime.fromtimestamp(int(base[:8], 16), dt.UTC)
    return Began(at) if at.year in _HEX_YEARS else None
