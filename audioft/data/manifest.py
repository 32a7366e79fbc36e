"""All labelled clips of a source: a folder, a table, or rows given in Python."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from audioft.annotations.event import Event
from audioft.core import csv_tables
from audioft.core.wording import counted
from audioft.data import folders, rows
from audioft.data.clip import Clip, seconds
from audioft.data.inputs import unlabelled
from audioft.data.reading import from_names, tidying
from audioft.data.reading.alike import spellings
from audioft.data.reading.choices import PLAIN, Choices
from audioft.data.reading.exclusion import excluded
from audioft.data.reading.file_names import not_utf8
from audioft.data.tables import Row, as_text, read_table
from audioft.data.targets import label_order
from audioft.errors import DataError, UsageError

if TYPE_CHECKING:
    from audioft.data.check import Checked
    from audioft.data.sides import Split

__all__ = ["Manifest", "load", "save", "unlabelled"]

METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl")


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """The clips of a source and what their labels are.

    Attributes:
        root: the folder that the clips' names are relative to.
        clips: in the order of the source (a folder's: sorted by name).
        labels: all labels, sorted, NFC.
        multilabel: whether a clip may have any number of labels.
        layout: `classes`, `splits`, `table`, `rows` or `events`.
        notes: what was decided or left out while reading, one sentence each.
        grouping: what the clips' groups are: a column's name, or `recording`.
        events: of clips that are windows of annotated recordings, the recordings' events by name; else None.
    """

    root: Path
    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    multilabel: bool
    layout: str
    notes: tuple[str, ...] = ()
    grouping: str = "recording"
    events: Mapping[str, tuple[Event, ...]] | None = None

    def select(self, indices: Iterable[int]) -> Manifest:
        """The same manifest with some of its clips; the labels stay as they are."""
        return dataclasses.replace(self, clips=tuple(self.clips[i] for i in indices))


def load(
    source: str | Path | Sequence[Mapping[str, Any]],
    *,
    root: str | Path | None = None,
    label: str | None = None,
    group: str | None = None,
    allow_outside: bool = False,
    least_labels: int = 2,
    as_events: bool = False,
    choices: Choices = PLAIN,
) -> Manifest:
    """Read a source of labelled clips.

    Args:
        source: a folder with a folder a class; one with `train`, `valid`, `test` (or their usual synonyms)
            and the classes in those; a folder with a `metadata.csv`, `.tsv` or `.jsonl`, which wins over
            folder names; such a table; or rows as mappings.
        root: the folder a table's names are relative to; the table's own by default, for rows the working
            folder.
        label: the column with the labels; `label` or `labels` by default. A name that ends in `labels` may
            hold several, see `audioft.data.targets`. Or what of a recording's name it is, see `from_names`.
        group: the column with the groups, or what of a name they are; `recording` is the recording itself. By default
            `speaker`, `group` or `source`, whichever is there, unless it equals the label in every row; else the
            recording.
        allow_outside: accept recordings that lie outside of `root`.
        least_labels: how many classes a single-label source must have: 2 to train, 1 to evaluate.
        as_events: a table's rows of different labels may have the same times.
        choices: where the source can be meant in several ways.

    Raises:
        UsageError: no such path, or no kind of source.
        DataError: everything that is wrong with the source, all at once.
    """
    notes: list[str] = []
    if not isinstance(source, str | Path):
        if not isinstance(source, Sequence) or not all(isinstance(r, Mapping) for r in source):
            raise UsageError("expected a folder, a table, or a list of mappings with file_name and label")
        if not source:
            raise DataError("the list of rows is empty; expected one mapping a clip, with file_name and label")
        mappings = cast(Sequence[Mapping[str, Any]], source)
        texts = [Row("row", i, {k: as_text(v) for k, v in r.items()}) for i, r in enumerate(mappings, 1)]
        base = Path(os.path.realpath(root or "."))
        read = rows.to_clips(texts, "the rows", base, label, group, allow_outside or root is None, choices=choices)
        return _manifest(base, read, "rows", notes, least_labels, choices)
    path = Path(source)
    if "\0" in str(path):
        raise UsageError(f"{str(path)!r}: a path cannot hold a NUL byte")
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder; expected a folder of recordings or a table of them")
    table = path if path.is_file() else table_of(path, notes)
    if table is not None:
        base = absolute(os.path.expanduser(choices.audio_root or root or table.parent))
        if not base.is_dir():
            raise UsageError(f"{base}: no such folder; expected the one that the recordings of {table} lie in")
        read = rows.to_clips(read_table(table), str(table), base, label, group, allow_outside, as_events, choices)
        if path.is_dir():
            notes += not_named(base, read.clips, choices.exclude)
        return _manifest(base, read, "table", notes, least_labels, choices, as_events)
    parts = from_names.asked(label, "data.label"), from_names.asked(group, "data.group")
    wrong = [("data.label", label)] if label and parts[0] is None else []
    wrong += [("data.group", group)] if group not in (None, "recording") and parts[1] is None else []
    for key, value in wrong:
        raise UsageError(
            f"{key}={value!r} names a column, but {path} has no metadata.csv: a folder has none; {key}=folder:1 is "
            'the name of a folder in it, folder:-1 of that which a recording lies in, "name:^(.*?)_" a part of names'
        )
    base = absolute(path)
    empty: set[str] = set()
    clips, layout = folders.to_clips(base, allow_outside, notes, choices, *parts, empty)
    grouping = "recording" if parts[1] is None else str(group)
    birdnet = choices.folders == "birdnet"
    if birdnet:
        choices = folders.without_told(choices, clips)
        clips = folders.as_birdnet(clips)
    notes += [] if birdnet else folders.like_birdnet(clips)
    read = rows.Read(clips, birdnet, grouping, notes)
    return _manifest(base, read, layout, [], least_labels, choices, empty=empty)


def save(manifest: Manifest, split: Split | None, path: str | Path, checked: Sequence[Checked] | None = None) -> None:
    """Write the clips as a table that `load(path, root=manifest.root)` reads again; names keep their bytes.

    Args:
        manifest: the clips.
        split: their sides; None leaves the column empty.
        path: the CSV file to write.
        checked: what the checking pass measured, one a clip: fills `duration` (seconds) and `sha256`.
    """
    label = "labels" if manifest.multilabel else "label"
    own = ["path", label, "split", "start", "end", "duration", "sha256", "group"]
    taken = {*own, "label", "labels", *rows.FILE_COLUMNS}
    further = list(dict.fromkeys(c for clip in manifest.clips for c in clip.columns if c not in taken))
    sides = split.sides(len(manifest.clips)) if split else [""] * len(manifest.clips)

    def lines() -> Iterator[list[str]]:
        yield own + further
        for i, clip in enumerate(manifest.clips):
            found = checked[i] if checked else None
            yield [
                clip.name,
                rows.label_cell(clip, manifest.multilabel),
                sides[i],
                seconds(clip.start) if clip.start else "",
                "" if clip.end is None else seconds(clip.end),
                seconds(found.seconds) if found else "",
                found.digest if found else "",
                clip.group,
                *(clip.columns.get(c, "") for c in further),
            ]

    csv_tables.write(Path(path), lines())


def saved(path: str | Path) -> dict[str, dict[str, str]]:
    """The rows of a table that `save` wrote, by path and times of the clip; none if it is not there."""
    if not Path(path).is_file():
        return {}
    found = {}
    for row in read_table(path):
        cells = row.cells
        times = f" ({cells['start'] or 0} to {cells['end']} s)" if cells.get("end") or cells.get("start") else ""
        found[f"{cells.get('path', '')}{times}"] = cells
    return found


def _manifest(
    root: Path,
    read: rows.Read,
    layout: str,
    notes: list[str],
    least: int,
    choices: Choices,
    as_events: bool = False,
    empty: Collection[str] = (),
) -> Manifest:
    tidied: list[str] = []
    clips = read.clips if as_events else tidying.clips(read.clips, read.multilabel, choices, tidied, empty)
    if not clips:
        raise DataError(f"{root}: no clip is left: {'; '.join(tidied)}")
    labels = label_order(clips)
    if not read.multilabel and len(labels) < least:
        raise DataError(
            f"{root}: all {len(clips)} clips have the one label {', '.join(map(repr, labels))}; "
            f"expected at least {least} classes: add a folder (or rows) of another class"
        )
    if not labels:
        raise DataError(f"{root}: no clip has any label")
    alike = [] if as_events else spellings(labels, choices.rename)
    told = (*notes, *read.notes, *tidied, *alike, *not_utf8([c.name for c in clips]))
    return Manifest(root, tuple(clips), labels, read.multilabel, layout, told, read.grouping)


def not_named(root: Path, clips: Sequence[Clip], exclude: Sequence[str] = ()) -> list[str]:
    """A sentence where recordings lie in a folder that its table does not name, and are not left out on purpose."""
    named = {clip.name for clip in clips}
    others = [n for p in folders.recordings(root) if (n := p.relative_to(root).as_posix()) not in named]
    if exclude and others:
        with contextlib.suppress(UsageError):  # what is left out may be in the table alone
            gone = excluded(exclude, others, root, []).touched
            others = [n for n in others if n not in gone]
    if not others:
        return []
    return [f"{counted(len(others), 'recording')} that the table does not name, left out: {', '.join(others[:3])}"]


def table_of(folder: Path, notes: list[str]) -> Path | None:
    """The table of a folder that has one; what it overrules is added to `notes`."""
    found = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(found) > 1:
        raise DataError(
            f"{folder}: more than one table: {', '.join(p.name for p in found)}; keep one, or give the path of one"
        )
    if not found:
        return None
    if any(p.is_dir() and not p.name.startswith(".") for p in folder.iterdir()):
        notes.append(f"labels come from {found[0].name}; the names of the folders beside it are not used")
    return found[0]


def absolute(path: str | Path) -> Path:
    """A path from the root of the disk, links kept."""
    # not `resolve`: a data folder that is itself a link keeps the name the user knows
    return Path(os.path.abspath(path))
