"""How a short command answers sooner: beside importing torch and transformers, what it does is often nothing."""

from __future__ import annotations

import contextlib
import gc
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
