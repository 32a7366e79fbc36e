"""Rows of a table made clips, with all that is wrong in them told at once."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from audioft.core.registry import suggest
from audioft.data.clip import Clip
from audioft.data.tables import FILE_COLUMNS, Row, columns_of, file_column
from audioft.data.targets import clean, several, single
from audioft.errors import DataError, Problem, UsageError

ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
GROUP_COLUMNS = ("speaker", "group", "source")
_MOST_FOUND = 10_000  # files whose paths are remembered while a table is read


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
    files, columns = file_column(rows, table), columns_of(rows)
    column = _label_column(columns, table, label)
    said = several if column.endswith("labels") else single
    grouping = _grouping(columns, table, group)
    problems: list[tuple[int, Problem]] = []
    clips: list[Clip] = []
    lines: list[int] = []
    names, kept = Names(root), _Kept()
    for i, row in enumerate(rows):
        cells = row.cells
        try:
            name, path = names.find(cells.get(files, "").strip(), allow_outside)
            start, end = times(cells)
            labels, unknown = said(cells.get(column, ""))
        except ValueError as e:
            problems.append((i, Problem(row.where, e)))
            continue
        split = ROLES.get(cells.get("split", "").strip().lower())
        own = clean(cells.get(grouping, "")) if grouping != "recording" else ""
        clips.append(Clip(path, name, start, end, labels, unknown, split, own or name, kept.of(cells)))
        lines.append(i)
    for first, again in _doubled(clips, as_events):
        where, before, name = rows[lines[again]].where, rows[lines[first]].where, clips[again].name
        problems.append((lines[again], Problem(where, "{} with the same start and end is already in {}", name, before)))
    if problems:
        raise DataError(text for _, text in sorted(problems))
    if group is None and grouping != "recording" and all(c.labels == (clean(c.columns[grouping]),) for c in clips):
        grouping, clips = "recording", [dataclasses.replace(c, group=c.name) for c in clips]
    notes = [f"groups are {grouping}"] if grouping != "recording" else []
    return Read(clips, said is several, grouping, notes)


def _doubled(clips: list[Clip], as_events: bool) -> Iterator[tuple[int, int]]:
    """Clips with the times of an earlier one of their recording, each after that; of events, with its labels, too."""
    seen: dict[object, int] = {}
    for i, clip in enumerate(clips):
        same: object = clip.name
        if not clip.whole or as_events:
            end = None if clip.end is None else round(clip.end, 6)
            same = (clip.name, round(clip.start, 6), end, *(clip.labels if as_events else ()))
        if (first := seen.setdefault(same, i)) != i:
            yield first, i


class _Kept:
    """Cells as clips keep them, without the times; equal ones are one object, as long as there are few of them."""

    def __init__(self) -> None:
        self._shared: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def of(self, cells: dict[str, str]) -> dict[str, str]:
        times = {c: "" for c in ("start", "end") if cells.get(c)}
        if times:
            cells = cells | times
        if len(self._shared) > _MOST_FOUND:
            return cells
        return self._shared.setdefault(tuple(cells.items()), cells)


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
        self._base = os.path.join(root, "")
        self._listed: dict[str, dict[str, str]] = {}
        self._folders: dict[str, Path | None] = {}
        self._found: dict[str, tuple[str, Path]] = {}

    def find(self, name: str, allow_outside: bool) -> tuple[str, Path]:
        """The clip's name and the file's path.

        Raises:
            ValueError: no name, no such file, or a file outside of the root.
        """
        if not name:
            raise ValueError("the row names no file")
        if "\0" in name:
            raise ValueError(f"{name!r}: a path cannot hold a NUL byte")
        if (plain := self._found.get(name) or self._plain(name)) is not None:
            return plain
        path = Path(os.path.normpath(self.root / name))
        if not (allow_outside or path.is_relative_to(self.root) or path.is_relative_to(self.real)):
            raise ValueError(outside(name, self.root))
        try:
            there = path.exists()
        except OSError as e:  # a name longer than a file system takes
            raise ValueError(f"{name[:80]!r}...: no file can have this name: {e.strerror}") from None
        if not there:
            path = self._other_form(path) or path
        if not path.exists():
            hint = "; the path has backslashes, write /" if "\\" in name else ""
            said = f"no such file: {{}} in {{}}{hint}; correct the name or remove the row"
            raise ValueError(Problem("", said, name, self.root))
        if path.is_dir():
            raise ValueError(Problem("", "{} is a folder; expected a recording", name))
        if not (allow_outside or self.inside(path)):
            raise ValueError(outside(name, self.root))
        base = self.root if path.is_relative_to(self.root) else self.real
        listed = path.relative_to(base) if path.is_relative_to(base) else path
        return listed.as_posix(), path

    def _plain(self, name: str) -> tuple[str, Path] | None:
        """What `find` gives for a file that is no link, in a folder inside of the root; None for whatever else.

        It asks the disk once a file, and gives cuts of one recording the same objects: tables have millions of rows.
        """
        path = os.path.normpath(self._base + name)
        folder, _, last = path.rpartition(os.sep)
        if folder not in self._folders:
            place = Path(folder)
            self._folders[folder] = place if place.is_relative_to(self.root) and self.inside(place) else None
        here = self._folders[folder]
        if here is None or os.path.isabs(name):
            return None
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return None
        except OSError:
            return None
        listed = path[len(self._base) :].replace(os.sep, "/")
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        self._found[name] = found = (name if name == listed else listed, here / last)
        return found

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


def side_of(name: str) -> str | None:
    """The side of a split that the first folder of a name is called after."""
    return ROLES.get(name.split("/")[0].lower()) if "/" in name else None


def outside(name: str, root: Path) -> Problem:
    remedy = "move the recording into the folder, or set data.allow_outside=true if you trust the source"
    return Problem("", f"{{}} leads out of {{}}; {remedy}", name, root)


def _label_column(columns: list[str], table: str, label: str | None) -> str:
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


def times(cells: Mapping[str, str]) -> tuple[float, float | None]:
    """A row's `start` and `end` in seconds; ValueError where they are no times."""
    if not (cells.get("start") or cells.get("end")):
        return 0.0, None
    found: dict[str, float | None] = {}
    for key in ("start", "end"):
        text = cells.get(key, "").strip()
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


def _grouping(columns: list[str], table: str, group: str | None) -> str:
    if group is not None:
        if group not in columns and group != "recording":
            raise UsageError(f"{table}: data.group={group!r}: there is no such column{suggest(group, columns)}")
        return group
    return next((c for c in GROUP_COLUMNS if c in columns), "recording")


__all__ = ["FILE_COLUMNS", "ROLES", "Names", "Read", "label_cell", "outside", "side_of", "times", "to_clips"]
