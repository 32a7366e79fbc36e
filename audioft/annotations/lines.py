"""The lines, times and scores that all label files are read by."""

from __future__ import annotations

import codecs
import math
import re
from pathlib import Path

from audioft.annotations.event import Event
from audioft.errors import DataError, Problem, UsageError

NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
#: 1,234 is 1.234 to some and 1234 to others; 0,234 and 1,2345 can only be meant in one way
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_BLANKS = str.maketrans(dict.fromkeys("\t\n\r\0", " "))


def lines_of(path: str | Path, what: str = "label file", errors: str = "strict") -> list[tuple[int, str]]:
    """The lines of a file that are not blank, each with its number from 1; see `text_of` for the arguments.

    Only line feeds and carriage returns end a line: a label may hold what else Unicode takes for a line's end.

    Raises:
        DataError: it is not text in UTF-8.
        UsageError: it is not there or cannot be read.
    """
    return [(i, t) for i, t in enumerate(re.split(r"\r\n|\n|\r", text_of(path, what, errors)), 1) if t.strip()]


def text_of(path: str | Path, what: str, errors: str = "strict") -> str:
    """A file of text in UTF-8, or in UTF-16 with a byte order mark, without that mark.

    Args:
        path: the file.
        what: it is, for messages.
        errors: what becomes of bytes that are not UTF-8, see `bytes.decode`.

    Raises:
        DataError: it is not text in UTF-8.
        UsageError: it is not there or cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such {what}") from None
    except OSError as e:
        raise UsageError(f"{path}: cannot be read: {e.strerror}") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # Excel's "Unicode text"
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise DataError(Problem(path, f"the {what} begins as UTF-16 and is none; save it as UTF-8")) from None
    if (at := data.find(b"\0")) >= 0:
        raise DataError(f"{path} line {_line(data, at)}: a NUL byte; expected text in UTF-8")
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as e:
        at = e.start + len(data) - len(e.object)  # the decoder does not count a byte order mark
        said = "byte {} is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"
        raise DataError(Problem(f"{path} line {_line(data, at)}", said, f"0x{data[at]:02x}")) from None


def seconds(text: str, what: str, where: str, problems: list[str]) -> float:
    """A time or a duration in seconds, at least 0.

    Args:
        text: the cell; a decimal comma is taken where it cannot be meant otherwise.
        what: what the cell is called, for the message.
        where: the file and the line, for the message.
        problems: what is wrong with the cell is appended here, and NaN returned.

    >>> seconds("1,5", "start", "a.txt line 1", [])
    1.5
    """
    text = text.strip()
    value = math.nan
    if not NUMBER.fullmatch(text):
        problems.append(f"{where}: {what} {text!r} is not a number; expected seconds, as 1.5")
    elif _THOUSANDS.fullmatch(text):
        problems.append(
            f"{where}: {what} {text!r}: its comma may be a decimal one or one of thousands; write "
            f"{text.replace(',', '.')} or {text.replace(',', '')}"
        )
    else:
        value = float(text.replace(",", "."))
        if not math.isfinite(value) or value < 0:
            problems.append(f"{where}: {what} {text!r}: expected a finite number of seconds, at least 0")
            value = math.nan
    return abs(value)  # -0.0 is 0


def checked(
    label: str,
    start: float,
    end: float,
    where: str,
    problems: list[str],
    score: float | None = None,
    empty: str = "the label is empty; fill it in or remove the line",
) -> Event:
    """The event of a line; an empty label, in the words of `empty`, and an end before the start become `problems`."""
    label = label.strip()
    if not label:
        problems.append(f"{where}: {empty}")
    if end < start:
        problems.append(f"{where}: end {end} is before start {start}; correct one of them")
    return Event(label, start, end, score)


def score_of(text: str) -> float | None:
    """A score of 0 to 1, or None where a cell says none.

    >>> score_of("0.75"), score_of("87"), score_of("<NA>")
    (0.75, None, None)
    """
    text = text.strip()
    value = float(text.replace(",", ".")) if NUMBER.fullmatch(text) else math.nan
    return abs(value) if 0 <= value <= 1 else None


def one_cell(text: str) -> str:
    """A text that leaves a table of tabs and lines whole: tabs, line breaks and NUL become blanks."""
    return text.translate(_BLANKS)


def _line(data: bytes, at: int) -> int:
    return data[:at].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
