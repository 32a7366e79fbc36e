"""Files and folders that are whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from audioft.errors import AudioftError, UsageError


def write_bytes(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Write beside, sync, rename: a reader finds the old content or the new one, never half of it.

    Args:
        path: the file.
        data: its content.
        shared: other processes may write the same file at once. What a killed process leaves beside it then stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial" if shared else f".{path.name}.partial")
    try:
        with open(partial, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(partial, path)
    except OSError as e:
        partial.unlink(missing_ok=True)
        raise AudioftError(f"cannot write {path} ({len(data):,} bytes): {e.strerror or e}") from e


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON, readable by people: numbers that are not finite must have been replaced before."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def refuse_place(path: Path) -> None:
    """Raise where a file cannot be written to `path`, before the work whose result it is; nothing is left behind.

    Raises:
        UsageError: `path` is a folder, or its own folder cannot be made or written to.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of a file")
    new = [p for p in path.parents if not p.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # whether it can be made is only known by making it
    except OSError as e:
        raise UsageError(f"{path} cannot be written: {e.strerror}") from e
    finally:
        for folder in new:
            with contextlib.suppress(OSError):
                folder.rmdir()
    if not new and not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written: the folder {path.parent} is read-only")


def write_result(path: Path, text: str) -> None:
    """As `write_text`; the file's folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


@contextlib.contextmanager
def cache_file(path: Path) -> Iterator[BinaryIO]:
    """Fill the yielded file; when the block ends well it takes the place of `path`, otherwise it is removed.

    Several processes may write the same one at once, and the last one's stays. It is not synced: for what is checked
    when it is read, and can be made again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        with open(partial, "x+b") as file:  # not mkstemp, whose files nobody else may read
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill the yielded folder; when the block ends well it takes the place of `path`, otherwise it is removed.

    Its files may be read by whoever the umask lets read: safetensors writes files that only their owner may.

    Raises:
        AudioftError: the file system refuses; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, old = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.old")
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        permit(partial)
        for file in partial.rglob("*"):
            if file.is_file():
                sync(file)
        if path.exists():
            os.replace(path, old)
        os.replace(partial, path)
        sync(path.parent)
    except OSError as e:
        raise AudioftError(f"cannot write the folder {path}: {e.strerror or e}") from e
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if not path.exists() and old.exists():
            os.replace(old, path)
        shutil.rmtree(old, ignore_errors=True)


def permit(folder: Path) -> None:
    """Let the files in a folder be read and written by whoever may do so with the folder, where the system allows it.

    A folder is made as the umask says, and so are its files then: libraries may have made them for their owner alone.
    """
    usual = folder.stat().st_mode & 0o666
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink() and file.stat().st_mode & 0o666 != usual:
            with contextlib.suppress(OSError):
                file.chmod(usual)


def sync(path: Path) -> None:
    """Ask the system to put a file, or a folder's entries, on the disk now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path, error: type[AudioftError]) -> Any:
    """The content of a JSON file; what is wrong with it is raised as `error` with its path."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise error(f"{path} is missing") from e
    except (OSError, ValueError, RecursionError) as e:
        raise error(f"{path} cannot be read as JSON: {e}") from e
