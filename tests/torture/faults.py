"""File operations that fail one after the other: the disk is full, broken, or the program killed there."""

from __future__ import annotations

import builtins
import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

KINDS = {"no space": errno.ENOSPC, "I/O error": errno.EIO, "kill": None}
CALLS = ("fsync", "replace", "rename", "mkdir", "rmdir", "unlink", "open", "chmod")


class Faults:
    """Counts the file operations of what is done inside `installed`, and lets one of them fail.

    Args:
        at: which one, from 0; None for none.
        kind: see `KINDS`.
    """

    def __init__(self, at: int | None = None, kind: str = "kill"):
        self.at, self.kind, self.count = at, kind, 0
        self.names: list[str] = []

    def _next(self, name: str, path: object) -> None:
        self.names.append(name)
        self.count += 1
        if self.count - 1 != self.at:
            return
        number = KINDS[self.kind]
        if number is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            raise OSError(number, os.strerror(number), os.fspath(path) if isinstance(path, str | os.PathLike) else None)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Inside, the operations go through here."""
        before = {name: getattr(os, name) for name in CALLS} | {"builtin": builtins.open}
        for name in CALLS:
            setattr(os, name, self._wrapped(name, before[name]))
        builtins.open = self._opened(before["builtin"])  # type: ignore[assignment]
        try:
            yield
        finally:
            for name in CALLS:
                setattr(os, name, before[name])
            builtins.open = before["builtin"]

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            self._next(name, args[0])
            return call(*args, **more)

        return wrapped

    def _opened(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
            if not set(mode) & set("wax+"):
                return call(file, mode, *args, **more)
            self._next("open", file)
            return _File(call(file, mode, *args, **more), self, file)

        return wrapped


class _File:
    """A file whose writing may fail, after half of what is written."""

    def __init__(self, file: Any, faults: Faults, path: object):
        self.file, self.faults, self.path = file, faults, path

    def write(self, data: Any) -> int:
        half = len(data) // 2
        self.file.write(data[:half])
        self.file.flush()
        self.faults._next("write", self.path)
        return half + self.file.write(data[half:])

    def flush(self) -> None:
        self.faults._next("flush", self.path)
        self.file.flush()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *exc: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)
