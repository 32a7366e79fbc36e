"""Tables of clips as rows of strings: CSV, TSV and JSON lines."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from audioft.annotations.lines import text_of
from audioft.core.places import is_utf8
from audioft.core.registry import suggest
from audioft.errors import DataError, UsageError

SUFFIXES = (".csv", ".tsv", ".jsonl")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_SEPARATOR = re.compile(r"sep=([;,\t|])[^\S\r\n]*(?:\r\n|\n|\r)", re.IGNORECASE)
_MOST_SHARED = 10_000  # different cells of a column, up to which equal ones are kept once: labels, not file names
FILE_COLUMNS = ("file_name", "path", "file", "filename")
#: What other programs call the column of recordings, tried in any case where none of the above is there.
_OTHER_FILE_COLUMNS = (
    *FILE_COLUMNS,
    *("filepath", "file_path", "audio_filepath", "audio_file", "audio_path", "wav_path", "wav_file", "slice_file_name"),
    *("fname", "sound_file", "soundfile", "recording_path", "begin path", "begin file", "file name", "audio", "wav"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        table: what it is a line of, as `metadata.csv line`.
        line: the number of the line it begins in, from 1.
        cells: column to text; what was no string in JSON is the text JSON has for it, null and NaN are empty.
        decimal: whether a `;` separates the cells, so that a comma in a number is a decimal one.
    """

    table: str
    line: int
    cells: dict[str, str]
    decimal: bool = False

    @property
    def where(self) -> str:
        """The table and the line, for messages; made when asked for, as tables have millions of rows."""
        return f"{self.table} {self.line}"


def read_table(path: str | Path, expected: str = "one row a clip, with file_name and label") -> list[Row]:
    """Read a table.

    Args:
        path: a `.csv` (separated by comma, semicolon or tab, whichever the header line shows), `.tsv` or
            `.jsonl` file in UTF-8, with or without a byte order mark. Names of files may be other bytes, if there is
            such a file.
        expected: what its rows are to be, for the message where there are none.

    Raises:
        DataError: not UTF-8, NUL bytes, a row that does not fit the header, broken JSON, no rows; each
            problem with its line.
        UsageError: no such file, or another kind of file.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: expected a table ending in {', '.join(SUFFIXES)}, or a folder of recordings")
    refused: DataError | None = None
    try:
        text = text_of(path, "table")
    except DataError as e:
        refused, text = e, text_of(path, "table", "surrogateescape")
    problems: list[str] = []
    rows = _json_rows(path, text, problems) if path.suffix.lower() == ".jsonl" else _csv_rows(path, text, problems)
    if refused is not None and not (rows and _names_alone(rows, path)):
        raise refused
    if problems:
        raise DataError(problems)
    if not rows:
        raise DataError(f"{path}: the table has no rows; expected {expected}")
    return rows


def _names_alone(rows: list[Row], table: Path) -> bool:
    """Whether all that is not UTF-8 in a table are names of files, written by audioft or of files that are there."""
    columns, folder = set(columns_of(rows)), table.parent
    ours = {"path", "sha256", "duration", "group"} <= columns or {"enrol", "test", "target"} <= columns
    names = {"path", "group", "enrol", "test"} if ours else {_file_column(columns)}
    odd = [(column, cell) for row in rows for column, cell in row.cells.items() if not is_utf8(column + cell)]
    return all(column in names and (ours or (folder / cell).exists()) for column, cell in odd)


def file_column(rows: list[Row], table: object) -> str:
    """The column that names the recordings.

    Raises:
        DataError: there is none, or more than one.
    """
    columns = columns_of(rows)
    found = _file_column(columns)
    if found is None:
        raise DataError(f"{table}: no column names the recordings; expected file_name{suggest('file_name', columns)}")
    return found


def _file_column(columns: Collection[str]) -> str | None:
    # `file_name` is the documented one; the others are what people's tables happen to say
    lower = {c.lower(): c for c in reversed(list(columns))}
    exact = next((c for c in FILE_COLUMNS if c in columns), None)
    return exact or next((lower[c] for c in _OTHER_FILE_COLUMNS if c in lower), None)


def columns_of(rows: list[Row]) -> list[str]:
    """All columns in order of their first appearance."""
    columns: dict[str, str] = {}
    for row in rows:
        columns.update(row.cells)
    return list(columns)


def as_text(value: Any) -> str:
    """A JSON value as the text of a cell."""
    if value is None or (isinstance(value, float) and math.isnan(value)):  # json and pandas write a missing one as NaN
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _csv_rows(path: Path, text: str, problems: list[str]) -> list[Row]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    said = _SEPARATOR.match(text)  # a line that Excel reads and writes for itself
    if said is not None:
        delimiter, text = said[1], text[said.end() :]
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True, skipinitialspace=True)
    shared: list[dict[str, str] | None] = []
    named: list[int] = []
    header: list[str] = []
    rows: list[Row] = []
    skipped = int(said is not None)
    table, after = f"{path} line", 1 + skipped
    try:
        for cells in reader:
            line, after = after, reader.line_num + 1 + skipped
            if not any(c.strip() for c in cells):
                continue
            if not header:
                header = [c.strip() for c in cells]
                shared, named = [{} for _ in header], [i for i, c in enumerate(header) if c]
                doubled = sorted({c for c in header if c and header.count(c) > 1})
                if doubled:
                    problems.append(f"{table} {line}: the column {doubled[0]!r} appears twice")
            elif len(cells) != len(header):
                problems.append(
                    f"{table} {line}: {len(cells)} cells, but the header has {len(header)}; "
                    f'a cell that holds {delimiter!r} is written in "quotes"'
                )
            else:
                for i, known in enumerate(shared):
                    if known is not None:
                        cells[i] = known.setdefault(cells[i], cells[i])
                        if len(known) > _MOST_SHARED:
                            shared[i] = None
                rows.append(Row(table, line, {header[i]: cells[i] for i in named}, delimiter == ";"))
    except csv.Error as e:
        problems.append(f"{path} line {reader.line_num + skipped}: {e}; are the quotes closed?")
    return rows


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, one by one: a table of millions of them is not copied."""
    return (found.group() for found in _LINE.finditer(text))


def _delimiter(text: str) -> str:
    """By the header alone: a `;` further down may separate labels."""
    header = next((line for line in _lines(text) if line.strip()), "").rstrip("\r\n")
    known = {*_OTHER_FILE_COLUMNS, "label", "labels"}

    def fits(delimiter: str) -> tuple[int, int]:
        columns = [c.strip().strip('"').lower() for c in header.split(delimiter)]
        return len(known & set(columns)), len(columns)

    return max((",", ";", "\t"), key=fits)


def _json_rows(path: Path, text: str, problems: list[str]) -> list[Row]:
    table, rows = f"{path} line", []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{table} {number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as e:
            problems.append(f"{where}: not JSON: {e.msg} at column {e.colno}")
            continue
        except (ValueError, RecursionError) as e:  # a number of thousands of digits, brackets thousands deep
            problems.append(f"{where}: not a row: {e}")
            continue
        if isinstance(value, dict):
            rows.append(Row(table, number, {k.strip(): as_text(v) for k, v in value.items()}))
        else:
            problems.append(f"{where}: expected an object with file_name and label, found {line.strip()[:40]!r}")
    return rows
