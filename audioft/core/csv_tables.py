"""Tables as comma-separated values: as text, and as files that are whole or not there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from audioft.core.storage import new_file


def text(rows: Iterable[Sequence[Any]]) -> str:
    """A table; None is an empty cell."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def write(path: Path, rows: Iterable[Sequence[Any]], errors: str = "surrogateescape") -> None:
    """Write a table, row by row as they come.

    Args:
        path: the file; its folder is there.
        rows: the header first.
        errors: what becomes of names that are not UTF-8: by default they get their own bytes back.

    Raises:
        AudioftError: the file system refuses; `path` is then as it was.
    """
    with new_file(path) as file:
        lines = io.TextIOWrapper(file, encoding="utf-8", errors=errors, newline="")
        csv.writer(lines, lineterminator="\n").writerows(rows)
        lines.detach()  # and what it still holds is written
