"""What the checking pass found, remembered from run to run. Whatever is wrong with this cache, work goes on."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from pathlib import Path

from audioft.audio import io
from audioft.audio.hearing import Hearing
from audioft.data.clip import Clip
from audioft.errors import AudioError

_VERSION = 3  # of the checks: raise it whenever they judge differently
_OLDER = 1
_WITHOUT_REMEDY = 2  # which said less of ultrasound
#: Formats of which the first version, too, heard what the second does: what it found usable still is.
HEARD_AS_BEFORE = frozenset({".flac", ".aif", ".aiff", ".w64", ".caf"})

Finding = tuple[float, str, tuple[str, str] | None, str]


def default_cache() -> Path:
    """`audioft/checked.sqlite` in `$XDG_CACHE_HOME`, or in `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base, "audioft", "checked.sqlite")


class Memory:
    """Findings by a clip's path, the size and time of change of its file, and its start and end.

    Args:
        path: the SQLite file; None remembers nothing.
        hearing: how recordings reach the encoder; what was found is remembered for each way by itself.
    """

    def __init__(self, path: Path | None, hearing: Hearing):
        self._version, self._older = _VERSION, (_OLDER, _WITHOUT_REMEDY)
        if not hearing.plain:
            name = hashlib.sha256(repr(hearing.identity).encode()).digest()
            self._version = _VERSION << 40 | int.from_bytes(name[:5], "big")
            self._older = self._version, self._version
        self._db: sqlite3.Connection | None = None
        self._waiting = 0
        self._stats: dict[Path, tuple[int, int] | None] = {}
        if path is None:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(sqlite3.Error):
            self._db = sqlite3.connect(path, timeout=5)
        self._run(
            "CREATE TABLE IF NOT EXISTS checked (path BLOB, size INTEGER, mtime_ns INTEGER, start REAL, "
            "end REAL, version INTEGER, seconds REAL, digest TEXT, stage TEXT, reason TEXT, "
            "PRIMARY KEY (path, start, end, version))"
        )

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.commit()
            self._forget()

    def of(self, path: Path) -> dict[tuple[float, float | None], Finding]:
        """What was found of the clips of a recording, by their start and end, when its file was as it is now."""
        if (stat := self._stat(path)) is None:
            return {}
        rows = self._run(
            "SELECT start, end, seconds, digest, stage, reason, version FROM checked "
            "WHERE path = ? AND version IN (?, ?, ?) AND size = ? AND mtime_ns = ? ORDER BY version",
            (os.fsencode(path), *self._older, self._version, *stat),
        )
        shared: dict[str, str] = {}  # a recording of thousands of cuts has one digest
        return {
            (start, None if end < 0 else end): (
                seconds,
                shared.setdefault(digest, digest),
                (stage, reason) if stage else None,
                "" if stage else reason,
            )
            for start, end, seconds, digest, stage, reason, version in rows
            if version == self._version or self._holds(version, path, stage, reason)
        }

    def _holds(self, version: int, path: Path, stage: str, reason: str) -> bool:
        """Whether what an older version found of a recording would be found now."""
        if stage or (version == _OLDER and path.suffix.lower() not in HEARD_AS_BEFORE):
            return False
        return " of its energy lies " not in reason and not _heard_further(path)

    def put(self, clip: Clip, finding: Finding) -> None:
        """Remember a finding, under the size and time of change its file had when it was first asked for.

        What cannot be used is remembered without its note.
        """
        if (stat := self._stat(clip.path)) is None:
            return
        times = clip.start, -1.0 if clip.end is None else clip.end
        seconds, digest, problem, note = finding
        row = (os.fsencode(clip.path), *stat, *times, self._version, seconds, digest, *(problem or ("", note)))
        self._run("INSERT OR REPLACE INTO checked VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        self._waiting += 1
        if self._waiting >= 500:  # so that an interrupted pass is not lost
            self._run("COMMIT")
            self._waiting = 0

    def _run(self, statement: str, values: tuple = ()) -> list[tuple]:
        """The rows that it gives; none where the file cannot be used, or not any more."""
        try:
            return [] if self._db is None else self._db.execute(statement, values).fetchall()
        except sqlite3.Error:
            self._forget()
            return []

    def _stat(self, path: Path) -> tuple[int, int] | None:
        """Size and time of change; None where they cannot be told, or nothing is remembered."""
        if self._db is None:
            return None
        if path not in self._stats:
            try:
                stat = os.stat(path)
                self._stats[path] = stat.st_size, stat.st_mtime_ns
            except OSError:
                self._stats[path] = None
        return self._stats[path]

    def _forget(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        self._db = None


def _heard_further(path: Path) -> bool:
    """Whether an older version may have missed a part of it."""
    try:
        return io.heard_further(path)
    except AudioError:  # what was found is told from what it was
        return False
