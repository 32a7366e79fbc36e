"""Where a study's trials stand: Optuna's storages, opened so that a killed process damages nothing.

A journal is one file in the study's folder, held by a lock that the system gives up with the process; a line that was
cut off when its writer was killed is taken away before the next one is written. A database is for several machines.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from audioft.errors import AudioftError, UsageError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "journal.log"
MISSING = '`audioft search` needs Optuna: pip install "audioft[search]"'
#: File systems over a network, whose locks are not to be relied on (optuna#5138, optuna#6036).
NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "glusterfs", "fuse.glusterfs", "ceph", "lustre")
#: Databases with a server, which several machines reach.
SERVED = ("postgresql", "mysql", "mariadb", "mssql", "oracle")


def require() -> None:
    """Say where Optuna is missing.

    Raises:
        UsageError: so it is.
    """
    try:
        import optuna
    except ImportError as e:
        raise UsageError(MISSING) from e
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@contextlib.contextmanager
def experimental() -> Iterator[None]:
    """Inside, Optuna does not say that what is made of it may change: the version that is used is known to do."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def opened(folder: Path, url: str | None) -> BaseStorage:
    """The storage of the study in a folder: its journal, or a database.

    Args:
        folder: of the study.
        url: as SQLAlchemy spells it; None for the journal.

    Raises:
        UsageError: it lies on a network file system, or there is no such kind of database.
        AudioftError: it cannot be reached or read.
    """
    require()
    from optuna.exceptions import StorageInternalError
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.exc import SQLAlchemyError

    if url is None:
        refuse_network(folder, "the study's journal")
        try:
            lock: Any = HeldJournal(folder / JOURNAL)
            return JournalStorage(JournalFileBackend(str(folder / JOURNAL), lock))
        except (ValueError, OSError) as e:
            raise AudioftError(f"{folder / JOURNAL} cannot be read: {e}; put it back from a copy") from e
    if url.startswith("sqlite"):
        refuse_network(Path(url.partition(":///")[2]).absolute().parent, f"the database {url}")
    try:
        return RDBStorage(url, skip_compatibility_check=False)
    except ImportError as e:
        raise UsageError(f"--storage {shown(url)}: its driver is missing: {e}; install it with pip") from e
    except (StorageInternalError, SQLAlchemyError, RuntimeError, ValueError) as e:
        why = str(getattr(e, "__cause__", None) or e).splitlines()[0][:200]
        raise AudioftError(f"--storage {shown(url)} cannot be reached or read: {why}") from e


def forget(folder: Path, url: str) -> None:
    """Take the study of a folder out of its database, if it is there."""
    import optuna

    with contextlib.suppress(KeyError):
        optuna.delete_study(study_name=folder.resolve().name, storage=opened(folder, url))


def shared(url: str | None) -> bool:
    """Whether several machines may work on it."""
    return url is not None and url.split("+")[0].split(":")[0] in SERVED


def shown(url: str) -> str:
    """An address without its password."""
    head, at, rest = url.rpartition("@")
    if not at:
        return url
    scheme, slashes, user = head.partition("://")
    return f"{scheme}{slashes}{user.partition(':')[0]}@{rest}"


def going_on(folder: Path, kept: str | None, asked: str | None) -> str | None:
    """The address of a study that is gone on with.

    Args:
        folder: of the study.
        kept: as `shown` told it when the study began; None for its journal.
        asked: as it was given now, which has the password, if there is one.

    Raises:
        UsageError: it is another one, or the one that is kept lacks its password.
    """
    if asked is not None and (kept is None or shown(asked) != kept):
        there = "in its own journal" if kept is None else f"in {kept}"
        raise UsageError(f"--storage {shown(asked)}: the study in {folder} is kept {there}")
    if asked is None and kept is not None and shared(kept):
        raise UsageError(f"the study in {folder} is kept in {kept}: give --storage with its password")
    return asked or kept


def refuse_network(folder: Path, what: str) -> None:
    """Say that a file must not lie on a file system over a network.

    Raises:
        UsageError: it would.
    """
    kind = file_system(folder)
    if kind.startswith(NETWORK):
        raise UsageError(
            f"{folder} lies on a network file system ({kind}), where {what} may tear; give --out a folder of this "
            "machine, or several machines a database: --storage postgresql://USER@HOST/NAME"
        )


def file_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of the file system that a folder lies on; empty where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place, best, kind = os.path.realpath(folder), "", ""
    for _, mount, found, *_ in (line.split() for line in lines if len(line.split()) >= 3):
        mount = mount.replace("\\040", " ")
        inside = place == mount or place.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind


class HeldJournal:
    """The lock of a journal, as Optuna asks for one: the system gives it up when its holder is killed."""

    def __init__(self, journal: Path):
        self.journal, self.file = journal, None  # type: Path, IO[bytes] | None

    def acquire(self) -> bool:
        import fcntl

        self.file = open(self.journal.with_name(".journal-lock"), "ab")  # noqa: SIM115 - closed by release
        fcntl.flock(self.file, fcntl.LOCK_EX)
        mend(self.journal)
        return True

    def release(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


def mend(journal: Path) -> None:
    """Take away the end of a line that was being written when its writer was killed."""
    with contextlib.suppress(FileNotFoundError), open(journal, "rb+") as file:
        size = file.seek(0, os.SEEK_END)
        at = size
        while at and _byte(file, at - 1) != b"\n":
            at -= 1
        if at < size:
            file.truncate(at)


def _byte(file: IO[bytes], at: int) -> bytes:
    file.seek(at)
    return file.read(1)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Inside, no other process of this machine takes or gives a trial of the study; whoever does is waited for."""
    import fcntl

    with open(folder / ".ledger-lock", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
