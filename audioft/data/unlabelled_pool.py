"""Recordings whose labels do not matter, from several places: what an encoder is pretrained on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core.registry import suggest
from audioft.data import folders, rows
from audioft.data.clip import Clip
from audioft.data.manifest import table_of
from audioft.data.tables import SUFFIXES, columns_of, file_column, read_table
from audioft.errors import DataError, Problem, UsageError


@dataclasses.dataclass(frozen=True)
class Source:
    """A place with recordings.

    Attributes:
        path: a folder (searched in depth; a `metadata.csv`, `.tsv` or `.jsonl` in it wins), a table, or one recording.
        where: of a table, the rows to take: a column and the value, or values, it must have.
        without: the rows to leave out, likewise.
        weight: how often its recordings are drawn, relative to others of the same length.
        test: whether what the source calls its test side is taken too.
    """

    path: str
    where: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    without: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    weight: float = 1.0
    test: bool = False

    @property
    def place(self) -> Path:
        """The path with `~` and environment variables as `$RECORDINGS` filled in, absolute."""
        return Path(os.path.abspath(os.path.expandvars(os.path.expanduser(self.path))))


@dataclasses.dataclass(frozen=True)
class Pool:
    """The recordings of all sources.

    Attributes:
        clips: each with a key of its own: the source's name before its name in it.
        source: `(N,)`, which source each is from.
        notes: what was decided while reading, a sentence each.
    """

    clips: tuple[Clip, ...]
    source: tuple[int, ...]
    notes: tuple[str, ...]


def gather(sources: Sequence[Source], allow_outside: bool = False) -> Pool:
    """Find the recordings of all sources; what lies in two of them counts once, for the first.

    Raises:
        UsageError: a path that does not exist.
        DataError: a source without recordings, a column that is not there, rows that name no file.
    """
    clips: list[Clip] = []
    origin: list[int] = []
    notes: list[str] = []
    seen: set[tuple[str, float, float | None]] = set()
    names = [s.place.stem if s.place.is_file() else s.place.name for s in sources]
    for i, source in enumerate(sources):
        name = names[i] if names.count(names[i]) == 1 else f"{names[i]}-{i + 1}"
        found = _clips(source, allow_outside, notes)
        kept = [c for c in found if source.test or c.split != "test"]
        if len(kept) < len(found):
            notes.append(
                f"{source.path}: {len(found) - len(kept)} clips of its test side are left out (test: true takes them)"
            )
        if not kept:
            raise DataError(f"{source.path}: no recordings are left of {len(found)}; look at where, without and test")
        for clip in kept:
            same = (os.path.realpath(clip.path), clip.start, clip.end)
            if same not in seen:
                seen.add(same)
                clips.append(dataclasses.replace(clip, name=f"{name}/{clip.name}", labels=(), unknown=(), group=""))
                origin.append(i)
    return Pool(tuple(clips), tuple(origin), tuple(notes))


def shares(pool: Pool, seconds: Sequence[float], sources: Sequence[Source], crop: float) -> np.ndarray:
    """`(N,)`, how likely each recording is to be drawn: by its length in crops, times its source's weight."""
    lengths = np.maximum(1.0, np.asarray(seconds) / crop)
    drawn = lengths * np.array([sources[i].weight for i in pool.source])
    return drawn / drawn.sum()


def _clips(source: Source, allow_outside: bool, notes: list[str]) -> list[Clip]:
    place = source.place
    if not place.exists():
        unset = f" ({source.path})" if "$" in source.path else ""
        raise UsageError(f"{place}{unset}: no such file or folder; expected recordings or a table of them")
    if place.is_file() and place.suffix.lower() not in SUFFIXES:
        return [Clip(place, place.name)]
    table = place if place.is_file() else table_of(place, notes)
    if table is not None:
        return _of_table(table, source, allow_outside)
    if source.where or source.without:
        raise UsageError(f"{source.path}: where and without name columns, but the folder has no metadata.csv")
    found = []
    inside = rows.Names(place).inside
    for path in folders.recordings(place):
        name = path.relative_to(place).as_posix()
        if not (allow_outside or inside(path)):
            raise DataError(rows.outside(name, place))
        found.append(Clip(path, name, split=rows.side_of(name)))
    if not found:
        raise DataError(f"{source.path}: no recordings in this folder or below it")
    return found


def _of_table(table: Path, source: Source, allow_outside: bool) -> list[Clip]:
    read = read_table(table)
    files = file_column(read, str(table))
    columns = columns_of(read)
    for column in (*source.where, *source.without):
        if column not in columns:
            raise DataError(f"{source.path}: where {column!r}: there is no such column{suggest(column, columns)}")
    names = rows.Names(Path(os.path.abspath(table.parent)))
    problems, found = [], []
    for row in read:
        taken = all(_is(row.cells.get(c, ""), v) for c, v in source.where.items())
        if not taken or any(_is(row.cells.get(c, ""), v) for c, v in source.without.items()):
            continue
        try:
            name, path = names.find(row.cells.get(files, "").strip(), allow_outside)
            start, end = rows.times(row.cells)
        except ValueError as e:
            problems.append(Problem(row.where, e))
            continue
        # a row that was asked for by its split is wanted, whatever its side
        split = None if "split" in source.where else rows.ROLES.get(row.cells.get("split", "").strip().lower())
        found.append(Clip(path, name, start, end, split=split))
    if problems:
        raise DataError(problems)
    return found


def _is(cell: str, wanted: Any) -> bool:
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    return cell.strip() in {str(v) for v in values}
