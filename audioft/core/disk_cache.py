"""Folders of files that can be made again, each held within a limit: what was used longest ago is thrown away first.

Several processes may share such a folder. Whatever is wrong with it, work goes on: an entry that is gone is made again.
When a file was used last is its time of change, since many file systems do not tell when it was read.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from audioft.errors import UsageError

LOCK = ".in-use"  # never removed: whoever held a lock on a file that is gone would hold nothing
GRACE = 600.0  # seconds for which what was used is left alone, whoever used it


def limit_of(variable: str, gigabytes: float) -> int:
    """The limit, in bytes, that an environment variable gives in GB (1e9 bytes); `gigabytes` where it gives none.

    Raises:
        UsageError: its value is no number of GB, 0 or more.
    """
    text = os.environ.get(variable, "").strip()
    try:
        value = float(text) if text else gigabytes
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UsageError(f"{variable}={text}: expected a number of GB, 0 or more, or no such variable ({gigabytes:g})")
    return round(value * 1e9)


def used(path: Path) -> None:
    """Say that a file is in use now, so that it is among the last to be thrown away."""
    with contextlib.suppress(OSError):
        os.utime(path)


@contextlib.contextmanager
def using(folder: Path) -> Iterator[None]:
    """Until the block ends, `trim` leaves alone what lies in `folder` or below, in this process and in any other.

    Where the file system has no locks, only `GRACE` protects it.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / LOCK, alone=False))
        yield


def trim(folder: Path, limit_bytes: int, keep: Collection[Path] = ()) -> int:
    """Throw away the files below `folder` that were used longest ago, until all of them take at most `limit_bytes`.

    Left alone is what is below a folder that is in use (`using`), what was used in the last `GRACE` seconds, and
    `keep`, so that a folder may stay above its limit for a while. Where another process is at it, nothing is done.

    Args:
        folder: may not be there.
        limit_bytes: 0 or more.
        keep: files to leave alone.

    Returns:
        How many bytes were thrown away.
    """
    freed = 0
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        stack.enter_context(locked(folder / ".trimming", alone=True))
        files = list(_files(folder))
        over = sum(size for _, size, _ in files) - limit_bytes
        if over <= 0:
            return 0
        busy = [place for place in {p.parent for p in folder.rglob(LOCK)} if not _taken(place, stack)]
        latest = time.time() - GRACE
        for last, size, path in sorted(files):
            if freed >= over or last > latest:
                break
            if path in keep or any(place in path.parents for place in busy):
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                freed += size
    return freed


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(when it was used last, its size, itself) of every file below `folder` but locks."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            with contextlib.suppress(OSError):  # another process has thrown it away
                about = path.stat()
                if name not in (LOCK, ".trimming"):
                    yield about.st_mtime, about.st_size, path


def _taken(place: Path, stack: contextlib.ExitStack) -> bool:
    """Take a folder that nobody uses, so that nobody begins to until `stack` ends; False where it is in use."""
    try:
        stack.enter_context(locked(place / LOCK, alone=True))
    except OSError as e:
        return e.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


@contextlib.contextmanager
def locked(path: Path, *, alone: bool) -> Iterator[IO[bytes]]:
    """Hold a lock on a file: one of several holders, who are waited for; or `alone`, and then at once or not at all.

    Yields:
        The file, to be appended to.

    Raises:
        OSError: the lock is held by others, or cannot be had.
    """
    import fcntl

    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        yield file
