"""Tables that hold whole rows at any time, so that one that was left off can be gone on with."""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audioft.errors import AudioftError, UsageError

_ENDINGS = (".csv", ".jsonl", ".txt", ".rttm")  # of tables


class RowFile:
    """A file that is given rows, each written in one piece: a program that is killed leaves no part of one.

    Args:
        path: the file; its folder is made if it is not there.
        keep: bytes of it that stay; what comes after is cut off.

    Raises:
        UsageError: it cannot be written.
    """

    def __init__(self, path: Path, keep: int = 0):
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        except OSError as e:
            reason = f"{path.parent} is not a folder" if path.parent.is_file() else e.strerror
            raise UsageError(f"--out {path} cannot be written: {reason}; give another path") from e
        self._at = keep
        with contextlib.suppress(OSError):  # a pipe has no length
            os.ftruncate(self._handle, keep)
            os.lseek(self._handle, keep, os.SEEK_SET)

    def write(self, text: str) -> int:
        """Add a row, with its line end.

        Raises:
            AudioftError: the file system refuses; the rows before it stay.
        """
        data = text.encode("utf-8", "surrogateescape")  # a name that is not UTF-8 gets its own bytes
        written = 0
        try:
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError as e:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._at)
                os.lseek(self._handle, self._at, os.SEEK_SET)
            raise AudioftError(
                f"cannot write {self.path} ({len(data):,} bytes): {e.strerror}; its rows so far are whole"
            ) from e
        self._at += written
        return len(text)

    def writelines(self, rows: Sequence[str] | Iterator[str]) -> None:
        for row in rows:
            self.write(row)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        os.close(self._handle)


class Failures:
    """The table `path,reason` of what could not be labelled, begun with the first of them.

    Args:
        path: where it is written; None to hold them only.
        kept: those of a table that is gone on with.

    Attributes:
        found: all of them.
    """

    def __init__(self, path: Path | None, kept: Sequence[tuple[str, str]] = ()):
        self.path, self.found = path, list[tuple[str, str]]()
        self._file: RowFile | None = None
        if path is not None:
            path.unlink(missing_ok=True)
        for name, reason in kept:
            self.add(name, reason)

    def add(self, name: str, reason: str) -> None:
        """Another one."""
        self.found.append((name, reason))
        if self.path is None:
            return
        if self._file is None:
            self._file = RowFile(self.path)
            self._row(("path", "reason"))
        self._row((name, reason))

    def _row(self, cells: tuple[str, str]) -> None:
        assert self._file is not None
        csv.writer(self._file, lineterminator="\n").writerow(cells)

    @property
    def written(self) -> Path | None:
        """The table; None where there was nothing to write."""
        return self.path if self._file is not None else None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def forget(self) -> None:
        """Take the table away, once it is closed."""
        if self._file is not None:
            self._file.path.unlink(missing_ok=True)
        self._file = None


@dataclass(frozen=True)
class Begun:
    """A table that was begun.

    Attributes:
        done: names of the recordings whose rows are all there.
        keep: bytes that stay: the header and the rows of those.
        last: the last row that stays, by its columns; None if there is none.
    """

    done: frozenset[str] = frozenset()
    keep: int = 0
    last: dict[str, Any] | None = field(default=None, hash=False)


def begun(
    path: Path,
    columns: Sequence[str] | None,
    several: bool,
    check: Callable[[int, dict[str, Any]], None] = lambda number, row: None,
) -> Begun:
    """What is there of a table, without a row that was cut short.

    Args:
        path: the table; need not be there.
        columns: expected in its header; None for JSON lines.
        check: told of each row and its number, from 1; raises where it is none of such a table.
        several: whether a recording may have several rows. Then those of the last one may not be all, and do not count.

    Raises:
        UsageError: it holds something else.
    """
    if not path.is_file():
        return Begun()
    done: set[str] = set()
    keep = end = _header_end(path, columns)
    name: str | None = None
    last: dict[str, Any] | None = None
    for number, (at, row) in enumerate(_rows(path, columns), 1):
        check(number, row)
        if row["path"] != name:
            if name is not None:
                done.add(name)
            name, keep = row["path"], end
        end, last = at, row
    if several or name is None:
        return Begun(frozenset(done), keep)
    return Begun(frozenset(done | {name}), end, last)


def failed(path: Path, done: Collection[str]) -> list[tuple[str, str]]:
    """What a table of failures says of recordings that are done: those that break off after a while."""
    if not path.is_file():
        return []
    return [(row["path"], row["reason"]) for _, row in _rows(path, ("path", "reason")) if row["path"] in done]


def failures_of(out: Path, folder: bool, *, own: bool) -> tuple[Path, Path | None]:
    """The table of failures of a table, or of a `folder` of label files; one that is there is of something else.

    Args:
        out: the table or folder.
        folder: which of them.
        own: it may be of a call that is replaced or gone on with, unless it is no such table, or another table has the
            same name before its ending.

    Returns:
        Its path; the usual one, where that is of something else.
    """
    first = out / "failures.csv" if folder else out.with_name(f"{out.stem}.failures.csv")
    more = out / "failures" if folder else out.with_name(f"{out.name}.failures")
    others = [] if folder else [out.with_suffix(ending) for ending in _ENDINGS if ending != out.suffix]
    numbered = (Path(f"{more}{'' if n == 1 else f'-{n}'}.csv") for n in itertools.count(1 + folder))
    for path in itertools.chain([first], numbered):
        alone = path != first or not any(other.is_file() for other in others)
        if not os.path.lexists(path) or (own and alone and _is_failures(path)):
            return path, first if path != first else None
    raise AssertionError("there is a number that is free")


def _is_failures(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.readline(100) == b"path,reason\n"
    except OSError:
        return False


def _header_end(path: Path, columns: Sequence[str] | None) -> int:
    lines = _Lines(path)
    header = None if columns is None else next(csv.reader(lines), None)
    if columns is not None and header is not None and header != list(columns):
        raise UsageError(
            f"{path} has other columns ({_few(header)}) than these options ask for ({_few(columns)}); give the "
            "options it was begun with, or another --out"
        )
    return lines.read


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


def _rows(path: Path, columns: Sequence[str] | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Whole rows, each with the byte at which it ends."""
    lines = _Lines(path)
    try:
        if columns is None:
            for line in lines:
                yield lines.read, _named(json.loads(line))
        else:
            reader = csv.reader(lines, strict=True)
            next(reader, None)
            for cells in reader:
                if len(cells) != len(columns):
                    raise ValueError(f"it has {len(cells)} cells, the header {len(columns)}")
                yield lines.read, _named(dict(zip(columns, cells, strict=True)))
    except csv.Error:  # it was cut within a quoted name
        return
    except ValueError as e:
        raise UsageError(
            f"{path}, line {lines.count}: this is no row of a table of predictions ({e}); give another --out"
        ) from e


def _named(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not isinstance(row.get("path"), str):
        raise ValueError("it names no recording")
    return row


class _Lines:
    """The lines of a file that have an end, and how much of it was read."""

    def __init__(self, path: Path):
        self.path, self.read, self.count = path, 0, 0

    def __iter__(self) -> Iterator[str]:
        with open(self.path, "rb") as file:
            for line in itertools.takewhile(lambda line: line.endswith(b"\n"), file):
                self.read += len(line)
                self.count += 1
                yield line.decode("utf-8", "surrogateescape")
