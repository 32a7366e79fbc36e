"""What `audioft auto` writes into its folder; nothing else there is touched."""

from __future__ import annotations

from pathlib import Path

from audioft.core import set_aside
from audioft.core.folder_lock import LOCK
from audioft.core.places import clear
from audioft.tasks.auto import kept
from audioft.tasks.auto.brief import LOG

BAD_FILES = "bad_files.csv"
TABLES = ("clips.csv", "learn.csv", "first.csv", "some.csv", "to_check.csv", BAD_FILES)
FOLDERS = ("first", "probe", "probed", "curve", "search", "members", "joined", "model", "report")
OWN = (kept.FILE, "auto.html", LOG, "space.yaml", *TABLES, *FOLDERS)


def own(name: str) -> bool:
    """Whether something in the folder is of such a work, what a killed one left half made included.

    >>> own("model"), own(".model.partial"), own("thesis.txt")
    (True, True, False)
    """
    whole = name[1:].removesuffix(".partial").removesuffix(".old") if name.startswith(".") else name
    return whole in OWN or name in (LOCK, set_aside.folder_of(Path()).name)


def put_by(folder: Path) -> None:
    """Set what is there aside, until there is a model that replaces it.

    Raises:
        UsageError: the file system refuses.
    """
    set_aside.set_aside(set_aside.folder_of(folder), [folder / name for name in OWN])


def are_by(folder: Path) -> bool:
    """Whether what was there is set aside."""
    return set_aside.folder_of(folder).is_dir()


def put_back(folder: Path) -> bool:
    """Put back what was set aside by a work that came to nothing; whether there was anything."""
    return folder.is_dir() and set_aside.put_back(set_aside.folder_of(folder))


def let_go(folder: Path) -> None:
    """Remove what was set aside."""
    set_aside.let_go(set_aside.folder_of(folder))


def withdraw(folder: Path, said: str) -> bool:
    """Remove all of a work without a model, but the table that its message refers to, and put back what was there."""
    clear(folder, [name for name in OWN if name != BAD_FILES or str(folder / name) not in said])
    return put_back(folder)
