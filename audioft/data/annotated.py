"""Recordings with labels that have a beginning and an end: read from a table, or from label files beside them."""

from __future__ import annotations

import dataclasses
import math
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from audioft.annotations import files
from audioft.annotations.event import Event
from audioft.audio import isolated_decoder
from audioft.data import rows
from audioft.data.clip import Clip
from audioft.data.file_kinds import HARMLESS, LeftOut
from audioft.data.folders import recordings
from audioft.data.targets import clean
from audioft.errors import AudioError, DataError, Problem, UsageError


@dataclasses.dataclass(frozen=True, slots=True)
class Annotated:
    """A recording and what happens in it.

    Attributes:
        clip: the whole recording, with its split and group.
        events: sorted by start; labels NFC.
        seconds: how long it is.
    """

    clip: Clip
    events: tuple[Event, ...]
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """Recordings with their events, and what was decided on the way."""

    root: Path
    recordings: tuple[Annotated, ...]
    grouping: str
    notes: tuple[str, ...]


def has_label_files(folder: Path) -> bool:
    """Whether label files with times lie among the recordings of a folder."""
    return any(files.kind_of(p) for p in _texts(folder)) if folder.is_dir() else False


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
        problems += _beyond(name, events, seconds)
        whole = dataclasses.replace(first, start=0.0, end=None, labels=())
        out.append(Annotated(whole, tuple(sorted(events, key=_order)), seconds))
    if problems:
        raise DataError(problems)
    return Found(root, tuple(out), grouping, ())


def from_folder(root: Path, label: str | None, allow_outside: bool) -> Found:
    """Recordings of a folder with their label files: Audacity's `name.txt`, Raven's tables, RTTM.

    A label file belongs to the recording it names inside; otherwise to that of the same name beside it, where Raven's
    may go on after a dot (`night.Table.1.selections.txt` is of `night.wav`). A recording that no file speaks of is left
    out, an empty file says that nothing happens. Folders called `train`, `valid` and `test` are sides of a split.

    Args:
        root: the folder.
        label: the column of Raven tables with the label.
        allow_outside: accept links out of the folder.

    Raises:
        DataError: everything that is wrong with the label files, at once.
    """
    left_out = LeftOut()
    paths = {p.relative_to(root).as_posix(): p for p in recordings(root, left_out)}
    names = _Names(paths)
    found: dict[str, list[Event]] = {}
    problems: list[str] = []
    strange: list[str] = []  # beside a recording of their name, and no labels
    for text in _texts(root):
        inside = text.relative_to(root).as_posix()
        own = names.beside(inside)
        kind = files.kind_of(text)
        if kind is None and not (own and text.stat().st_size == 0):
            strange += [inside] if own else []
            continue
        try:
            said = files.read(text, label) if kind else {"": []}
        except (DataError, UsageError) as e:
            unread = [Problem(text, str(e).removeprefix(f"{text}: "))]
            problems += e.problems if isinstance(e, DataError) else unread
            continue
        for key, events in said.items():
            name = own if key == "" else names.called(key, inside)
            if name is None:
                what = "speaks of {}" if key else "has no recording of its name beside it{}"
                remedy = "no such recording in {}; rename one of them, or move the file away"
                problems.append(Problem("", f"{{}} {what}: {remedy}", text, repr(key) if key else "", root))
                continue
            found.setdefault(name, []).extend(events)
    clips = []
    inner = rows.Names(root)
    for name in sorted(found):
        if not (allow_outside or inner.inside(paths[name])):
            problems.append(rows.outside(name, root))
        seconds = length(paths[name])
        events = [dataclasses.replace(e, label=clean(e.label), score=None) for e in found[name]]
        problems += _beyond(name, events, seconds)
        whole = Clip(paths[name], name, split=rows.side_of(name), group=name)
        clips.append(Annotated(whole, tuple(sorted(events, key=_order)), seconds))
    if problems:
        raise DataError(problems)
    sides = {a.clip.split for a in clips}
    if None in sides and len(sides) > 1:  # a folder that happens to be called so
        clips = [dataclasses.replace(a, clip=dataclasses.replace(a.clip, split=None)) for a in clips]
    notes = [f"labels with times come from {len(found)} recordings' label files"]
    if strange:
        notes.append(
            f"{len(strange)} text files are not read as labels, as {strange[0]}: expected start, end and label with "
            "tabs between them (Audacity), or a header with Begin Time (s) (Raven)"
        )
    if left := sorted(set(paths) - set(found)):
        notes.append(f"{len(left)} recordings without a label file are left out: {', '.join(left[:3])}")
    notes += left_out.notes(without=HARMLESS)
    return Found(root, tuple(clips), "recording", tuple(notes))


def length(path: Path) -> float:
    """Seconds of a recording: what its header says, else what is decoded of it; 0 where it cannot be read at all."""
    try:
        info = isolated_decoder.probe(path)
        if math.isfinite(info.seconds):
            return info.seconds
        return sum(len(b) for b in isolated_decoder.stream(path, rate=None)) / info.rate
    except AudioError:
        return 0.0


def _beyond(name: str, events: Iterable[Event], seconds: float) -> list[Problem]:
    """What is wrong with events that begin after the end; of a recording that cannot be read (0 s) other things are."""
    late = [e for e in events if 0 < seconds <= e.start]
    after = f"begins after the recording's end, {seconds:.2f} s; correct the time"
    return [Problem(name, f"{e.label!r} at {e.start:g} s {after}") for e in late]


class _Names:
    """Which recording a label file speaks of."""

    def __init__(self, paths: dict[str, Path]):
        self.paths = paths
        self.stems = {os.path.splitext(n)[0]: n for n in reversed(paths)}
        names = [(os.path.basename(n), n) for n in paths] + [(os.path.basename(s), n) for s, n in self.stems.items()]
        count = Counter(short for short, _ in names)
        self.bases = {short: n for short, n in names if count[short] == 1}

    def beside(self, name: str) -> str | None:
        """The recording of a label file's own name: `a/b.txt` is of `a/b.wav`."""
        stem = os.path.splitext(name)[0]
        while True:
            if stem in self.paths:  # a/b.wav.txt, where there is also an a/b.flac
                return stem
            if stem in self.stems:
                return self.stems[stem]
            shorter = os.path.splitext(stem)[0]
            if shorter == stem:
                return None
            stem = shorter

    def called(self, key: str, inside: str) -> str | None:
        """The recording that a label file calls `key`: beside the file, or anywhere if there is one of that name."""
        here = os.path.join(os.path.dirname(inside), key)
        return here if here in self.paths else self.stems.get(here) or self.bases.get(key)


def _texts(root: Path) -> list[Path]:
    return sorted(
        Path(here, name)
        for here, folders, names in os.walk(root)
        if not any(part.startswith(".") for part in Path(here).relative_to(root).parts)
        for name in names
        if Path(name).suffix.lower() in files.SUFFIXES and not name.startswith(".")
    )


def _order(event: Event) -> tuple[float, float, str]:
    return event.start, event.end, event.label
