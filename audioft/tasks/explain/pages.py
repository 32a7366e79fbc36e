"""The folder of the pages: each is whole as soon as it is there, and so is its row in `explanations.csv`."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from audioft.core.places import PathLike, folder_for
from audioft.errors import UsageError
from audioft.inference.resumable_rows import RowFile, begun
from audioft.tasks.explain import summary
from audioft.tasks.explain.explanation import Explanation

TABLE = "explanations.csv"
COLUMNS = (
    *("path", "answer", "label", "against", "true", "right", "score", "start", "end", "rests"),
    *("whole", "background", "kept", "drawn", "silent", "seconds", "lasting", "bands", "by_band", "page", "error"),
)
#: Of a recording without its ending, and the times of a stretch of it.
_NAME = re.compile(r"(.*?)(?:\.\w+)?(@[\d.]+-[\d.]*)?", re.DOTALL)


class Pages:
    """Where explanations are written; without a folder nowhere.

    Attributes:
        done: recordings that are there already.
    """

    def __init__(self, folder: Path | None, done: frozenset[str] = frozenset(), keep: int = 0):
        self.folder, self.done = folder, done
        self.rows = None if folder is None else RowFile(folder / TABLE, keep)
        self.names = {Path(row["page"]).stem for row in rows(folder)} if folder is not None and keep else set[str]()
        if self.rows is not None and not keep:
            self._write(COLUMNS)

    def add(self, one: Explanation) -> None:
        """Write a page and its row; of a recording without evidence the row alone."""
        if self.folder is None:
            return
        found = summary.cells(one) | {
            "path": one.path,
            "answer": one.answer or "",
            "against": one.against or "",
            "true": _true(one.true),
            "start": f"{one.start:.3f}",
            "end": f"{one.end:.3f}",
            "rests": one.rests if one.evidence.size else "",
            "page": self._page(one) if one.evidence.size else "",
            "error": str(one.error or ""),
        }
        found |= {name: _figure(getattr(one, name)) for name in ("score", "whole", "background", "kept", "drawn")}
        self._write(tuple(found[name] for name in COLUMNS))

    def _page(self, one: Explanation) -> str:
        assert self.folder is not None
        page = f"{self._name(one.path)}.html"
        one.save(self.folder / page)
        return page

    def _name(self, path: str) -> str:
        """A name that no other row has, of the recording's own."""
        own = _NAME.fullmatch(Path(path).name)
        stem = re.sub(r"[^\w.\-@]+", "_", "".join(filter(None, own.groups())) if own else "")[:80] or "recording"
        name, number = stem, 1
        while name in self.names:
            number += 1
            name = f"{stem}-{number}"
        self.names.add(name)
        return name

    def _write(self, cells: tuple[str, ...]) -> None:
        assert self.rows is not None
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self.rows.write(line.getvalue())


def rows(folder: Path) -> Iterator[dict[str, str]]:
    """The rows of a folder of pages.

    Raises:
        UsageError: it is none.
    """
    table = folder / TABLE
    if not table.is_file():
        raise UsageError(f"{folder} has no {TABLE}: expected a folder that `audioft explain --out` wrote")
    with open(table, newline="", encoding="utf-8", errors="surrogateescape") as file:
        yield from csv.DictReader(file)


@contextmanager
def opened(out: PathLike | None, *, resume: bool, overwrite: bool) -> Iterator[Pages]:
    """The folder `out` for pages.

    Raises:
        UsageError: it has pages and neither `resume` nor `overwrite` is asked for, or it cannot be written.
    """
    if out is None:
        yield Pages(None)
        return
    folder = Path(out)
    folder_for(folder, "--out")
    table = folder / TABLE
    if table.is_file() and not (resume or overwrite):
        raise UsageError(
            f"--out {folder} has explanations already: --resume keeps them and adds the missing ones, --overwrite "
            "replaces them"
        )
    if (folder / "config.yaml").is_file():
        raise UsageError(f"--out {folder} holds a run; give another one")
    before = begun(table, COLUMNS, several=True) if resume else None
    if before is None and table.is_file():
        _remove(folder)
    pages = Pages(folder) if before is None else Pages(folder, before.done, before.keep)
    try:
        yield pages
    finally:
        if pages.rows is not None:
            pages.rows.close()


def _remove(folder: Path) -> None:
    """Take away the pages that a table names, and the table."""
    with open(folder / TABLE, newline="", encoding="utf-8", errors="surrogateescape") as file:
        for row in csv.DictReader(file):
            if page := row.get("page"):
                (folder / Path(page).name).unlink(missing_ok=True)
    (folder / TABLE).unlink()


def _true(labels: tuple[str, ...] | None) -> str:
    if labels is None or len(labels) == 1:
        return "" if labels is None else labels[0]
    return json.dumps(labels, ensure_ascii=False)


def _figure(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else ""
