"""Folders of recordings with label files beside them: Audacity's, Raven's, DCASE's, BirdNET's, Kaleidoscope's, RTTM."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from audioft.annotations import files
from audioft.annotations.event import Event
from audioft.core.wording import counted, quoted
from audioft.data.annotated import Annotated, Found, beyond, length, order, texts
from audioft.data.clip import Clip
from audioft.data.folders import recordings
from audioft.data.reading import from_names
from audioft.data.reading.choices import Choices
from audioft.data.reading.exclusion import excluded
from audioft.data.reading.file_kinds import HARMLESS, UNREAD, LeftOut
from audioft.data.reading.file_names import Names, not_utf8, outside
from audioft.data.reading.label_cells import MISSING
from audioft.data.rows import side_of
from audioft.data.targets import clean
from audioft.errors import DataError, Problem, UsageError

_NO_CALL = "nocall"  # BirdNET's word for nothing


def read(
    root: Path, label: str | None, allow_outside: bool, choices: Choices, asked: bool, group: str | None = None
) -> Found:
    """Recordings of a folder with their label files: Audacity's `name.txt`, tables of Raven and others, RTTM.

    A label file belongs to the recording it names inside; otherwise to that of the same name beside it, where Raven's
    may go on after a dot (`night.Table.1.selections.txt` is of `night.wav`). A recording that no file speaks of is left
    out, an empty file says that nothing happens. Folders called `train`, `valid` and `test` are sides of a split.

    Args:
        root: the folder.
        label: the column of tables with the label.
        allow_outside: accept links out of the folder.
        choices: which label files, with which scores; what becomes of selections without a label.
        asked: whether labels with times were asked for, however few recordings have them.
        group: what of a recording's name is its group, see `from_names`; the recording if not given.

    Raises:
        DataError: everything that is wrong with the label files, at once; before it, that few recordings have one and
            folders may be what is meant.
    """
    if (named := from_names.asked(label, "data.label")) is not None:
        raise UsageError(
            f"{named.said}: labels with times come from label files; leave it out, or have the folders for labels with "
            "data.source_kind=classes"
        )
    left_out = LeftOut()
    paths = {p.relative_to(root).as_posix(): p for p in recordings(root, left_out)}
    excluding: list[str] = []
    gone = excluded(choices.exclude, paths, root, excluding).names
    group_of = from_names.asked(group, "data.group")
    found = _Files(root, paths, label, choices, gone)
    for text in _chosen(root, choices.label_files):
        found.take(text)
    if not asked:
        _ask(root, paths, found)
    found.leave_out(gone)
    problems = found.problems + found.doubled() + found.scored()
    clips = []
    inner = Names(root)
    for name, events in sorted(found.events.items()):
        if not (allow_outside or inner.inside(paths[name])):
            problems.append(outside(name, root))
        seconds = length(paths[name])
        events = [dataclasses.replace(e, label=clean(e.label), score=None) for e in found.taken(name)]
        problems += beyond(name, events, seconds)
        if choices.na == "empty":
            said = "the label {} counts as empty; fill it in, remove the line, or set data.na=keep"
            problems += [Problem(name, said, repr(e.label)) for e in events if e.label in MISSING]
        own = name
        try:
            own = name if group_of is None else group_of.of(name)
        except ValueError as e:
            problems.append(Problem(name, e))
        whole = Clip(paths[name], name, split=side_of(name), group=own)
        clips.append(Annotated(whole, tuple(sorted(events, key=order)), seconds))
    if problems:
        raise DataError(problems)
    sides = {a.clip.split for a in clips}
    if None in sides and len(sides) > 1:  # a folder that happens to be called so
        clips = [dataclasses.replace(a, clip=dataclasses.replace(a.clip, split=None)) for a in clips]
    left = sorted(set(paths) - set(found.events) - gone)
    left_told = [f"{len(left)} recordings without a label file are left out: {', '.join(left[:3])}"] * bool(left)
    told = (
        *found.notes(),
        *left_told,
        *excluding,
        *left_out.notes(HARMLESS - UNREAD, found.strange, labelled=True),
        *not_utf8(list(found.events)),
    )
    return Found(root, tuple(clips), "recording" if group_of is None else str(group), told)


class _Files:
    """What label files say of recordings."""

    def __init__(self, root: Path, paths: dict[str, Path], label: str | None, choices: Choices, gone: set[str]):
        self.root, self.paths, self.label, self.choices, self.gone = root, paths, label, choices, gone
        self.recordings = _Recordings(paths)
        self.events: dict[str, list[Event]] = {}
        self.of: dict[str, list[str]] = {}  # the label files of each recording
        self.problems: list[str] = []
        self.strange: list[str] = []  # beside a recording of their name, and no labels
        self._notes: list[str] = []

    def take(self, text: Path) -> None:
        inside = text.relative_to(self.root).as_posix()
        own = self.recordings.beside(inside)
        kind = files.kind_of(text)
        if kind is None and not (own and text.stat().st_size == 0):
            self.strange += [inside] if own else []
            return
        notes: list[str] = []
        try:
            said = files.read(text, self.label, self.choices.unlabelled, notes) if kind else {"": []}
        except (DataError, UsageError) as e:
            if own in self.gone:
                return
            unread = [Problem(text, str(e).removeprefix(f"{text}: "))]
            self.problems += e.problems if isinstance(e, DataError) else unread
            if own:
                self.of.setdefault(own, []).append(inside)
            return
        self._notes += notes
        unlabelled = any(n.startswith(("a selection without", "a row without")) for n in notes)
        for key, events in said.items():
            name = own if key == "" else self.recordings.called(key, inside)
            if name is None:
                what = "speaks of {}" if key else "has no recording of its name beside it{}"
                remedy = "no such recording in {}; rename one of them, or move the file away"
                self.problems.append(Problem("", f"{{}} {what}: {remedy}", text, repr(key) if key else "", self.root))
            elif events or not unlabelled:  # of a recording whose every selection was left out nothing is known
                self.events.setdefault(name, []).extend(events)
                self.of.setdefault(name, []).append(inside)

    def leave_out(self, names: set[str]) -> None:
        """Forget what is said of these recordings."""
        for name in names:
            self.events.pop(name, None)
            self.of.pop(name, None)

    def doubled(self) -> list[Problem]:
        """Recordings of which several label files speak, unless it was said which are meant."""
        if self.choices.label_files is not None:
            return []
        said = "{} has several label files, {}; say which are meant with data.label_files, as data.label_files={!r}"
        return [
            Problem("", said.replace("{!r}", repr(_pattern(own))), name, " and ".join(own))
            for name, own in sorted(self.of.items())
            if len(own) > 1
        ]

    def scored(self) -> list[Problem]:
        """Recordings whose labels have scores, unless it was said how high these must be."""
        if self.choices.min_score is not None:
            return []
        said = (
            "the labels in {} have scores, as a program's detections have; data.min_score=0.5 takes those of at least "
            "so much, data.label_files=PATTERN reads other files"
        )
        if len({name.split("/")[0] for name in self.paths if "/" in name}) > 1:
            said += ", data.source_kind=classes takes the folders for labels"
        found = (name for name, events in sorted(self.events.items()) if any(e.score is not None for e in events))
        return [Problem("", said, ", ".join(self.of[name])) for name in found if len(self.of[name]) == 1]

    def taken(self, name: str) -> list[Event]:
        """The events of a recording whose score is high enough."""
        least = self.choices.min_score
        if least is None:
            return self.events[name]
        high = [e for e in self.events[name] if e.score is None or e.score >= least]
        return [e for e in high if e.score is None or e.label.strip().lower() != _NO_CALL]

    def notes(self) -> tuple[str, ...]:
        first = next((own[0] for _, own in sorted(self.of.items())), "")
        told = [f"labels with times come from {len(self.events)} recordings' label files, as {first}"]
        told += [f"{note}{f' ({count} times)' if count > 1 else ''}" for note, count in Counter(self._notes).items()]
        if self.choices.min_score is not None:
            every = sum(map(len, self.events.values()))
            kept = sum(len(self.taken(name)) for name in self.events)
            told.append(f"{every - kept} of {every} labels are left out: under data.min_score, or {_NO_CALL}")
        if self.strange:
            what = (
                "1 table or text beside recordings was"
                if len(self.strange) == 1
                else (f"{len(self.strange)} tables and texts beside recordings were")
            )
            told.append(
                f"{what} not read: {', '.join(self.strange[:3])}; "
                "expected start, end and label with tabs between them (Audacity), or a header with Begin Time (s) "
                "(Raven), with onset, offset and event_label (DCASE), or of BirdNET or Kaleidoscope"
            )
        return tuple(told)


def _chosen(root: Path, pattern: str | None) -> list[Path]:
    """The texts that may be label files; those of a pattern, of their name or their path."""
    found = texts(root)
    if pattern is None:
        return found
    chosen = [p for p in found if p.match(pattern) or fnmatch.fnmatch(p.relative_to(root).as_posix(), pattern)]
    if not chosen:
        names = quoted([p.relative_to(root).as_posix() for p in found], most=3)
        raise UsageError(f"data.label_files={pattern!r} matches no label file; there are {names}")
    return chosen


def _ask(root: Path, paths: dict[str, Path], found: _Files) -> None:
    """Refuse to guess where folders may be classes, and less than half of the recordings have a label file."""
    tops = {name.split("/")[0] for name in paths if "/" in name}
    if len(tops) < 2 or 2 * len(found.of) >= len(paths):
        return
    first = next((own[0] for _, own in sorted(found.of.items())), "one that has no recording of its name")
    raise DataError(
        f"{root}: {len(found.of)} of {counted(len(paths), 'recording')} have a label file, as {first}, and the folders "
        f"{quoted(sorted(tops), most=4)} may be the labels; say which is meant with data.source_kind=classes or "
        "data.source_kind=events"
    )


def _pattern(names: Sequence[str]) -> str:
    """A pattern for the first of several label files of a recording: what follows the name that they share."""
    first, *others = sorted(names, key=lambda n: ("birdnet" in n.lower(), n))  # a person's before a program's
    parts = first.rsplit("/", 1)[-1].split(".")
    shared = [
        p for p in zip(parts, *(o.rsplit("/", 1)[-1].split(".") for o in others), strict=False) if len(set(p)) == 1
    ]
    return ".".join(["*", *parts[len(shared) :]]) if shared else first.rsplit("/", 1)[-1]


class _Recordings:
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
