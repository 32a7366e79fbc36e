"""Columns of tables as other programs call them: what is a time, a label, a label of its own, said in notes."""

from __future__ import annotations

import dataclasses
import functools
import re
import unicodedata
from collections.abc import Callable, Sequence

from audioft.core.wording import quoted
from audioft.data.reading import one_hot, unread_times
from audioft.data.reading.one_hot import number
from audioft.data.tables import Row, columns_of, file_column
from audioft.errors import DataError, Problem

#: Names of beginnings and ends of opensoundscape, DCASE, AudioSet, Excel, BirdNET, Raven, Audacity, ELAN, Praat and
#: Kaldi, without case, blanks, underscores and units.
_STARTS = ("start", "begin", "beg", "beginning", "onset", "from", "tmin", "xmin", "tbeg", "tstart", "startoffset", "t0")
_ENDS = ("end", "stop", "ending", "offset", "to", "tmax", "xmax", "tend", "endoffset", "finish", "until", "t1")
_LENGTHS = ("duration", "dur", "length", "tdur", "len")
_PARTS = ("", "clip", "event", "segment", "seg", "call", "label", "annotation", "interval", "audio", "sound")
_UNIT = re.compile(
    r"(.+?)(?:[\s_\-]+|\s*[(\[]\s*)(s|secs?|seconds?|ms|msec|milliseconds?|ss\.msec|hh:mm:ss\S*)\s*[)\]]?"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: What is in the name of a column that may be a time, in a few languages; x1 and x2 are Arbimon's.
_TIMELIKE = re.compile(
    r"(start|begin|end|stop|onset|offset|time|times|timestamps?|duration|dur|tmin|tmax|xmin|xmax|seconds|secs?|ms|msec|"
    r"x[12]|beginn|anfang|ende|dauer|startzeit|endzeit|zeit|debut|duree|inicio|duracion|inizio|durata)"
)
_LABELS = ("label", "labels", "event_label", "event_labels", "annotation", "annotations")
_SIDES = frozenset({*("train", "training", "valid", "validation", "val", "dev"), *("test", "testing", "eval")})
_CUT_ALREADY = "slice_file_name"  # UrbanSound8K: the times beside it are those of the recording it was cut from
_CLOCK = re.compile(r"(\d+):([0-5]?\d):([0-5]?\d(?:[.,]\d*)?)")
_COMMA = re.compile(r"[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))")  # can only be a decimal one
_NUMBER = re.compile(r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?[.,]?")


def understood(rows: list[Row], table: str, label: str | None) -> tuple[list[Row], list[str]]:
    """Rows whose times are in `start` and `end`, whose labels are in one column; and what was understood on the way.

    Args:
        rows: as read.
        table: what they are of, for messages.
        label: the column that was asked for, if any.

    Raises:
        DataError: two columns that may be the beginning, or the end; soft labels in columns of a label each.
    """
    columns, notes = columns_of(rows), list[str]()
    files = file_column(rows, table)
    changes: list[Callable[[dict[str, str]], None]] = []
    if files.lower() == _CUT_ALREADY:
        used = sorted({"start", "end"} & set(columns))
        if used:
            changes += [functools.partial(_without, columns=used)]
            notes.append(f"{quoted(used)} are not used: {files} names files that were cut out already")
    else:
        changes += _timed([c for c in columns if c != files], rows, table, label, notes)
    for name in ("split",):
        if other := _otherwise(name, columns):
            changes.append(_renamed(other, name))
            notes.append(f"{name} is the column {other!r}")
    if not any(c.lower() == "split" for c in columns):
        notes += _sides(rows, [c for c in columns if c not in (files, label)])
    if label is None and not {"label", "labels"} & set(columns):
        found = [c for c in columns if c.strip().lower().replace(" ", "_") in _LABELS]
        if len(found) == 1:
            several = "labels" if found[0].lower().endswith("labels") else "label"
            changes.append(_renamed(found[0], several))
            notes.append(f"{several} is the column {found[0]!r}")
        elif not found and (
            hot := one_hot.columns_of([c for c in columns if c != files and not _looks_like_time(c)], rows)
        ):
            one_hot.refuse_soft(hot, rows, table)
            changes.append(functools.partial(one_hot.join, hot=hot))
            notes.append(f"labels are the {len(hot)} columns of 0 and 1, one a label: {quoted(hot)}")
    if not changes:
        return rows, notes
    out = []
    for row in rows:
        cells = dict(row.cells)
        for change in changes:
            change(cells)
        out.append(dataclasses.replace(row, cells=cells))
    return out, notes


def at_least(rows: list[Row], score: float | None, notes: list[str]) -> list[Row]:
    """The rows with at least this score, where a column holds scores; none are left out for None, which is said."""
    column = next((c for c in columns_of(rows) if c.lower() in ("score", "confidence")), None)
    if column is None:
        if score is not None:
            raise DataError(f"data.min_score={score:g}: the table has no column Score or Confidence")
        return rows
    found = [number(row.cells.get(column, "").replace(",", ".")) for row in rows]
    strange = [r for r, v in zip(rows, found, strict=True) if v is None or not 0 <= v <= 1]
    if strange and score is not None:
        said = f"data.min_score={score:g} needs a {column!r} of 0 to 1, found {strange[0].cells.get(column, '')!r}"
        raise DataError(Problem(strange[0].where, said))
    if strange:
        return rows
    if score is None:
        notes.append(f"all rows count, whatever their {column!r}; data.min_score=0.5 takes those of at least so much")
        return rows
    kept = [row for row, value in zip(rows, found, strict=True) if value is not None and value >= score]
    if not kept:
        raise DataError(f"no row has a {column!r} of data.min_score={score:g} or more")
    notes.append(f"{len(rows) - len(kept)} of {len(rows)} rows have a {column!r} under {score:g} and are left out")
    return kept


def _timed(columns: list[str], rows: list[Row], table: str, label: str | None, notes: list[str]) -> list:
    """What makes `start` and `end` of a row's cells; columns that look like times and are not used are told."""
    keys = {c: _key(c) for c in columns if c != label}
    lengths = [c for c, (key, _) in keys.items() if key in _LENGTHS]
    starts = _which("start", _STARTS, keys, table)
    ends = _which("end", _ENDS, keys, table)
    if starts is None and ends is not None and keys[ends][0] == "offset":  # NeMo: offset and duration
        starts, ends = (ends, None) if lengths else (None, None)
    if starts is not None and keys[starts][0] == "from" and (ends is None or keys[ends][0] != "to"):
        starts = None
    if starts is not None and keys[starts][0] == "beg" and ends is None:  # begging is a call
        starts = None
    if starts is None and ends is not None and keys[ends][0] in ("to", "offset"):
        ends = None
    within = next((c for c, (key, _) in keys.items() if key == "fileoffset"), None)
    for what in [starts, ends]:
        if what not in (None, "start", "end") and not any(_seconds(r.cells.get(what, "")) for r in rows):
            notes.append(f"the column {what!r} looks like a time and is not used: it holds no seconds")
            starts, ends = (None if starts == what else starts), (None if ends == what else ends)
    length = lengths[0] if starts is not None and ends is None and len(lengths) == 1 else None
    used = [c for c in (starts, ends, length) if c is not None]
    changes: list[Callable[[dict[str, str]], None]] = []
    commas = _decimal_commas(rows, used)
    plain = not commas and length is None and set(used) <= {"start", "end"} and not (within and used)
    if used and (not plain or any(":" in r.cells.get(c, "") for r in rows for c in used)):
        changes.append(_Times(starts, ends, length, within, {c: keys[c][1] for c in used}, frozenset(commas)))
    if commas:
        notes.append(f"commas in {quoted(commas)} are decimal ones")
    if starts not in ("start", None) or ends not in ("end", None) or length is not None:
        told = [f"start is the column {starts!r}"] * (starts not in (None, "start"))
        told += [f"end is the column {ends!r}"] * (ends not in (None, "end"))
        told += [f"end is start and the column {length!r} together"] * (length is not None)
        notes.append(f"times: {', '.join(told)}, in seconds")
    if starts is not None and ends is None and length is None:
        notes.append(f"no column says where clips end: each begins at {starts!r} and goes on to the recording's end")
    if ends is not None and starts is None:
        notes.append(f"no column says where clips begin: each begins with its recording and goes on to {ends!r}")
    told_already = {*used, within, "start", "end", *(lengths if starts and ends else [])}
    spans = [] if starts or ends else unread_times.columns_of([c for c in keys if c not in told_already], rows)
    others = [c for c in keys if c not in told_already and (_looks_like_time(c) or c in spans)]
    others = [c for c in others if not any(f"{c!r} looks like a time" in n for n in notes)]
    if others:
        looks = "it looks" if len(others) == 1 else "they look"
        notes.append(f"not used, though {looks} like a time: {quoted(others)}; times are start and end, in seconds")
    return changes


class _Times:
    """Makes a row's `start` and `end` out of columns of other names and units."""

    def __init__(
        self,
        start: str | None,
        end: str | None,
        length: str | None,
        within: str | None,
        units: dict[str, str],
        commas: frozenset[str],
    ):
        self.start, self.end, self.length, self.within = start, end, length, within
        self.units, self.commas = units, commas

    def __call__(self, cells: dict[str, str]) -> None:
        start, end, length = (self._plain(cells, c) for c in (self.start, self.end, self.length))
        if length and (a := number(start or "0")) is not None and (b := number(length)) is not None:
            end = f"{round(a + b, 9):.9g}" if b > 0 else str(a + b)
        elif length:
            end = length
        if self.within and (offset := number(cells.get(self.within, ""))) is not None:
            a, b = number(start or ""), number(end or "")
            end = f"{round(offset + b - a, 9)}" if a is not None and b is not None else end
            start = str(offset)
        for column in (self.start, self.end):
            if column is not None:
                cells.pop(column, None)
        cells["start"], cells["end"] = start or "", end or ""

    def _plain(self, cells: dict[str, str], column: str | None) -> str | None:
        """The text of a cell with a decimal point, in seconds; what is no number stays, and is told with its line."""
        if column is None:
            return None
        text = cells.get(column, "").strip()
        if clock := _CLOCK.fullmatch(text):
            hours, minutes, seconds = clock.groups()
            return str(round(3600 * int(hours) + 60 * int(minutes) + float(seconds.replace(",", ".")), 9))
        if column in self.commas:
            text = text.replace(",", ".")
        if self.units[column] in ("ms", "msec", "millisecond", "milliseconds") and (value := number(text)) is not None:
            return str(round(value / 1000, 9))
        return text


def _key(column: str) -> tuple[str, str]:
    """A column's name as it is compared, and its unit.

    >>> _key("Begin Time (s)"), _key("start_ms"), _key("EndTime"), _key("Begin Time - ss.msec"), _key("event_onset")
    (('begin', 's'), ('start', 'ms'), ('end', ''), ('begin', 'ss.msec'), ('onset', ''))
    """
    name, unit = _CAMEL.sub(" ", column.strip()).lower(), ""
    if found := _UNIT.fullmatch(name):
        name, unit = found[1], found[2]
    words = [w for w in re.split(r"[\s_\-.]+", name) if w]
    if len(words) > 1 and words[0] in _PARTS:
        words = words[1:]
    elif len(words) > 1 and words[-1] in _PARTS[1:]:
        words = words[:-1]
    joined = "".join(words)
    if joined in ("starttime", "begintime", "onsettime", "stoptime", "endtime", "offsettime"):
        joined = joined.removesuffix("time")
    elif joined in ("timestart", "timebegin", "timeend", "timestop", "timeonset", "timeoffset"):
        joined = joined.removeprefix("time")
    return joined, unit


def _which(what: str, names: Sequence[str], keys: dict[str, tuple[str, str]], table: str) -> str | None:
    """The column of beginnings or ends: the documented one, else the only one of a name that is known."""
    if what in keys:
        return what
    found = [c for c, (key, _) in keys.items() if key in names]
    if len(found) > 1 and len({keys[c][0] for c in found}) == 1:  # ELAN writes a time in several units
        order = ("s", "sec", "seconds", "ss.msec", "", "ms", "msec")
        found = sorted(found, key=lambda c: order.index(keys[c][1]) if keys[c][1] in order else len(order))[:1]
    if what == "end" and len(found) > 1:  # an offset is an end beside an onset only
        onset = any(key == "onset" for key, _ in keys.values())
        found = [c for c in found if (keys[c][0] == "offset") == onset] or found
    if len(found) > 1:
        raise DataError(
            f"{table}: {quoted(found)} may each be the {what} of a clip; call the one that is meant {what}, and remove "
            "or rename the others"
        )
    return found[0] if found else None


def _sides(rows: list[Row], columns: Sequence[str]) -> list[str]:
    """A sentence where a column holds the names of sides, and is not called `split`."""
    for column in columns:
        cells = {row.cells.get(column, "").strip() for row in rows}
        if len(cells) > 1 and {c.lower() for c in cells} <= _SIDES:
            return [f"{column!r} holds names of sides and is not used; call it split to have them"]
    return []


def _without(cells: dict[str, str], columns: Sequence[str]) -> None:
    for column in columns:
        cells.pop(column, None)


def _renamed(old: str, new: str) -> Callable[[dict[str, str]], None]:
    def rename(cells: dict[str, str]) -> None:
        if old in cells:
            cells[new] = cells.pop(old)

    return rename


def _otherwise(name: str, columns: list[str]) -> str | None:
    """The one column that is called `name` but for its case, where none is called so."""
    found = [c for c in columns if c.lower() == name]
    return found[0] if len(found) == 1 and found[0] != name else None


def _looks_like_time(column: str) -> bool:
    plain = re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFKD", _CAMEL.sub(" ", column).lower()))
    return any(_TIMELIKE.fullmatch(w) for w in re.split(r"[^a-z0-9]+", plain))


def _seconds(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text.strip()) or _CLOCK.fullmatch(text.strip()))


def _decimal_commas(rows: list[Row], columns: Sequence[str]) -> list[str]:
    """The columns whose commas are decimal ones.

    They are where a `;` separates the cells, or where a cell of any of the columns can be meant in no other way; not
    in a column that has points.
    """
    cells = {c: [t for r in rows if "," in (t := r.cells.get(c, ""))] for c in columns}
    having = [c for c in columns if cells[c] and not any("." in r.cells.get(c, "") for r in rows)]
    sure = rows[0].decimal or any(_COMMA.fullmatch(t.strip()) for c in having for t in cells[c])
    return having if sure else []
