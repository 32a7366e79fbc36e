"""Whether whoever does a trial still does it: a lock that the system gives up, and signs of life for other machines."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

HOLDER, ALIVE = "holder", "alive"  # of a trial, among what is kept of it
STALE = 300.0  # seconds without a sign of life, after which a process of another machine is gone
BEAT = 30.0  # seconds between two of them
#: What this process holds: the open lock files, by Optuna's id of the trial.
_HELD: dict[int, IO[bytes]] = {}


def take(folder: Path) -> IO[bytes] | None:
    """The lock of a trial's folder; None where another process holds it."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / ".lock", "ab")  # noqa: SIM115 - it stays open until it is let go
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def hold(trial: int, lock: IO[bytes], folder: Path) -> dict[str, Any]:
    """Keep the lock of a trial's folder until `let_go`; what is to be kept of the trial."""
    _HELD[trial] = lock
    return {HOLDER: f"{_here(folder)}:{os.getpid()}", ALIVE: time.time()}


def let_go(trial: int) -> None:
    """Give up what was held of a trial."""
    if (lock := _HELD.pop(trial, None)) is not None:
        lock.close()


def is_gone(trial: int, folder: Path, about: Mapping[str, Any], elsewhere: bool) -> bool:
    """Whether nobody does a trial that is said to be done.

    Args:
        trial: its id of Optuna.
        folder: where its lock is, on the machine that does it.
        about: what is kept of it.
        elsewhere: whether it may be done in another folder than this, where the lock cannot be seen.
    """
    holder = about.get(HOLDER)
    if elsewhere and holder is not None and holder.rpartition(":")[0] != _here(folder):
        return time.time() - float(about.get(ALIVE, 0.0)) > STALE
    lock = take(folder)
    if lock is None:
        return False
    lock.close()
    return trial not in _HELD


@contextlib.contextmanager
def beating(show: Callable[[str, float], None]) -> Iterator[None]:
    """Inside, `show` is given a sign of life every `BEAT` seconds: its name and the time."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT):
            with contextlib.suppress(Exception):  # the next one may come through
                show(ALIVE, time.time())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _here(folder: Path) -> str:
    """Who sees the lock of a trial's folder: this machine, in this folder of the study."""
    place = os.path.realpath(folder.parent).encode("utf-8", "surrogateescape")
    return f"{socket.gethostname()}/{hashlib.sha256(place).hexdigest()[:8]}"
