"""Label files of any kind, told apart by their names and their first lines."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Literal

from audioft.annotations import audacity, raven, rttm, timed_tables
from audioft.annotations.event import Event
from audioft.annotations.lines import lines_of
from audioft.errors import UsageError

SUFFIXES = (".txt", ".tsv", ".csv", ".rttm")
_HEAD = 8192  # bytes that are looked at


def read(
    path: str | Path,
    label_column: str | None = None,
    unlabelled: Literal["skip", "background"] | None = None,
    notes: list[str] | None = None,
) -> dict[str, list[Event]]:
    """Read a label file: an Audacity label track, a Raven selection table, RTTM, or a table of what happens when.

    Args:
        path: the file; what it is, `kind_of` says.
        label_column: the column of a table that holds the labels; the other kinds have no columns.
        unlabelled, notes: see `raven.read`.

    Returns:
        Events by recording: the name of its file (tables), its file id (RTTM), or "" where the file does not name
        it, which is then the one that the label file lies beside. Times in seconds.

    Raises:
        DataError: the file is broken, see the kinds' own `read`.
        UsageError: it is not there, cannot be read, or is of no kind that is known.
    """
    kind = kind_of(path)
    if kind == "rttm":
        return rttm.read(path)
    if kind == "raven":
        return raven.read(path, label_column, unlabelled, notes)
    if kind == "table":
        return timed_tables.read(path, label_column, unlabelled, notes)
    if kind == "audacity":
        return {"": audacity.read(path)}
    if Path(path).suffix.lower() in SUFFIXES:
        lines_of(path)  # says so where it is not there, or no text
    raise UsageError(
        f"{path}: no label file; expected a .txt with lines of start, end and label separated by tabs (Audacity), a "
        f".txt or .tsv with a header that has {raven.BEGIN} (Raven), a table with onset, offset and event_label "
        "(DCASE), or a .rttm"
    )


def kind_of(path: str | Path) -> str | None:
    """What kind of label file this is, by its name and its first few kilobytes.

    Returns:
        `rttm` by the name alone; `raven` for one whose first line is the header of a selection table; `table` for one
        whose first line is the header of a table of `timed_tables`; `audacity` for another `.txt` most of whose lines
        begin with two numbers; `table` for another `.tsv` or `.csv` most of whose lines are two numbers and a label;
        else None, also where it cannot be read, is no text or is empty.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".rttm":
        return "rttm"
    lines = _first_lines(Path(path)) if suffix in SUFFIXES else []
    if not lines:
        return None
    if raven.is_header(lines[0]):
        return "raven"
    if timed_tables.is_header(lines[0]):
        return "table"
    # most, not all: what is wrong with the others, reading shall say
    if suffix == ".txt" and 2 * sum(map(audacity.is_label, lines)) > len(lines):
        return "audacity"
    if suffix != ".txt" and 2 * sum(map(timed_tables.is_line, lines)) > len(lines):
        return "table"
    return None


def _first_lines(path: Path) -> list[str]:
    """Lines that are not blank among the first bytes; none where these are no text, or not to be had."""
    try:
        if not path.is_file():  # a pipe would wait for somebody to write
            return []
        with open(path, "rb") as f:
            head = f.read(_HEAD)
    except (OSError, ValueError):
        return []
    # reading refuses UTF-16 and other bytes with a remedy, so here it is enough to see what is meant
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = head.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")
    lines = re.split(r"\r\n|\n|\r", text)
    if len(head) == _HEAD and len(lines) > 1:
        lines.pop()  # it is cut off
    return [] if "\0" in text else [t for t in lines if t.strip()]
