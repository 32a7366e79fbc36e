"""Tables of what happens when: DCASE's annotations, BirdNET's and Kaleidoscope's results, opensoundscape's annotations.

A line an event, cells separated by commas, semicolons or tabs. DCASE's have `onset`, `offset` and `event_label`, often
without a header; BirdNET's `Start (s)`, `End (s)`, `Common name` and `Confidence`, or `filepath`, `start`, `end` and
`common_name` for R; Kaleidoscope's `IN FILE`, `OFFSET`, `DURATION` and `MANUAL ID`; opensoundscape's `file`,
`start_time`, `end_time` and `annotation`. Only tables with columns of these names are taken for one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from audioft.annotations.event import Event
from audioft.annotations.lines import NUMBER, checked, score_of, seconds, text_of
from audioft.annotations.raven_labels import BACKGROUND
from audioft.core.registry import suggest
from audioft.errors import DataError, Problem

#: Pairs of columns that say when, in lower case without blanks and underscores, and whether the second is a duration.
_TIMES = (
    ("onset", "offset", False),
    ("start(s)", "end(s)", False),
    ("starttime", "endtime", False),
    ("start", "end", False),
    ("offset", "duration", True),
    ("onset", "duration", True),
)
_LABELS = ("eventlabel", "manualid", "commonname", "annotation", "annotations", "label", "species")
_FILES = ("infile", "filename", "filepath", "file", "path", "audiofile")
_SCORES = ("confidence", "score")
#: What Kaleidoscope's own classifier found, with distances and no scores.
_FOUND = "top1match"


def is_header(line: str) -> bool:
    """Whether a line is the header of such a table.

    >>> is_header("onset\\toffset\\tevent_label"), is_header("Start (s),End (s),Scientific name,Common name,Confidence")
    (True, True)
    >>> is_header("file_name,label"), is_header("file,start_time,end_time,dog,rain")
    (False, False)
    """
    columns = [_key(c) for c in _cells(line)]
    return _when(columns) is not None and any(c in columns for c in (*_LABELS, _FOUND))


def is_line(line: str) -> bool:
    """Whether a line is one of such a table without a header: two times and a label.

    >>> is_line("0.5,1.25,dog"), is_line("0.5,1.25,3"), is_line("onset,offset,event_label")
    (True, False, False)
    """
    cells = [c.strip() for c in _cells(line)]
    return len(cells) == 3 and [bool(NUMBER.fullmatch(c)) for c in cells] == [True, True, False]


def read(
    path: str | Path,
    label_column: str | None = None,
    unlabelled: Literal["skip", "background"] | None = None,
    notes: list[str] | None = None,
) -> dict[str, list[Event]]:
    """Read such a table.

    Args:
        path: a text file in UTF-8, or in UTF-16 with a byte order mark.
        label_column: the column that holds the labels, in any case.
        unlabelled: what becomes of rows without a label: they are left out, they are called background, or they are
            problems.
        notes: is told what is without a label.

    Returns:
        Events by the name of their recording's file, without its folder, in the order of the table; where no column
        names the recordings, all are under "". Times in seconds; a number of 0 to 1 in a column of confidences or
        scores is the event's score.

    Raises:
        DataError: it is not text in UTF-8; no column holds labels; or, of all lines at once, times that are none, and
            empty labels.
        UsageError: the file is not there or cannot be read.
    """
    notes = [] if notes is None else notes
    text = text_of(path, "label file")
    first = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first), skipinitialspace=True)
    rows = [(reader.line_num, [c.strip() for c in cells]) for cells in reader if any(c.strip() for c in cells)]
    header = rows.pop(0)[1] if is_header(first) else ["onset", "offset", "event_label"]
    columns = [_key(c) for c in header]
    when = _when(columns)
    assert when is not None
    label = _label(path, header, columns, rows, label_column)
    named = next((columns.index(c) for c in _FILES if c in columns), None)
    scored = _scored(columns, rows)
    begin, end, lasts = columns.index(when[0]), columns.index(when[1]), when[2]
    problems: list[str] = []
    events: dict[str, list[Event]] = {}
    for number, cells in rows:
        where, cells = f"{path} line {number}", cells + [""] * (len(header) - len(cells))
        if any(cells[len(header) :]):
            problems.append(f"{where}: {len(cells)} cells, but the header has {len(header)}; correct the line")
            continue
        told, recording = len(problems), _base(cells[named]) if named is not None else ""
        if named is not None and not recording:
            problems.append(f"{where}: {header[named]} is empty; expected the name of the recording")
        said = cells[label]
        if unlabelled and not said:
            notes.append(f"a row without a label is {'left out' if unlabelled == 'skip' else 'called background'}")
            if unlabelled == "skip":
                events.setdefault(recording, [])
                continue
            said = BACKGROUND
        start = seconds(cells[begin], header[begin], where, problems)
        stop = seconds(cells[end], header[end], where, problems)
        stop = round(start + stop, 9) if lasts else stop  # 9: no digits of the sum
        empty = f"the label in {header[label]!r} is empty; {_FILL_IN}"
        score = None if scored is None else score_of(cells[scored])
        if scored is not None and cells[scored] and score is None:
            problems.append(f"{where}: {header[scored]} {cells[scored]!r}: expected a score of 0 to 1")
        event = checked(said, start, stop, where, problems, score, empty)
        if len(problems) == told:
            events.setdefault(recording, []).append(event)
    if problems:
        raise DataError(problems)
    return events or {"": []}


_FILL_IN = "fill it in, remove the line, or say data.unlabelled=skip or =background"


def _label(
    path: str | Path,
    header: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[tuple[int, list[str]]],
    asked: str | None,
) -> int:
    """The place of the column that holds the labels."""
    if asked is not None:
        if _key(asked) not in columns:
            said = f"data.label={asked!r}: there is no such column{suggest(asked, list(header))}"
            raise DataError(Problem(path, said))
        return columns.index(_key(asked))
    known = [columns.index(c) for c in _LABELS if c in columns]
    filled = [i for i in known if any(len(cells) > i and cells[i] for _, cells in rows)]
    if _FOUND in columns and not filled:
        column = header[columns.index(_FOUND)]
        said = (
            f"nobody has filled in labels, and {column} is what a program found, without a score; data.label={column} "
            "takes it all the same"
        )
        raise DataError(Problem(path, said))
    return (filled or known)[0]


def _scored(columns: Sequence[str], rows: Sequence[tuple[int, list[str]]]) -> int | None:
    """The place of the column of scores; one of whole numbers beyond 1 is how sure a person was, on a scale."""
    found = next((columns.index(c) for c in _SCORES if c in columns), None)
    if found is None:
        return None
    cells = [cells[found] for _, cells in rows if len(cells) > found and cells[found]]
    scale = bool(cells) and all(c.isdecimal() for c in cells) and any(int(c) > 1 for c in cells)
    return None if scale else found


def _when(columns: Sequence[str]) -> tuple[str, str, bool] | None:
    return next((times for times in _TIMES if times[0] in columns and times[1] in columns), None)


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], delimiter=_delimiter(line), skipinitialspace=True), [])


def _delimiter(line: str) -> str:
    return next((mark for mark in ("\t", ";") if mark in line), ",")


def _key(column: str) -> str:
    return re.sub(r"[\s_*]", "", column).lower()


def _base(name: str) -> str:
    """The file's name without its folder, of Windows too."""
    return re.split(r"[\\/]", name)[-1].strip()
