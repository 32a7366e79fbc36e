"""One process a folder: whoever trains into a run folder holds it, and a second one is told by whom."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from audioft.core import disk_cache
from audioft.core.places import no_empty_folders
from audioft.errors import UsageError

LOCK = ".lock"


@contextlib.contextmanager
def held(folder: Path, what: str = "run") -> Iterator[None]:
    """Hold a run folder until the block ends; it is made if it is not there, and removed if it ends up empty.

    The system gives up what a killed process held, so nothing has to be cleared away by hand. Of several processes that
    a launcher started, the first one holds it for all.

    Args:
        folder: the run folder, or the folder of an encoder that is pretrained.
        what: it is made for, in messages.

    Raises:
        UsageError: it is a file, cannot be made, or another process holds it, which is named.
    """
    if int(os.environ.get("RANK") or "0"):
        yield
        return
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give the {what} a folder of its own (--out)")
    with no_empty_folders(folder), contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(_alone(folder / LOCK))
        except BlockingIOError:
            raise UsageError(
                f"{folder} is in use: {_holder(folder / LOCK)} trains there; wait for its end, or give another --out"
            ) from None
        except OSError as e:
            raise UsageError(f"{folder} cannot be made: {e.strerror}; give another --out") from e
        me = {
            "process": os.getpid(),
            "machine": socket.gethostname(),
            "since": datetime.now().isoformat(" ", "seconds"),
            "command": " ".join(sys.argv),
        }
        file.truncate(0)
        file.write(json.dumps(me).encode())
        file.flush()
        yield


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """A file that nobody else holds, removed at the end.

    Raises:
        OSError: `BlockingIOError` where another process holds it.
    """
    while True:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(disk_cache.locked(path, alone=True))
            if not _is_at(file, path):  # whoever held it removed it between our opening and locking it
                continue
            try:
                yield file
            finally:
                if _is_at(file, path):
                    path.unlink()
            return


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return f"process {found['process']} on {found['machine']} (since {found['since']}: {found['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
