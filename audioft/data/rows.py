"""Rows of a table made clips, with all that is wrong in them told at once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from audioft.core.registry import suggest
from audioft.data import targets
from audioft.data.clip import Clip
from audioft.data.reading import exclusion, from_names
from audioft.data.reading.choices import PLAIN, Choices
from audioft.data.reading.columns import at_least, understood
from audioft.data.reading.file_names import Names, outside
from audioft.data.reading.label_cells import reader
from audioft.data.reading.row_times import times
from audioft.data.tables import FILE_COLUMNS, Row, columns_of, file_column
from audioft.data.targets import clean
from audioft.errors import DataError, Problem, UsageError

ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
GROUP_COLUMNS = ("speaker", "group", "source")
_MAYBE_LABELS = (
    "class",
    "category",
    "species",
    "target",
    "tag",
    "tags",
    "name",
    "classname",
    "class_name",
    "primary_label",
)
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
    choices: Choices = PLAIN,
) -> Read:
    """Make a clip of each row.

    Args:
        rows: of a table.
        table: which one, for messages.
        root: the folder the names are relative to.
        label, group, allow_outside: see `manifest.load`.
        as_events: rows of different labels may have the same times.
        choices: where a table can be meant in several ways.

    Raises:
        DataError: missing columns; or, of all rows at once, missing files, paths out of the root, duplicates,
            rows without a label, times that are none.
        UsageError: there is no such column as `label` or `group` names.
    """
    ours = {"sha256", "duration", "group"} <= set(columns_of(rows))  # `manifest.save` wrote it: all is as it says
    rows, notes = (rows, []) if ours else understood(rows, table, label)
    rows = at_least(rows, choices.min_score, notes)
    files, columns = file_column(rows, table), columns_of(rows)
    named, grouped = (
        None if text in columns else from_names.asked(text, key)
        for key, text in (("data.label", label), ("data.group", group))
    )
    rows = _without(rows, files, root, choices, as_events, notes)
    column = str(label) if named is not None else _label_column(columns, table, label)
    several = column.endswith("labels") and named is None
    said: Callable[[str], targets.Said] = targets.several if several else targets.single
    if not ours and named is None:
        said, several = reader(column, (row.cells.get(column, "") for row in rows), table, choices.na == "keep", notes)
    if files not in FILE_COLUMNS:
        notes.append(f"recordings are named by the column {files!r}")
    grouping = str(group) if grouped is not None else _grouping(columns, table, group)
    problems: list[tuple[int, Problem]] = []
    clips: list[Clip] = []
    lines: list[int] = []
    names, kept = Names(root, choices.audio_root is not None), _Kept()
    for i, row in enumerate(rows):
        cells = row.cells
        try:
            name, path = names.find(cells.get(files, "").strip(), allow_outside)
            start, end = times(cells, as_events, "; events.point_width=SECONDS gives points a length")
            labels, unknown = said(cells.get(column, "") if named is None else named.of(name))
            of = cells.get(grouping, "") if grouped is None else grouped.of(name)
        except ValueError as e:
            problems.append((i, Problem(row.where, e)))
            continue
        split = ROLES.get(cells.get("split", "").strip().lower())
        own = clean(of) if grouping != "recording" else ""
        clips.append(Clip(path, name, start, end, labels, unknown, split, own or name, kept.of(cells)))
        lines.append(i)
    for first, again in _doubled(clips, as_events):
        where, before, name = rows[lines[again]].where, rows[lines[first]].where, clips[again].name
        problems.append((lines[again], Problem(where, "{} with the same start and end is already in {}", name, before)))
    if problems:
        raise DataError(text for _, text in sorted(problems))
    if group is None and grouping != "recording" and all(c.labels == (clean(c.columns[grouping]),) for c in clips):
        grouping, clips = "recording", [dataclasses.replace(c, group=c.name) for c in clips]
    notes += names.notes()
    notes += [f"groups are {grouping}"] if grouping != "recording" else []
    return Read(clips, several, grouping, notes)


def _without(rows: list[Row], files: str, root: Path, choices: Choices, as_events: bool, notes: list[str]) -> list[Row]:
    """The rows that are not left out, by names as they are written, which need not be there.

    Events stay whose times are left out: what lies there is no background.
    """
    if not choices.exclude:
        return rows
    names = [exclusion.plain(row.cells.get(files, "")) for row in rows]
    gone = exclusion.excluded(choices.exclude, set(names), root, notes)
    kept = [(row, name) for row, name in zip(rows, names, strict=True) if name not in gone.names]
    if gone.times and not as_events:
        clips = [(name, *_times_of(row)) for row, name in kept]
        out = exclusion.at_times(gone.times, clips, notes)
        kept = [pair for i, pair in enumerate(kept) if i not in out]
    if not kept:
        raise DataError(f"{root}: data.exclude leaves out all of its {len(rows)} rows")
    return [row for row, _ in kept]


def _times_of(row: Row) -> tuple[float, float | None]:
    """A row's times; of what is none, which is told later, those of the whole recording."""
    try:
        return times(row.cells, points=True)
    except ValueError:
        return 0.0, None


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


def side_of(name: str) -> str | None:
    """The side of a split that the first folder of a name is called after."""
    return ROLES.get(name.split("/")[0].lower()) if "/" in name else None


def _label_column(columns: list[str], table: str, label: str | None) -> str:
    if label is not None:
        if label not in columns:
            raise UsageError(f"{table}: data.label={label!r}: there is no such column{suggest(label, columns)}")
        return label
    found = [c for c in ("label", "labels") if c in columns]
    if len(found) == 2:
        raise DataError(f"{table}: both a label and a labels column; say which with data.label=label or =labels")
    if not found:
        likely = next((c for c in columns if c.lower() in _MAYBE_LABELS), None)
        which = f"data.label={likely}" if likely else "data.label=COLUMN"
        raise DataError(
            f"{table}: no label column; expected label (one) or labels (several), or {which}; the columns are "
            f"{', '.join(columns)}"
        )
    return found[0]


def _grouping(columns: list[str], table: str, group: str | None) -> str:
    if group is not None:
        if group not in columns and group != "recording":
            raise UsageError(f"{table}: data.group={group!r}: there is no such column{suggest(group, columns)}")
        return group
    return next((c for c in GROUP_COLUMNS if c in columns), "recording")


__all__ = ["FILE_COLUMNS", "ROLES", "Names", "Read", "label_cell", "outside", "side_of", "times", "to_clips"]
