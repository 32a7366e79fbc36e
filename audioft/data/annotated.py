"""Recordings with labels that have a beginning and an end: read from a table, or from label files beside them."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable
from pathlib import Path

from audioft.annotations import files
from audioft.annotations.event import Event
from audioft.audio import isolated_decoder
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.errors import AudioError, DataError, Problem

_OVER = 3.0  # seconds that an event may go on after the end without a word: BirdNET's last window is filled up to 3 s


@dataclasses.dataclass(frozen=True, slots=True)
class Annotated:
    """A recording and what happens in it.

    Attributes:
        clip: the whole recording, with its split and group.
        events: sorted by start; labels NFC.
        seconds: how long it is.
        dropped: events that are left out on purpose: what lies there is no background.
        negatives: events that say that nothing happens.
    """

    clip: Clip
    events: tuple[Event, ...]
    seconds: float
    dropped: tuple[Event, ...] = ()
    negatives: tuple[Event, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """Recordings with their events, and what was decided on the way."""

    root: Path
    recordings: tuple[Annotated, ...]
    grouping: str
    notes: tuple[str, ...]


def has_label_files(folder: Path) -> bool:
    """Whether label files with times lie among the recordings of a folder."""
    return any(files.kind_of(p) for p in texts(folder)) if folder.is_dir() else False


def from_clips(clips: Iterable[Clip], grouping: str, root: Path) -> Found:
    """Recordings out of clips that are rows of a table with `start` and `end`.

    A clip without labels says that its recording was looked through, and nothing else.

    Raises:
        DataError: rows of one recording are on different sides of a split, or in different groups; or some labels are
            unknown, which events cannot be.
    """
    by_name: dict[str, list[Clip]] = {}
    for clip in clips:
        by_name.setdefault(clip.name, []).append(clip)
    problems, out = [], []
    for name, own in by_name.items():
        first = own[0]
        for what, values in (("side", {c.split for c in own}), ("group", {c.group for c in own})):
            if len(values) > 1:
                told = ", ".join(sorted(map(str, values)))
                said = f"rows of one recording have more than one {what} ({{}}); give them the same"
                problems.append(Problem(name, said, told))
        if any(c.unknown for c in own):
            said = "unknown labels (`?`) cannot be events; write out what happens, or leave it out"
            problems.append(Problem(name, said))
        seconds = length(first.path)
        events = [Event(label, c.start, seconds if c.end is None else c.end) for c in own for label in c.labels]
        problems += beyond(name, events, seconds)
        whole = dataclasses.replace(first, start=0.0, end=None, labels=())
        out.append(Annotated(whole, tuple(sorted(events, key=order)), seconds))
    if problems:
        raise DataError(problems)
    return Found(root, tuple(out), grouping, ())


def length(path: Path) -> float:
    """Seconds of a recording: what its header says, else what is decoded of it; 0 where it cannot be read at all."""
    try:
        info = isolated_decoder.probe(path)
        if math.isfinite(info.seconds):
            return info.seconds
        return sum(len(b) for b in isolated_decoder.stream(path, rate=None)) / info.rate
    except AudioError:
        return 0.0


def beyond(name: str, events: Iterable[Event], seconds: float) -> list[Problem]:
    """What is wrong with events that begin after the end; of a recording that cannot be read (0 s) other things are."""
    late = [e for e in events if 0 < seconds <= e.start]
    after = f"begins after the recording's end, {seconds:.2f} s; correct the time"
    return [Problem(name, f"{e.label!r} at {e.start:g} s {after}") for e in late]


def overhanging(found: Iterable[Annotated]) -> list[str]:
    """A sentence where events go on after their recording's end, as labels of another recording would."""
    long = [(a, e) for a in found for e in a.events if a.seconds and e.end > a.seconds + _OVER]
    if not long:
        return []
    a, e = long[0]
    one = f"as {e.label!r} in {a.clip.name}, to {e.end:g} s of {a.seconds:.2f}"
    return [f"{counted(len(long), 'event')} beyond a recording's end, {one}, cut off there; are the labels its own?"]


def texts(root: Path) -> list[Path]:
    return sorted(
        Path(here, name)
        for here, folders, names in os.walk(root)
        if not any(part.startswith(".") for part in Path(here).relative_to(root).parts)
        for name in names
        if Path(name).suffix.lower() in files.SUFFIXES and not name.startswith(".")
    )


def order(event: Event) -> tuple[float, float, str]:
    return event.start, event.end, event.label
