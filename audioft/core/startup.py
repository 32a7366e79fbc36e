"""How a command begins: names and text as UTF-8 whatever the locale, libraries imported without delay."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from audioft.core.signals import answered
from audioft.errors import Interrupted


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Import libraries and load a model inside; for a process of our own, not for one that imports audioft.

    Python searches for garbage as often as objects are made. Of the million that the imports make hardly any is
    garbage, so it does not search meanwhile, nor among them later, which it otherwise would once more at the end of
    the process: that was a quarter of the processor time of `import torch, transformers`.

    Where torch is not imported yet, its threads will sleep while there is nothing for them to do. By default they
    wait awake, and where there are fewer cores than threads (a busy machine, a container with a share of one) they
    hold up the very thread they wait for: half a second for what takes a hundredth. Which thread
    computes what stays the same, so no score changes by a bit.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if collecting:
            gc.enable()


def names_as_utf8() -> None:
    """Begin this program again where the locale makes Python take the names of files for anything else than UTF-8.

    A name is bytes to the system. In the locale C without Python's own remedy for it, or in a Latin-1 locale, the same
    bytes would be other text than in the labels of a model and in a table. In UTF-8 mode (PEP 540) a name that is not
    UTF-8 is held with its bytes, and can be opened and written all the same.
    """
    if os.name != "posix" or sys.getfilesystemencoding().lower() == "utf-8" or os.environ.get("PYTHONUTF8") == "1":
        return
    os.environ["PYTHONUTF8"] = "1"  # for processes that are started, too
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def text_as_utf8() -> None:
    """Let standard output be UTF-8 whatever the locale, as files are; what cannot be written stops nothing.

    There a name that is not UTF-8 gets its own bytes back. Standard error, which is for people, keeps its encoding and
    gets an escape for what that does not have.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end what is inside as Ctrl-C does, so that nothing half written and no process is left behind.

    Raises:
        Interrupted: at that signal.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    with answered(end, signal.SIGTERM):
        yield


def hold_input(number: int = 0, size: int = 1 << 20) -> None:
    """Let the system keep what arrives through a pipe while libraries are imported, where it can (Linux).

    A pipe holds 64 KiB. Whoever writes into it at a pace of 32 KB/s would wait, or lose what comes, after two seconds;
    1 MiB is half a minute at that pace.

    Args:
        number: the file descriptor.
        size: bytes.
    """
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # no pipe, or more than the system allows: it stays as it is
            fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, size)
