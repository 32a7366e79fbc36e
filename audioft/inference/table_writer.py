"""How predictions get into a file: refused, begun or gone on with, row by row, and what failed in a table beside."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from audioft.core import set_aside
from audioft.core.places import no_empty_folders
from audioft.core.storage import json_line
from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.inference.resumable_rows import Begun, Failures, RowFile, begun, failed, failures_of
from audioft.inference.table_provenance import beside, keep, refuse

#: Formats with a row a recording, window or event, which can be gone on with.
TABLES = ("csv", "jsonl")
#: Labels that are told with how often they were written, and failures that are told by name.
SHOWN, NAMED = 8, 10


class Writer:
    """What writers of predictions have in common; in a `with` block their file is open.

    Args:
        path: a file, or a folder of files; None for standard output.
        labels: of the model, in order.
        form: of the file, as `csv`.
        top_k: how many labels with their scores.
        all_scores: a column for every label's score.
        resume: keep the recordings that a table in `path` has, and add the others.
        overwrite: replace what is there.
        made: what with, see `made_with`; what a table is gone on with must be the same.

    Attributes:
        done: names of the recordings that the table has already.
        count: how many inputs were written, those that failed too.
        failures: what could not be labelled to its end, in a table of its own.
        rows: how many rows, windows or segments were written.
        labelled: how often each label was; None for a row without a label.
    """

    UNIT = "row"  # what is counted

    def __init__(
        self,
        path: Path | None,
        labels: tuple[str, ...],
        form: str,
        *,
        top_k: int = 1,
        all_scores: bool = False,
        resume: bool = False,
        overwrite: bool = False,
        made: Mapping[str, Any] | None = None,
    ):
        self.path, self.labels, self.form = path, labels, form
        self.top_k, self.all_scores = min(top_k, len(labels)), all_scores
        self.done, self.count = frozenset[str](), 0
        self._resume, self._overwrite, self._made = resume, overwrite, dict(made or {})
        self._begun, self.failures = Begun(), Failures(None)
        self.rows, self.labelled = 0, Counter[str | None]()
        self._foreign: Path | None = None  # a table of failures of something else
        self._file: IO[str] | RowFile = sys.stdout
        self._open_for, self._forgotten, self._restored = contextlib.ExitStack(), False, False
        self._aside = set_aside.folder_of(Path(os.path.realpath(path or "")))  # what is replaced, until there is a row
        if path is not None and not int(os.environ.get("RANK") or "0"):
            set_aside.put_back(self._aside)  # of a call that was killed before its first row

    @property
    def places(self) -> list[Path]:
        """What is written to, besides failures."""
        return [] if self.path is None else [self.path]

    def columns(self) -> list[str]:
        """The names of a table's columns."""
        raise AssertionError("a writer of tables says what their columns are")

    def _refuse(self, path: Path) -> None:
        refuse(path, self._made, resume=self._resume, overwrite=self._overwrite)

    def _go_on(self, several: bool, check: Callable[[int, dict[str, Any]], None] = lambda number, row: None) -> None:
        """Look up what the table that is to be gone on with has; see `begun`."""
        if self.path is None or self.form not in TABLES:
            raise UsageError("--resume goes on with a table: name a .csv or .jsonl file with --out")
        self._refuse(self.path)
        self._begun = begun(self.path, self.columns() if self.form == "csv" else None, several, check)
        self.done = self._begun.done

    def _open(self, path: Path) -> None:
        self._file = RowFile(path, self._begun.keep)
        keep(path, self._made)

    def _rows(self) -> Rows:
        """The table, with a header if it has none yet."""
        rows = Rows(self._file, self.columns() if self.form == "csv" else None)
        if not self._begun.keep:
            rows.head()
        return rows

    def __enter__(self) -> Self:
        if self.path is not None:
            self._open_for.enter_context(no_empty_folders(self.path))
            self._open_for.enter_context(no_empty_folders(self.path.parent))
            table = self._failures_table(self.path)
            if self._overwrite:
                set_aside.set_aside(self._aside, self._written(self.path, table))
            try:
                self._open(self.path)
            except BaseException:
                set_aside.put_back(self._aside)
                raise
            self.failures = Failures(table, failed(table, self.done))
        return self

    def _failures_table(self, path: Path) -> Path:
        """The table of failures that goes with a table, or lies in a folder of label files; see `failures_of`."""
        table, self._foreign = failures_of(path, self.form == "audacity", own=self._overwrite or self._resume)
        return table

    def _written(self, path: Path, failures: Path) -> list[Path]:
        """The files that are replaced as a whole; a pipe is none, and label files are replaced one by one."""
        table = [Path(os.path.realpath(path)), beside(path)] if path.is_file() else []
        return [*table, failures]

    def _wrote(self, rows: int, labels: Iterable[str | None]) -> None:
        """Count rows and their labels; with the first one what they replace is let go."""
        if rows and not self.rows and self.path is not None:
            set_aside.let_go(self._aside)
        self.rows += rows
        self.labelled.update(labels)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._file.flush()
        self.failures.close()
        if isinstance(self._file, RowFile):
            self._file.close()
        lost = len(self.failures.found)
        if self.path is not None and not self._begun.keep and not self.rows and (kind or 0 < lost == self.count):
            self._forget(self.path)
            if error is not None and self._restored:
                error.add_note(f"{self.path} holds what it held before")
        elif self.path is not None:
            set_aside.let_go(self._aside)
            if isinstance(error, KeyboardInterrupt) and self._overwrite and self.form in TABLES:
                error.add_note(f"the same call with --resume instead of --overwrite goes on with {self.places[0]}")
        self._open_for.close()

    def _forget(self, path: Path) -> None:
        """Take a table away that nothing came into, and put back what it was to replace."""
        self._forgotten = True
        if path.is_file():  # and no pipe, and no folder
            Path(os.path.realpath(path)).unlink()
            beside(path).unlink(missing_ok=True)
        if len(self.failures.found) <= NAMED:
            self.failures.forget()
        lost = self.failures.written
        self._restored = set_aside.put_back(self._aside, but=[] if lost is None else [lost])

    def told(self) -> str:
        """What was written: how many rows, with which labels, and where what failed is listed; a sentence."""
        if self._forgotten:
            kept = ", which holds what it held before," if self._restored else ","
            return f"nothing is written to {self.path}{kept} as nothing could be labelled"
        said = f"{counted(self.rows, self.UNIT)} {'added' if self._begun.keep else 'written'} to {self.path}"
        most = self.labelled.most_common()
        found = [f"{'no label' if label is None else label} {count}" for label, count in most[:SHOWN]]
        if len(most) > SHOWN:
            found.append(f"{counted(len(most) - SHOWN, 'other label')} {sum(n for _, n in most[SHOWN:])}")
        said += f": {', '.join(found)}" if found else ""
        return said + self._told_of_failures()

    def _told_of_failures(self) -> str:
        """Where what failed is listed, and what else seems to be such a list; the end of a sentence."""
        lost, other = self.failures.written, self._foreign
        said = f"; {counted(len(self.failures.found), 'failure')} in {lost}" if lost is not None else ""
        return said + (f"; {other}, which was there, is not of this table" if other is not None else "")


