"""The folder of the pages: each is whole as soon as it is there, and so is its row in `explanations.csv`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from audioft.core.places import PathLike, folder_for
from audioft.errors import UsageError
from audioft.inference.resumable_rows import RowFile, begun
from audioft.tasks.explain.explanation import Explanation

TABLE = "explanations.csv"
COLUMNS = (
    *("path", "answer", "label", "score", "start", "end", "rests"),
    *("whole", "background", "kept", "drawn", "silent", "page", "error"),
)


class Pages:
    """Where explanations are written; without a folder nowhere.

    Attributes:
        done: recordings that are there already.
    """

    def __init__(self, folder: Path | None, done: frozenset[str] = frozenset(), keep: int = 0):
        self.folder, self.done = folder, done
        self.rows = None if folder is None else RowFile(folder / TABLE, keep)
        self.names = set() if folder is None else {p.stem for p in folder.glob("*.html")} if keep else set[str]()
        if self.rows is not None and not keep:
            self._write(COLUMNS)

    def add(self, one: Explanation) -> None:
        """Write a page and its row; of a recording without evidence the row alone."""
        if self.folder is None:
            return
        page = ""
        if one.evidence.size:
            page = f"{self._name(one.path)}.html"
            one.save(self.folder / page)
        numbers = [one.whole, one.background, one.kept, one.drawn, one.silent]
        self._write(
            (
                *(
                    one.path,
                    one.answer or "",
                    one.label or "",
                    _figure(one.score),
                    f"{one.start:.3f}",
                    f"{one.end:.3f}",
                ),
                *(one.rests if one.evidence.size else "", *map(_figure, numbers), page, str(one.error or "")),
            )
        )

    def _name(self, path: str) -> str:
        """A name that is free, of the recording's own."""
        stem = re.sub(r"[^\w.\-]+", "_", Path(path).stem)[:80] or "recording"
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
    before = begun(table, COLUMNS, several=True) if resume else None
    pages = Pages(folder) if before is None else Pages(folder, before.done, before.keep)
    try:
        yield pages
    finally:
        if pages.rows is not None:
            pages.rows.close()


def _figure(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else ""
