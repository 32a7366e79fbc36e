"""Raven's selection tables: a header, then a selection a line, cells separated by tabs.

A selection appears once in every view it is shown in (`Waveform 1`, `Spectrogram 1`), always under the same
number. Where several recordings are opened as one sequence, `Begin Time (s)` and `End Time (s)` count from the
beginning of the first; `File Offset (s)` is the beginning within the recording that `Begin File` or `Begin Path`
names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from audioft.annotations.event import Event
from audioft.annotations.lines import NUMBER, checked, lines_of, one_cell, score_of, seconds
from audioft.annotations.raven_labels import BACKGROUND, label_column_of
from audioft.errors import DataError, Problem

SCORE_COLUMNS = ("Score", "Confidence")
BEGIN, END, OFFSET = "Begin Time (s)", "End Time (s)", "File Offset (s)"
FILE, PATH = "Begin File", "Begin Path"
_WRITTEN = (
    "Selection",
    "View",
    "Channel",
    BEGIN,
    END,
    "Low Freq (Hz)",
    "High Freq (Hz)",
    PATH,
    OFFSET,
    "Annotation",
    "Score",
)
#: the line a table begins with, with its line break
HEADER = "\t".join(_WRITTEN) + "\n"
#: likewise, with clock times in Raven's own measurement of them
CLOCK_HEADER = "\t".join((*_WRITTEN, "Begin Date Time")) + "\n"

_FILL_IN = "fill it in, remove the line, or say data.unlabelled=skip or =background"

Row = dict[str, str]  # the column's name in lower case, to the cell


def read(
    path: str | Path,
    label_column: str | None = None,
    unlabelled: Literal["skip", "background"] | None = None,
    notes: list[str] | None = None,
) -> dict[str, list[Event]]:
    """Read a selection table.

    Args:
        path: a text file in UTF-8, with or without a byte order mark.
        label_column: the column that holds the labels, in any case; None takes the first of `LABEL_COLUMNS` that
            holds any, else the only column that Raven does not know.
        unlabelled: what becomes of selections without a label: they are left out, they are called background, or they
            are problems.
        notes: is told which column was taken, if it is none of `LABEL_COLUMNS`, and what is without a label.

    Returns:
        Events by the name of their recording's file, without its folder, in the order of the table; times are
        seconds in the recording. Where no column names the recordings, all are under "". A number of 0 to 1 in a
        column Score or Confidence is the event's score.

    Raises:
        DataError: the file is not text in UTF-8; columns are missing; or, of all lines at once, times that are
            none, empty labels, selections without their recording, one number with different selections, and what
            leaves it open which recording or which moment is meant.
        UsageError: the file is not there or cannot be read.
    """
    lines = lines_of(path)
    header = [c.strip() for c in lines[0][1].split("\t")] if lines else []
    columns = [c.lower() for c in header]
    if absent := [c for c in (BEGIN, END) if c.lower() not in columns]:
        said = (
            f"no column {' and no column '.join(absent)}; expected a Raven selection table, its cells separated by "
            "tabs; the columns are {}"
        )
        raise DataError(Problem(path, said, ", ".join(header) or "none"))
    problems: list[str] = []
    rows = _rows(path, lines[1:], columns, problems)
    named = next((c for c in (FILE, PATH) if c.lower() in columns), None)
    if not rows:
        return {} if named else {"": []}
    notes = [] if notes is None else notes
    label = label_column_of(path, header, [row for _, row in rows], label_column, unlabelled, notes)
    scored = _score_column(rows)
    problems += _unclear(path, rows, columns)
    events: dict[str, list[Event]] = {}
    seen: dict[tuple[str, str], tuple[str, Event]] = {}
    for where, row in rows:
        told, recording, selection = len(problems), _recording(row), row.get("selection", "")
        if named and not recording:
            problems.append(f"{where}: {named} is empty; expected the name of the recording")
        if unlabelled and not row.get(label, ""):
            notes.append(
                f"a selection without a label is {'left out' if unlabelled == 'skip' else 'called background'}"
            )
            if unlabelled == "skip":
                events.setdefault(recording, [])
                continue
            row = row | {label: BACKGROUND}
        event = _event(row, label, scored, where, problems)
        if len(problems) > told:
            continue
        first, same = seen.setdefault((recording, selection), (where, event)) if selection else (where, event)
        if same is event:
            events.setdefault(recording, []).append(event)
        elif same != event:
            problems.append(
                f"{where}: selection {selection} is already in {first} with other times or another label; give "
                "each selection a number of its own"
            )
    if problems:
        raise DataError(problems)
    return events


def line(number: int, event: Event, *, path: str, begin: float, nyquist: float, clock: str | None = None) -> str:
    """The line of an event, with its line break; the columns are those of `HEADER`, or of `CLOCK_HEADER`.

    Args:
        number: the selection's number, from 1 and another for each line of a table.
        event: times in seconds from the beginning of its recording.
        path: the recording, as Raven shall find it.
        begin: the event's beginning, in seconds, counted over the whole sequence of recordings.
        nyquist: half the recording's sample rate, in Hz: the selection's upper frequency; the lower is 0.
        clock: when the event begins, in ISO 8601, of which Raven has no zone; empty where that is not known; None for
            no such column.

    >>> line(1, Event("robin", 1.5, 3, 0.9), path="b.wav", begin=61.5, nyquist=8000).split("\\t")[3:]
    ['61.500000', '63.000000', '0.000', '8000.000', 'b.wav', '1.500000', 'robin', '0.900000\\n']
    """
    score = "" if event.score is None else f"{event.score:.6f}"
    times = f"{begin:.6f}\t{begin + event.seconds:.6f}\t0.000\t{nyquist:.3f}"
    what = f"{one_cell(path)}\t{event.start:.6f}\t{one_cell(event.label)}\t{score}"
    when = "" if clock is None else "\t" + clock[:23].replace("-", "/").replace("T", " ")
    return f"{number}\tSpectrogram 1\t1\t{times}\t{what}{when}\n"


def is_header(text: str) -> bool:
    """Whether a line looks like the header of a selection table.

    >>> is_header(HEADER), is_header("file_name\\tlabel")
    (True, False)
    """
    cells = [c.strip().lower() for c in text.split("\t")]
    return len(cells) > 1 and BEGIN.lower() in cells


def _rows(
    path: str | Path, lines: list[tuple[int, str]], columns: list[str], problems: list[str]
) -> list[tuple[str, Row]]:
    """Each line's place, for messages, and its cells; an editor may have cut off the empty ones at its end."""
    rows = []
    for number, text in lines:
        where, cells = f"{path} line {number}", [c.strip() for c in text.split("\t")]
        if any(cells[len(columns) :]):
            problems.append(f"{where}: {len(cells)} cells, but the header has {len(columns)}; correct the line")
        pairs = list(zip(columns, cells, strict=False))
        rows.append((where, dict(reversed(pairs))))  # reversed: of two columns with one name, the first is taken
    return rows


