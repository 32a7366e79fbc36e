"""Files and folders that are whole or not there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from audioft.errors import AudioftError, UsageError

HASHES = "hashes.json"  # what was written into a folder, by name: sha256 in hex


def write_bytes(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Write beside, sync, rename: a reader finds the old content or the new one, never half of it.

    Args:
        path: the file.
        data: its content.
        shared: other processes may write the same file at once. What a killed process leaves beside it then stays.

    Raises:
        AudioftError: the file system refuses; `path` is then as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial" if shared else f".{path.name}.partial")
    try:
        with open(partial, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(partial, path)
    except OSError as e:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise AudioftError(f"cannot write {path} ({len(data):,} bytes): {_why(e, path)}") from e


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


def _why(error: OSError, path: Path) -> str:
    """What the file system said; of a full one also what is left of it."""
    said = error.strerror or str(error)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return said
    with contextlib.suppress(OSError):
        said += f" ({shutil.disk_usage(path.parent).free:,} bytes are free)"
    return f"{said}; free some and go on"


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON, readable by people: numbers that are not finite must have been replaced before."""
    write_text(path, _as_json(value))


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


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
def new_folder(path: Path, listed: str | None = None) -> Iterator[Path]:
    """Fill the yielded folder; when the block ends well it takes the place of `path`, otherwise it is removed.

    Its files may be read by whoever the umask lets read: safetensors writes files that only their owner may.

    Args:
        path: the folder; one that is there is replaced.
        listed: a pattern, as `*.safetensors`: files of which a list of hashes is written beside them, for `damaged`.

    Raises:
        AudioftError: the file system refuses; `path` is then as it was.
    """
    partial, old = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.old")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        recover(path)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        yield partial
        permit(partial)
        files = sorted(p for p in partial.rglob("*") if p.is_file())
        for file in files:
            sync(file)
        if listed is not None:
            hashes = {p.relative_to(partial).as_posix(): digest(p) for p in files if p.match(listed)}
            write_json(partial / HASHES, hashes)
        sync(partial)
        if path.exists():
            os.replace(path, old)
        os.replace(partial, path)
        sync(path.parent)
    except OSError as e:
        raise AudioftError(f"cannot write the folder {path}: {_why(e, path)}") from e
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        recover(path)


def recover(path: Path) -> None:
    """Put a folder back that was moved away for a new one which never came: the writer was killed between the two."""
    old = path.with_name(f".{path.name}.old")
    if not path.exists() and old.exists():
        with contextlib.suppress(OSError):
            os.replace(old, path)
    shutil.rmtree(old, ignore_errors=True)


def damaged(folder: Path, names: Sequence[str] = ()) -> str | None:
    """What is wrong with a folder whose files `new_folder` has listed, in words; None if they are as written.

    Args:
        folder: the folder.
        names: of files that must be among them.
    """
    try:
        hashes = read_json(folder / HASHES, AudioftError)
    except AudioftError as e:
        return str(e)
    if not isinstance(hashes, dict) or not set(names) <= hashes.keys():
        return f"{folder / HASHES} is damaged: it does not list {', '.join(names) or 'any file'}"
    if (folder / HASHES).read_bytes() != _as_json(hashes).encode():
        return f"{folder / HASHES} is damaged: it is not as it was written"
    for name, expected in hashes.items():
        try:
            found = digest(folder / name)
        except (OSError, ValueError) as e:  # ValueError: a NUL byte in a damaged name
            return f"{folder / name} cannot be read: {getattr(e, 'strerror', None) or e}"
        if found != expected:
            return f"{folder / name} is damaged: its content is not what was written"
    return None


def digest(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
