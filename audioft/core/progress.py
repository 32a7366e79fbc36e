"""How a long job tells how far it is: a bar with the time left on a terminal or in a notebook, plain lines in a log."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from audioft.core import notebook

#: Told how much of a job is done, in a unit of the job's own.
Progress = Callable[[float], None]
LOG_EVERY = 10.0  # seconds between two lines of the same job in a log


class Shown(Protocol):
    """What shows how far a job is."""

    def draw(self, text: str, share: float) -> None: ...
    def clear(self) -> None: ...


class Console:
    """Where messages for a person go: standard error, so that results on standard output can be piped.

    In a notebook they go to standard output, as what is on standard error looks there like an error; how far a job is
    is one line that stays in its place.

    Args:
        quiet: say nothing but errors.
        stream: standard error, in a notebook standard output, unless a test says otherwise.

    >>> Console(stream=sys.stdout).say("3 files written")
    3 files written
    >>> Console(quiet=True, stream=sys.stdout).say("3 files written")
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None):
        self.quiet = quiet
        inside = stream is None and notebook.running()
        self._line = notebook.Line() if inside and not quiet else None
        if inside:
            notebook.hush()
        self.stream = stream or (sys.stderr if self._line is None else sys.stdout)
        self._bar: Shown | None = None

    def say(self, text: str = "") -> None:
        """A line of its own."""
        if self.quiet:
            return
        if self._bar is not None and self._line is None:  # what is said does not go where a notebook's line is
            self._bar.clear()
        print(text, file=self.stream, flush=True)

    def job(self, name: str, total: int, unit: str = "") -> Job:
        """A job of `total` steps; use it in a `with` block and call `at` as it goes on."""
        return Job(self, name, total, unit)


class Job:
    """One long job; between `with` and its end it is shown."""

    def __init__(self, console: Console, name: str, total: int, unit: str = ""):
        self.console, self.name, self.total, self.unit = console, name, total, unit
        self.started = self.told = time.monotonic()
        self.done, self.note, self.offset = 0, "", 0
        self.until = math.inf  # by `time.monotonic`, when it ends in any case

    def __enter__(self) -> Job:
        if not self.console.quiet and (self.console._line is not None or self.console.stream.isatty()):
            self.console._bar = self.console._line or Bar(self.console.stream)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.console._bar is not None:
            self.console._bar.clear()
            self.console._bar = None

    def resume_at(self, done: int) -> None:
        """What was done before this process began does not count for its speed."""
        self.done = self.offset = done

    def at(self, done: int, note: str = "") -> None:
        """So much is done; `note` is shown beside it."""
        self.done, self.note = done, note
        if self.console.quiet:
            return
        if self.console._bar is not None:
            self.console._bar.draw(self.text(), self.done / max(1, self.total))
        elif time.monotonic() - self.told >= LOG_EVERY:
            self.told = time.monotonic()
            print(self.text(), file=self.console.stream, flush=True)

    def text(self) -> str:
        passed = time.monotonic() - self.started
        new = self.done - self.offset
        left = passed / new * (self.total - self.done) if new > 0 else math.inf
        left = max(0.0, min(left, self.until - time.monotonic()))
        text = f"{self.name} {self.done}/{self.total}{self.unit}"
        text += f", {spell_seconds(left)} left" if left < math.inf and self.done < self.total else ""
        return text + (f", {self.note}" if self.note else "")


class Relay(Console):
    """A console that says nothing, and hands on how far its jobs are, as text, to who tells it in words of their own.

    >>> with Relay(print).job("reading", 4, unit=" files") as job:
    ...     job.at(1, "fast")
    reading 1/4 files, fast
    """

    def __init__(self, told: Callable[[str], None]):
        super().__init__(quiet=True)
        self.told = told

    def job(self, name: str, total: int, unit: str = "") -> Job:
        return Relayed(self, name, total, unit)


class Relayed(Job):
    """A job of a `Relay`; the time left is not told, which is that of a part."""

    console: Relay

    def at(self, done: int, note: str = "") -> None:
        self.done, self.note = done, note
        self.console.told(f"{self.name} {done}/{self.total}{self.unit}" + f", {note}" * bool(note))


class Bar:
    """One line at the bottom of a terminal, redrawn at most ten times a second, without a thread of its own."""

    def __init__(self, stream: TextIO):
        self.stream, self.drawn, self.at = stream, False, 0.0

    def draw(self, text: str, share: float) -> None:
        if time.monotonic() - self.at < 0.1 and share < 1:
            return
        import shutil

        width = shutil.get_terminal_size().columns
        full, empty = ("█", "·") if (self.stream.encoding or "").lower().startswith("utf") else ("#", ".")
        filled = round(24 * min(1.0, share))
        self.stream.write("\r\x1b[2K" + f"[{full * filled}{empty * (24 - filled)}] {text}"[: width - 1])
        self.stream.flush()
        self.drawn, self.at = True, time.monotonic()

    def clear(self) -> None:
        if self.drawn:
            self.stream.write("\r\x1b[2K")
            self.stream.flush()
            self.drawn = False


def about(seconds: float) -> str:
    """An estimated duration for people: no more precise than it is.

    >>> about(12), about(100), about(754), about(8000), about(100000)
    ('under a minute', 'about 2 min', 'about 13 min', 'about 2 h 15 min', 'about 28 h')
    """
    minutes = seconds / 60
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"about {round(minutes)} min"
    if minutes < 600:
        hours, rest = divmod(round(minutes / 5) * 5, 60)
        return f"about {hours} h" + f" {rest} min" * bool(rest)
    return f"about {round(minutes / 60)} h"


def spell_seconds(seconds: float) -> str:
    """A duration for people.

    >>> spell_seconds(4.2), spell_seconds(75), spell_seconds(8000)
    ('4 s', '1 min 15 s', '2 h 13 min')
    """
    s = round(seconds)
    if s < 60:
        return f"{s} s"
    if s < 3600:
        return f"{s // 60} min {s % 60:02d} s"
    return f"{s // 3600} h {s % 3600 // 60:02d} min"
