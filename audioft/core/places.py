"""Where results go: what is asked of a place before the work whose result it is to hold."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from audioft.errors import AudioftError, UsageError

PathLike = str | os.PathLike[str]


def spelled(path: Path) -> str:
    """A path as text: its bytes as UTF-8, whatever the locale; one that is not UTF-8 has surrogates that hold them.

    >>> spelled(Path("a") / "Grün.wav")
    'a/Grün.wav'
    """
    name = path.as_posix()
    return os.fsencode(name).decode("utf-8", "surrogateescape") if os.name == "posix" else name


def is_utf8(name: str) -> bool:
    """Whether a name is text, and no surrogates that hold its bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_place(path: Path) -> None:
    """Raise where a file cannot be written to `path`, before the work whose result it is; nothing is left behind.

    Raises:
        UsageError: `path` is a folder, or its own folder cannot be made or written to.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of a file")
    there = path.parent.exists()
    try:
        with no_empty_folders(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)  # whether it can be made is only known by making it
    except OSError as e:
        raise UsageError(f"{path} cannot be written: {e.strerror}") from e
    if there and not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written: the folder {path.parent} is read-only")


def folder_for(path: Path, option: str) -> None:
    """Make a folder that `option` names for results, if it is not there.

    Raises:
        UsageError: the file system refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UsageError(f"{option} {os.fspath(path)} cannot be made: {e.strerror}; give another folder") from e


@contextlib.contextmanager
def results(out: Path | None, names: Sequence[str], *, overwrite: bool) -> Iterator[None]:
    """Make the folder of `--out` for results, to be written in the block; where none is, no empty folder is left.

    Args:
        out: the folder; None for none.
        names: of the files that may be written there.
        overwrite: whether those that are there may be replaced.

    Raises:
        UsageError: it is a file or cannot be made, or holds results that may not be replaced.
    """
    if out is None:
        yield
        return
    if out.is_file():
        raise UsageError(f"{out} is a file; --out takes a folder")
    there = [name for name in names if (out / name).exists()]
    if there and not overwrite:
        raise UsageError(
            f"{out} already holds results ({', '.join(there)}): replace them (--overwrite), or give another --out"
        )
    with no_empty_folders(out):
        folder_for(out, "--out")
        yield


@contextlib.contextmanager
def no_empty_folders(path: Path) -> Iterator[None]:
    """Take away `path` and the folders above it that the block has made and that are empty at its end."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    try:
        yield
    finally:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()


def clear(folder: Path, names: Iterable[str]) -> None:
    """Remove files and folders of these names from a folder; what cannot be removed stays."""
    for place in (folder / name for name in names):
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


def need(folder: Path, size: int, what: str, remedy: str) -> None:
    """Raise where a file system has no room, before the work whose result would not fit.

    Args:
        folder: where it is to be written; may not be there yet.
        size: bytes.
        what: that takes them, for the message.
        remedy: what else than freeing some could be done.

    Raises:
        AudioftError: fewer bytes are free there.
    """
    free = shutil.disk_usage(existing(folder)).free
    if free < size:
        raise AudioftError(f"{folder}: {what} up to {size:,} bytes, and {free:,} are free there; free some, {remedy}")


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there: it is on the file system that the path would be on."""
    return next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; 0 where there is none."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else 0
