"""Recordings whose labels do not matter, from several places: what an encoder is pretrained on."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.audio.recording_kinds import LOOKED_FOR
from audioft.core.registry import suggest
from audioft.core.wording import counted
from audioft.data import folders, rows
from audioft.data.clip import Clip
from audioft.data.manifest import not_named, table_of
from audioft.data.reading.columns import understood
from audioft.data.reading.file_kinds import LeftOut
from audioft.data.reading.file_names import not_utf8
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
        return Path(_absolute(self.path))


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


def gather(sources: Sequence[Source], allow_outside: bool = False, audio_root: str | None = None) -> Pool:
    """Find the recordings of all sources; what lies in two of them counts once, for the first.

    Args:
        sources: the places.
        allow_outside: accept recordings that lie outside of their source.
        audio_root: the folder that the names in tables are relative to; each table's own by default.

    Raises:
        UsageError: a path that does not exist.
        DataError: a source without recordings, a column that is not there, rows that name no file, folders that cannot
            be read.
    """
    clips: list[Clip] = []
    origin: list[int] = []
    notes: list[str] = []
    seen: set[tuple[str, float, float | None]] = set()
    read, again = _Reading(allow_outside, audio_root), 0
    names = [s.place.stem if s.place.is_file() else s.place.name for s in sources]
    for i, source in enumerate(sources):
        name = names[i] if names.count(names[i]) == 1 else f"{names[i]}-{i + 1}"
        found = read.clips(source)
        kept = [c for c in found if source.test or c.split != "test"]
        if len(kept) < len(found):
            notes.append(
                f"{source.path}: {len(found) - len(kept)} clips of its test side are left out (test: true takes them)"
            )
        if not kept and not read.problems:
            raise DataError(f"{source.path}: no recordings are left of {len(found)}; look at where, without and test")
        for clip in kept:
            same = (os.path.realpath(clip.path), clip.start, clip.end)
            again += same in seen
            if same not in seen:
                seen.add(same)
                clips.append(dataclasses.replace(clip, name=f"{name}/{clip.name}", labels=(), unknown=(), group=""))
                origin.append(i)
    if read.problems:
        raise DataError(read.problems)
    notes = [*read.notes, *read.left_out.notes(), *notes, *not_utf8([c.name for c in clips])]
    if again:
        notes.append(f"{counted(again, 'clip')} that {'is' if again == 1 else 'are'} there already: counted once")
    return Pool(tuple(clips), tuple(origin), tuple(notes))


def shares(pool: Pool, seconds: Sequence[float], sources: Sequence[Source], crop: float) -> np.ndarray:
    """`(N,)`, how likely each recording is to be drawn: by its length in crops, times its source's weight."""
    lengths = np.maximum(1.0, np.asarray(seconds) / crop)
    drawn = lengths * np.array([sources[i].weight for i in pool.source])
    return drawn / drawn.sum()


class _Reading:
    """Sources being read: what is wrong with them, what was passed over, and what is to be told besides."""

    def __init__(self, allow_outside: bool, audio_root: str | None):
        self.allow_outside, self.audio_root = allow_outside, audio_root
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.left_out = LeftOut()

    def clips(self, source: Source) -> list[Clip]:
        place = source.place
        if not place.exists():
            unset = f" ({source.path})" if "$" in source.path else ""
            raise UsageError(f"{place}{unset}: no such file or folder; expected recordings or a table of them")
        if place.is_file() and place.suffix.lower() not in SUFFIXES:
            return [Clip(place, place.name)]
        table = place if place.is_file() else table_of(place, self.notes)
        if table is not None:
            return self._of_table(table, source)
        if source.where or source.without:
            raise UsageError(f"{source.path}: where and without name columns, but the folder has no metadata.csv")
        return self._of_folder(place, source)

    def _of_folder(self, place: Path, source: Source) -> list[Clip]:
        found, here, outside = [], LeftOut(), False
        inside = rows.Names(place).inside
        for path in folders.recordings(place, here):
            name = path.relative_to(place).as_posix()
            if self.allow_outside or inside(path):
                found.append(Clip(path, name, split=rows.side_of(name)))
            else:
                self.problems.append(rows.outside(name, place))
                outside = True
        self.left_out.join(here, Path(source.path))
        self.problems += [Problem(p, f"the folder cannot be read: {why}") for p, why in here.unreadable]
        if not (found or here.unreadable or outside):
            raise DataError(
                f"{source.path}: no recordings in this folder or below it; looked for {LOOKED_FOR}{here.instead()}"
            )
        return found

    def _of_table(self, table: Path, source: Source) -> list[Clip]:
        read = read_table(table)
        files, columns = file_column(read, str(table)), columns_of(read)
        for column in (*source.where, *source.without):
            if column not in columns:
                raise DataError(f"{source.path}: where {column!r}: there is no such column{suggest(column, columns)}")
        root = Path(_absolute(self.audio_root or str(table.parent)))
        names, found = rows.Names(root, self.audio_root is not None), []
        timed, told = understood(read, str(table), label="")  # whatever the labels are
        for row, own in zip(timed, read, strict=True):
            taken = all(_is(own.cells.get(c, ""), v) for c, v in source.where.items())
            if not taken or any(_is(own.cells.get(c, ""), v) for c, v in source.without.items()):
                continue
            try:
                name, path = names.find(row.cells.get(files, "").strip(), self.allow_outside)
                start, end = rows.times(row.cells, advice="; correct one of them, or remove the row")
            except ValueError as e:
                self.problems.append(Problem(row.where, e))
                continue
            # a row that was asked for by its split is wanted, whatever its side
            split = None if "split" in source.where else rows.ROLES.get(row.cells.get("split", "").strip().lower())
            found.append(Clip(path, name, start, end, split=split))
        told += [*names.notes(), *(not_named(root, found) if source.place.is_dir() and len(found) == len(read) else [])]
        self.notes += [f"{source.path}: {note}" for note in told]
        return found


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expandvars(os.path.expanduser(path)))


def _is(cell: str, wanted: Any) -> bool:
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    return cell.strip() in {str(v) for v in values}
