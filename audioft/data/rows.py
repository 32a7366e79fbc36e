"""Rows of a table made clips, with all that is wrong in them told at once."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import unicodedata
from pathlib import Path

from audioft.data.clip import Clip
from audioft.data.tables import FILE_COLUMNS, Row, columns_of, file_column
from audioft.data.targets import clean, several, single
from audioft.errors import DataError, UsageError
from audioft.registry import suggest

ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
GROUP_COLUMNS = ("speaker", "group", "source")


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """Clips as read, and what was decided on the way."""

    clips: list[Clip]
    multilabel: bool
    grouping: str
    notes: list[str]


def to_clips(
    rows: list[Row],
    table: str,
    root: Path,
    label: str | None,
    group: str | None,
    allow_outside: bool,
    as_events: bool = False,
) -> Read:
    """Make a clip of each row; `as_events`, rows of different labels may have the same times.

    Raises:
        DataError: missing columns; or, of all rows at once, missing files, paths out of the root, duplicates,
            rows without a label, times that are none.
        UsageError: there is no such column as `label` or `group` names.
    """
    files = file_column(rows, table)
    column = _label_column(rows, table, label)
    multilabel = column.endswith("labels")
    problems: list[str] = []
    clips: list[Clip] = []
    seen: dict[tuple, str] = {}
    names = Names(root)
    for row in rows:
        try:
            name, path = names.find(row.cells.get(files, "").strip(), allow_outside)
            start, end = times(row)
            said = (several if multilabel else single)(row.cells.get(column, ""))
        except ValueError as e:
            problems.append(f"{row.where}: {e}")
            continue
        same = (path, round(start, 6), None if end is None else round(end, 6), *(said[0] if as_events else ()))
        if same in seen:
            problems.append(f"{row.where}: {name} with the same start and end is already in {seen[same]}")
            continue
        seen[same] = row.where
        split = ROLES.get(row.cells.get("split", "").strip().lower())
        clips.append(Clip(path, name, start, end, *said, split, name, row.cells))
    if problems:
        raise DataError(problems)
    grouping = _grouping(clips, columns_of(rows), table, group)
    if grouping != "recording":
        clips = [dataclasses.replace(c, group=clean(c.columns.get(grouping, "")) or c.name) for c in clips]
    return Read(clips, multilabel, grouping, [f"groups are {grouping}"] if grouping != "recording" else [])


def label_cell(clip: Clip, multilabel: bool) -> str:
    """The cell that says a clip's labels, the inverse of `audioft.data.targets`."""
    if not multilabel:
        return clip.labels[0] if clip.labels else ""
    unknown = ("?",) if clip.unknown == "rest" else tuple(f"?{label}" for label in clip.unknown)
    return json.dumps([*clip.labels, *unknown], ensure_ascii=False)


class Names:
    """Files by the names a table has for them, kept inside of a root.

    A name is also found where the disk has it in another Unicode normal form (macOS writes NFD, tables hold
    NFC).
    """

    def __init__(self, root: Path):
        self.root, self.real = root, Path(os.path.realpath(root))
        self._listed: dict[str, dict[str, str]] = {}

    def find(self, name: str, allow_outside: bool) -> tuple[str, Path]:
        """The clip's name and the file's path.

        Raises:
            ValueError: no name, no such file, or a file outside of the root.
        """
        if not name:
            raise ValueError("the row names no file")
        if "\0" in name:
            raise ValueError(f"{name!r}: a path cannot hold a NUL byte")
        path = Path(os.path.normpath(self.root / name))
        if not (allow_outside or path.is_relative_to(self.root) or path.is_relative_to(self.real)):
            raise ValueError(outside(name, self.root))
        if not path.exists():
            path = self._other_form(path) or path
        if not path.exists():
            hint = "; the path has backslashes, write /" if "\\" in name else ""
            raise ValueError(f"no such file: {name} in {self.root}{hint}; correct the name or remove the row")
        if path.is_dir():
            raise ValueError(f"{name} is a folder; expected a recording")
        if not (allow_outside or self.inside(path)):
            raise ValueError(outside(name, self.root))
        base = self.root if path.is_relative_to(self.root) else self.real
        listed = path.relative_to(base) if path.is_relative_to(base) else path
        return listed.as_posix(), path

    def inside(self, path: Path) -> bool:
        """Whether the file itself, links followed, lies in the root."""
        return Path(os.path.realpath(path)).is_relative_to(self.real)

    def _other_form(self, path: Path) -> Path | None:
        if not path.is_relative_to(self.root):
            return None
        found = str(self.root)
        for part in path.relative_to(self.root).parts:
            if found not in self._listed:
                entries = os.listdir(found) if os.path.isdir(found) else []
                self._listed[found] = {unicodedata.normalize("NFC", e): e for e in entries}
            entry = self._listed[found].get(unicodedata.normalize("NFC", part))
            if entry is None:
                return None
            found = os.path.join(found, entry)
        return Path(found)


def outside(name: str, root: Path) -> str:
    return (
        f"{name} leads out of {root}; move the recording into the folder, or set data.allow_outside=true if "
        "you trust the source"
    )


def _label_column(rows: list[Row], table: str, label: str | None) -> str:
    columns = columns_of(rows)
    if label is not None:
        if label not in columns:
            raise UsageError(f"{table}: data.label={label!r}: there is no such column{suggest(label, columns)}")
        return label
    found = [c for c in ("label", "labels") if c in columns]
    if len(found) == 2:
        raise DataError(f"{table}: both a label and a labels column; say which with data.label=label or =labels")
    if not found:
        raise DataError(
            f"{table}: no label column; expected label (one) or labels (several), or data.label=COLUMN; the "
            f"columns are {', '.join(columns)}"
        )
    return found[0]


def times(row: Row) -> tuple[float, float | None]:
    """A row's `start` and `end` in seconds; ValueError where they are no times."""
    found: dict[str, float | None] = {}
    for key in ("start", "end"):
        text = row.cells.get(key, "").strip()
        try:
            value = float(text) if text else None
        except ValueError:
            raise ValueError(f"{key} {text!r} is not a number; expected seconds, as 1.5") from None
        if value is not None and (not math.isfinite(value) or value < 0):
            raise ValueError(f"{key} {text!r}: expected seconds from the recording's beginning, at least 0")
        found[key] = value
    start, end = found["start"] or 0.0, found["end"]
    if end is not None and start >= end:
        raise ValueError(f"start {start:g} is not before end {end:g}")
    return start, end


def _grouping(clips: list[Clip], columns: list[str], table: str, group: str | None) -> str:
    if group is not None:
        if group not in columns and group != "recording":
            raise UsageError(f"{table}: data.group={group!r}: there is no such column{suggest(group, columns)}")
        return group
    column = next((c for c in GROUP_COLUMNS if c in columns), None)
    if column is None or all(c.labels == (clean(c.columns.get(column, "")),) for c in clips):
        return "recording"
    return column


__all__ = ["FILE_COLUMNS", "ROLES", "Names", "Read", "label_cell", "outside", "times", "to_clips"]