def _score_column(rows: list[tuple[str, Row]]) -> str | None:
    """The column of scores; one of whole numbers beyond 1 is how sure a person was, on a scale."""
    for column in (c.lower() for c in SCORE_COLUMNS):
        cells = [row[column] for _, row in rows if NUMBER.fullmatch(row.get(column, ""))]
        if any(score_of(c) is not None for c in cells):
            return None if all(c.isdecimal() for c in cells) and any(int(c) > 1 for c in cells) else column
    return None


def _recording(row: Row) -> str:
    """The file's name without its folder, of Windows too; empty where the row says none."""
    return re.split(r"[\\/]", row.get(FILE.lower()) or row.get(PATH.lower(), ""))[-1].strip()


def _unclear(path: str | Path, rows: list[tuple[str, Row]], columns: list[str]) -> list[Problem]:
    """What leaves open which moment or which recording is meant."""
    found: list[Problem] = []
    recordings = len({_recording(row) for _, row in rows} - {""})
    if recordings > 1 and OFFSET.lower() not in columns:
        said = (
            f"{recordings} recordings, but no column {OFFSET}, and {BEGIN} counts from the beginning of the first; add "
            f"{OFFSET} to the measurements in Raven and save again, or make a table for each recording"
        )
        found.append(Problem(path, said))
    elif recordings > 1:
        said = f"{OFFSET} is empty, and {BEGIN} counts over all {recordings} recordings of the table; fill it in"
        found += [Problem(where, said) for where, row in rows if not row.get(OFFSET.lower())]
    paths: dict[str, str] = {}
    for where, row in rows:
        full, name = row.get(PATH.lower(), ""), _recording(row)
        if full and paths.setdefault(name, full) != full:
            said = (
                "{} and {} have one name, and recordings are told apart by their names; make a table for each, or "
                "rename one"
            )
            found.append(Problem(where, said, full, paths[name]))
            paths[name] = full
    return found


def _event(row: Row, label: str, scored: str | None, where: str, problems: list[str]) -> Event:
    start = seconds(row.get(BEGIN.lower(), ""), BEGIN, where, problems)
    end = seconds(row.get(END.lower(), ""), END, where, problems)
    score = score_of(row.get(scored, "")) if scored else None
    event = checked(
        row.get(label, ""), start, end, where, problems, score, f"the label in {label!r} is empty; {_FILL_IN}"
    )
    if not (offset := row.get(OFFSET.lower(), "")):
        return event
    start = seconds(offset, OFFSET, where, problems)
    return Event(event.label, start, round(start + event.seconds, 9), score)  # 9: no digits of the subtraction
