"""Processes that are killed: forked from this one, so that each begins with everything imported."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Child:
    """A forked process.

    Attributes:
        pid: its number.
        code: its exit code once it has ended, negative for a signal; None before.
    """

    pid: int
    code: int | None = None

    def poll(self) -> int | None:
        """Whether it has ended, and how."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = 120.0) -> int | None:
        """Its exit code; None if it goes on for longer than that."""
        end = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        return self.code

    def left(self, seconds: float = 10.0) -> bool:
        """Whether a process that it started outlives it by more than that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                os.killpg(self.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.02)
        return True


@contextlib.contextmanager
def forked(work: Callable[[], object]) -> Iterator[Child]:
    """A process that does `work` and ends with 0, or with 1 and a traceback; it is killed at the end of the block.

    What it runs must not have started threads in this process: torch computes in one here.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setpgid(0, 0)  # what it starts can be found by its group
            work()
            code = 0
        except KeyboardInterrupt as e:
            code = getattr(e, "exit_code", 130)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    child = Child(pid)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def peak_mb(work: Callable[[], object]) -> float:
    """The most memory, in MB, that a forked process which does `work` held, and the processes that decode for it."""
    read, write = os.pipe()

    def measured() -> None:
        from audioft.audio import isolated_decoder

        work()
        decoders = [d.process.pid for d in isolated_decoder._pool()._idle]
        os.write(write, f"{sum(map(_peak_of, [os.getpid(), *decoders])):.1f}".encode())
        isolated_decoder.stop()

    with forked(measured) as child:
        os.close(write)
        code = child.wait(600)
    told = os.read(read, 100).decode()
    os.close(read)
    assert code == 0, f"the process ended with {code}"
    return float(told)


def _peak_of(pid: int) -> float:
    """The most memory a process has held so far, MB; unlike what `getrusage` says not that of its parent, too."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