class Rows:
    """Rows of a table, as they come.

    Args:
        file: where they go.
        columns: of a CSV table; None for JSON lines, which have the cells that they are given.
    """

    def __init__(self, file: IO[str] | RowFile, columns: Sequence[str] | None):
        self._file = file
        self._csv = None if columns is None else csv.DictWriter(file, columns, restval="", lineterminator="\n")

    def head(self) -> None:
        """The names of the columns, where they stand in the table."""
        if self._csv is not None:
            self._csv.writeheader()
            self._file.flush()

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows by the names of their columns; numbers have six digits after the point."""
        for row in rows:
            if self._csv is None:
                self._file.write(json_row(row))
            else:
                self._csv.writerow({k: spelled_cell(v) for k, v in row.items()})
        self._file.flush()


def json_row(row: Mapping[str, Any]) -> str:
    """A row as a line of JSON, with its line end; numbers have six digits after the point."""
    return json_line(_rounded(row)) + "\n"


def spelled_cell(value: Any) -> Any:
    """A value as a cell; numbers have six digits after the point."""
    return f"{value:.6f}" if isinstance(value, float) else value


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(float(value), 6) if isinstance(value, float) else value


def form_of(path: Path | None, forms: Sequence[str], expected: str) -> str:
    """The format that a file's ending says; CSV on standard output.

    Raises:
        UsageError: it is none of `forms`; `expected` are their endings in words.
    """
    form = "csv" if path is None else path.suffix.removeprefix(".")
    if form not in forms:
        raise UsageError(f"--out {path}: expected a file ending in {expected}")
    return form


def best(scores: Iterable[tuple[str | None, float]]) -> dict[str, Any]:
    """Labels with their scores, best first, as cells.

    >>> best([("a", 0.5), ("b", 0.25)])
    {'label': 'a', 'score': 0.5, 'label_2': 'b', 'score_2': 0.25}
    """
    cells: dict[str, Any] = {}
    for k, (label, score) in enumerate(scores, 1):
        end = f"_{k}" if k > 1 else ""
        cells |= {f"label{end}": label, f"score{end}": score}
    return cells
