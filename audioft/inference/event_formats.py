"""Events in the formats of other programs, written as they become known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

from audioft.annotations import audacity, raven, rttm
from audioft.annotations.event import Event
from audioft.audio import io
from audioft.data.clip import Clip
from audioft.data.recorded.calendar import Calendar
from audioft.errors import AudioError
from audioft.inference.recording_events import Summary
from audioft.inference.resumable_rows import RowFile
from audioft.inference.timeline import Scores


class Form(Protocol):
    """A format: told of each recording's windows, events and end, in order."""

    def windows(self, clip: Clip, windows: Scores) -> None:
        """Not held by formats of events."""
        return

    def events(self, clip: Clip, events: Sequence[Event]) -> None: ...
    def end(self, clip: Clip, summary: Summary) -> None: ...


class AudacityForm(Form):
    """A label file a recording, in a folder; where a recording breaks off, a label of no length says so."""

    def __init__(self, folder: Path):
        self.folder, self.taken = folder, set[str]()
        self.path: Path | None = None

    def events(self, clip: Clip, events: Sequence[Event]) -> None:
        if self.path is None:
            self.path = self.folder / unused(self.taken, clip, ".txt")
            self.path.write_bytes(b"")
        with open(self.path, "a", encoding="utf-8", newline="") as file:
            file.writelines(audacity.line(e) for e in events)

    def end(self, clip: Clip, summary: Summary) -> None:
        if summary.error is not None and summary.scores is not None:
            reason = f"{audacity.BREAK}{summary.error.reason}"
            self.events(clip, [Event(reason, summary.seconds, summary.seconds)])
        elif summary.scores is not None:  # a recording without events has an empty file, one not heard has none
            self.events(clip, [])
        self.path = None


class RavenForm(Form):
    """One selection table; times count over all recordings in their order, as in Raven when it opens them in one."""

    def __init__(self, file: IO[str] | RowFile, calendar: Calendar | None = None):
        self.file, self.number, self.offset = file, 0, 0.0
        self.nyquist: float | None = None
        self.calendar = calendar
        self.file.write(raven.HEADER if calendar is None else raven.CLOCK_HEADER)

    def events(self, clip: Clip, events: Sequence[Event]) -> None:
        if self.nyquist is None:
            self.nyquist = _nyquist(clip)
        for event in events:
            self.number += 1
            begin = self.offset + event.start
            clock = None if self.calendar is None else self.calendar.of(clip).clock(event.start)
            where = str(clip.path)
            line = raven.line(self.number, event, path=where, begin=begin, nyquist=self.nyquist, clock=clock)
            self.file.write(line)
        self.file.flush()

    def end(self, clip: Clip, summary: Summary) -> None:
        self.offset += summary.seconds
        self.nyquist = None


class RttmForm(Form):
    """One RTTM file; where a recording breaks off, a comment says so."""

    def __init__(self, file: IO[str] | RowFile):
        self.file, self.taken = file, set[str]()
        self.name: str | None = None

    def _id(self, clip: Clip) -> str:
        if self.name is None:
            self.name = unused(self.taken, clip, "")
        return self.name

    def events(self, clip: Clip, events: Sequence[Event]) -> None:
        self.file.writelines(rttm.line(self._id(clip), e) for e in events)
        self.file.flush()

    def end(self, clip: Clip, summary: Summary) -> None:
        if summary.error is not None and summary.scores is not None:
            said = " ".join(f"{clip.name} breaks off at {summary.seconds:.3f} s: {summary.error.reason}".split())
            self.file.write(f";; {said}\n")
        self.name = None


def _nyquist(clip: Clip) -> float:
    """Half the recording's own rate, Hz; that of 16 kHz where it has no header to read."""
    try:
        return io.probe(clip.path).rate / 2
    except AudioError:
        return 8000.0


def unused(taken: set[str], clip: Clip, ending: str) -> str:
    """A file name for a recording, its own with another ending; with its own ending too, or a number, if taken."""
    own = os.path.basename(clip.name)
    stem = os.path.splitext(own)[0]
    names = [f"{stem}{ending}", f"{own}{ending}", *(f"{stem}-{n}{ending}" for n in range(2, len(taken) + 3))]
    name = next(n for n in names if n.lower() not in taken)
    taken.add(name.lower())
    return name
