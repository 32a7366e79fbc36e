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

from audioft.core.places import no_empty_folders
from audioft.errors import AudioftError

HASHES = "hashes.json"  # what was written into a folder, by name: sha256 in hex


@contextlib.contextmanager
def new_file(path: Path, *, shared: bool = False, size: int | None = None) -> Iterator[BinaryIO]:
    """Fill the yielded file, written beside; when the block ends well it is synced and takes the place of `path`.

    A reader finds the old content or the new one, never half of it.

    Args:
        path: the file.
        shared: other processes may write the same file at once. What a killed process leaves beside it then stays.
        size: bytes that are to be written, for the message, where it is known.

    Raises:
        AudioftError: the file system refuses; `path` is then as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial" if shared else f".{path.name}.partial")
    try:
        with open(partial, "wb") as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        os.replace(partial, path)
    except BaseException as e:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if not isinstance(e, OSError):
            raise
        told = "" if size is None else f" ({size:,} bytes)"
        raise AudioftError(f"cannot write {path}{told}: {_why(e, path)}") from e


def write_bytes(path: Path, data: bytes, *, shared: bool = False) -> None:
    """Write a whole file, as `new_file` does."""
    with new_file(path, shared=shared, size=len(data)) as file:
        file.write(data)


def _why(error: OSError, path: Path) -> str:
    """What the file system said; of a full one also what is left of it."""
    said = error.strerror or str(error)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return said
    with contextlib.suppress(OSError):
        said += f" ({shutil.disk_usage(path.parent).free:,} bytes are free)"
    return f"{said}; free some and go on"


def write_text(path: Path, text: str) -> None:
    """Write a whole file in UTF-8, as `new_file` does; a name in it that is not UTF-8 gets its own bytes back."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def json_line(value: Any) -> str:
    r"""JSON in one line that UTF-8 can hold: a name that is not UTF-8 has lone surrogates, of which JSON has escapes.

    >>> json_line({"path": "Grün"}), json_line({"path": "Gr\udcfcn"})
    ('{"path": "Grün"}', '{"path": "Gr\\udcfcn"}')
    """
    return _held(json.dumps(value, ensure_ascii=False))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON, readable by people: numbers that are not finite must have been replaced before."""
    write_text(path, _as_json(value))


def _as_json(value: Any) -> str:
    return _held(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def _held(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


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


@contextlib.contextmanager
def new_folder(path: Path, listed: Sequence[str] = ()) -> Iterator[Path]:
    """Fill the yielded folder; when the block ends well it takes the place of `path`, otherwise it is removed.

    So are the folders above it that were made for it. Its files may be read by whoever the umask lets read: safetensors
    writes files that only their owner may.

    Args:
        path: the folder; one that is there is replaced.
        listed: patterns, as `*.safetensors`: files of which a list of hashes is written beside them, for `damaged`.

    Raises:
        AudioftError: the file system refuses; `path` is then as it was.
    """
    partial, old = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.old")
    try:
        with no_empty_folders(path.parent), _swept(path, partial):
            path.parent.mkdir(parents=True, exist_ok=True)
            recover(path)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            yield partial
            permit(partial)
            files = sorted(p for p in partial.rglob("*") if p.is_file())
            for file in files:
                sync(file)
            if listed:
                hashes = {p.relative_to(partial).as_posix(): digest(p) for p in files if any(map(p.match, listed))}
                write_json(partial / HASHES, hashes)
            sync(partial)
            if path.exists():
                os.replace(path, old)
            os.replace(partial, path)
            sync(path.parent)
    except OSError as e:
        raise AudioftError(f"cannot write the folder {path}: {_why(e, path)}") from e


@contextlib.contextmanager
def _swept(path: Path, partial: Path) -> Iterator[None]:
    """Leave nothing half made beside a folder."""
    try:
        yield
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
        except FileNotFoundError:
            return f"{folder / name} is missing"
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
