"""Folders whose names are the labels."""

from __future__ import annotations

import dataclasses
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from audioft.audio.recording_kinds import LOOKED_FOR, RECORDINGS, may_be_recording
from audioft.core.places import is_utf8
from audioft.core.wording import listed, quoted
from audioft.data.clip import Clip
from audioft.data.reading.choices import PLAIN, Choices
from audioft.data.reading.exclusion import excluded
from audioft.data.reading.file_kinds import HARMLESS, LeftOut, reason
from audioft.data.reading.from_names import FromName, sites
from audioft.data.rows import ROLES, Names, outside
from audioft.data.targets import clean
from audioft.errors import DataError, Problem


def to_clips(
    root: Path,
    allow_outside: bool,
    notes: list[str],
    choices: Choices = PLAIN,
    label: FromName | None = None,
    group: FromName | None = None,
    empty: set[str] | None = None,
) -> tuple[list[Clip], str]:
    """The clips of a folder without a table, sorted by name, and its layout, `classes` or `splits`.

    Args:
        root: the folder.
        allow_outside: accept links out of it.
        notes: is told what was decided and left out.
        choices: which recordings and labels are left out.
        label, group: what of a recording's name they are; the class folder, and the recording, if not given.
        empty: is told the labels of folders without recordings, which are left out on purpose.

    Raises:
        DataError: no recordings, no class folders, links out of the folder, names without label or group.
    """
    left_out = LeftOut()
    names = sorted(
        (p.relative_to(root).as_posix() for p in recordings(root, left_out)),
        key=lambda n: unicodedata.normalize("NFC", n),
    )
    if left_out.unreadable:
        raise DataError(Problem(path, f"the folder cannot be read: {why}") for path, why in left_out.unreadable)
    if not names:
        raise DataError(f"{root}: no recordings found; looked in all folders for {LOOKED_FOR}{left_out.instead()}")
    gone = excluded(choices.exclude, names, root, notes).as_whole(notes)
    every, names = names, [n for n in names if n not in gone]
    if not names:
        raise DataError(f"{root}: data.exclude leaves out all of its {len(every)} recordings")
    tops = sorted({n.split("/")[0] for n in names if "/" in n})
    roles = [t for t in tops if t.lower() in ROLES]
    by_side = len(roles) > 1 or (len(tops) == 1 and [t.lower() for t in roles] in (["train"], ["training"]))
    if by_side and len(roles) < len(tops):
        others = [t for t in tops if t not in roles]
        raise DataError(
            f"{root}: {', '.join(roles)} look like sides of a split, beside them lie {', '.join(others)}; "
            "move these elsewhere, or use a metadata.csv"
        )
    depth = 2 if by_side else 1
    least = depth if label is None else int(by_side)  # folders that a recording must lie in
    flat = [n for n in names if n.count("/") < least]
    if (flat and len(flat) == len(names)) or (by_side and flat):
        place = "train/CLASS/file.wav" if by_side else "CLASS/file.wav"
        raise DataError(
            f"{root}: {len(flat)} recordings lie in no class folder, as {flat[0]}; expected {place}, or a "
            'metadata.csv with file_name and label; data.label="name:PATTERN" takes labels out of the files\' names'
        )
    if flat:
        notes.append(
            f"{len(flat)} recordings directly in {root} are left out, they have no class: {', '.join(flat[:3])}"
        )
    names = [n for n in names if n.count("/") >= least]
    find, levels = Names(root), depth if label is None else max(label.level or 0, int(by_side))
    found = _without_recordings(root, levels, [*names, *gone], left_out, notes)
    problems, clips = [p for name, p in found if not _left_out(name, choices, empty)], []
    if label is None:
        problems += _no_labels({"/".join(n.split("/")[:depth]) for n in names})
        notes += sites(names, depth, ROLES)
    notes += [] if label is not None else _blanks({n.split("/")[depth - 1] for n in names})
    again = _links_again(root, depth if label is None else 0, names)
    for name in names:
        parts = name.split("/")
        if not (allow_outside or find.inside(root / name)):
            problems.append(outside(name, root))
        elif name in again:
            left_out.add("link to a file that is there already", name)
        elif label is not None or is_utf8(parts[depth - 1]):
            side = ROLES[parts[0].lower()] if by_side else None
            try:
                own = clean(parts[depth - 1]) if label is None else label.of(name)
                of = name if group is None else group.of(name)
            except ValueError as e:
                problems.append(Problem(name, f"{e}; leave it out with data.exclude, or ask for another part of names"))
                continue
            clips.append(Clip(root / name, name, labels=(own,), split=side, group=of))
    if problems:
        raise DataError(problems)
    if group is not None:
        notes.append(f"groups are {group.said.partition('=')[2]}")
    notes += left_out.notes(labelled=True)
    return clips, "splits" if by_side else "classes"


#: Folders whose recordings have none of the labels, for BirdNET's analyzer.
_NO_EVENT = ("background", "noise", "other", "silence")


def without_told(choices: Choices, clips: list[Clip]) -> Choices:
    """Choices without the negatives that have no label in BirdNET's folders anyhow."""
    known = {label for clip in clips for label in clip.labels if label.lower() in _NO_EVENT}
    return dataclasses.replace(choices, negatives=[n for n in choices.negatives if clean(n) not in known])


def as_birdnet(clips: list[Clip]) -> list[Clip]:
    """Clips whose folders are called as BirdNET's analyzer has it: `dog,rain` both, `-dog` and `noise` none."""
    out = []
    for clip in clips:
        parts = [p for p in map(clean, clip.labels[0].split(",")) if p]
        labels = tuple(sorted({p for p in parts if not p.startswith("-") and p.lower() not in _NO_EVENT}))
        out.append(dataclasses.replace(clip, labels=labels))
    return out


def like_birdnet(clips: list[Clip]) -> list[str]:
    """A sentence where folders are called as BirdNET's analyzer has it, and count as classes of these names."""
    labels = {label for clip in clips for label in clip.labels}
    parts = {label: [p.strip() for p in label.split(",")] for label in labels}
    found = [a for a in sorted(labels) if a.startswith("-") or ("," in a and labels.intersection(parts[a]))]
    if not found:
        return []
    return [
        f"{quoted(found)} count as classes of these names; data.folders=birdnet has them as BirdNET means it: "
        "`a,b` holds both labels, `-a` holds recordings without a"
    ]


def _without_recordings(
    root: Path, depth: int, names: list[str], left_out: LeftOut, notes: list[str]
) -> list[tuple[str, Problem]]:
    """Folders that are meant to be sides and classes, and have no recording, with the problem; of texts and pictures, a
    note.

    A folder of texts or pictures was never one of recordings; of one that is empty, or whose files were passed over,
    nobody can tell.
    """
    having = {n.rsplit("/", up)[0] for n in names for up in range(1, n.count("/") + 1)}
    problems = []
    for level in range(depth):
        for folder in sorted(p for p in root.glob("/".join(["*"] * (level + 1))) if p.is_dir()):
            name = folder.relative_to(root).as_posix()
            if name in having or any(part.startswith((".", "__MACOSX")) for part in name.split("/")):
                continue
            if level and name.rpartition("/")[0] not in having:  # its side was told
                continue
            within = left_out.within(name)
            if within and set(within) <= HARMLESS:
                notes.append(f"the folder {name} holds no recording and is no class: {left_out.told(within)}")
                continue
            found = f"nothing but {left_out.told(within)}" if within else "it is empty"
            remedy = f"add recordings of this class, remove the folder, or set data.drop={listed([folder.name])}"
            problems.append((name, Problem("", f"the folder {{}} holds no recording: {found}; {remedy}", folder)))
    return problems


def _blanks(folders: set[str]) -> list[str]:
    """A sentence where names of class folders begin or end with blanks, which are no part of the label."""
    found = sorted(f for f in folders if f != f.strip() and is_utf8(f))
    return [f"blanks around the names of folders are left out of labels: {quoted(found)}"] if found else []


def _left_out(folder: str, choices: Choices, empty: set[str] | None) -> bool:
    """Whether a folder without recordings is of a label that is left out, which is then remembered."""
    label = clean(folder.rpartition("/")[2])
    dropped = label in map(clean, choices.drop)
    if dropped and empty is not None:
        empty.add(label)
    return dropped or (bool(choices.keep) and label not in map(clean, (*choices.keep, *choices.negatives)))


def _links_again(root: Path, depth: int, names: list[str]) -> set[str]:
    """Names that are links to a recording of the same class that is there already, under its own name or another."""
    seen: set[tuple[str, ...]] = set()
    again = set()
    for name in sorted(names, key=lambda n: (root / n).is_symlink()):
        place = (*name.split("/")[:depth], os.path.realpath(root / name))
        if place in seen:
            again.add(name)
        seen.add(place)
    return again


def recordings(folder: Path, left_out: LeftOut | None = None) -> Iterator[Path]:
    """All that may be recordings below a folder, without hidden ones; folders that are links are followed once.

    Args:
        folder: where to look.
        left_out: is told what was passed over, by reason.
    """
    left_out = LeftOut() if left_out is None else left_out

    def unreadable(error: OSError) -> None:
        left_out.unreadable.append((Path(error.filename), error.strerror or "cannot be read"))

    seen: set[str] = set()
    for here, subfolders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            subfolders.clear()
            left_out.add("link to a folder that is there already", os.path.relpath(here, folder))
            continue
        seen.add(real)
        for hidden in sorted(d for d in subfolders if d.startswith((".", "__MACOSX"))):
            if any(p.suffix.lower() in RECORDINGS for p in _all_files(Path(here, hidden))):
                left_out.add("hidden folder with recordings", os.path.relpath(os.path.join(here, hidden), folder))
        subfolders[:] = sorted(d for d in subfolders if not d.startswith((".", "__MACOSX")))
        for name in sorted(files):
            path = Path(here, name)
            if not name.startswith(".") and may_be_recording(path):
                yield path
            else:
                left_out.add(reason(path), os.path.relpath(path, folder))


def _all_files(folder: Path) -> Iterator[Path]:
    return (Path(here, name) for here, _, files in os.walk(folder) for name in files)


def _no_labels(names: set[str]) -> list[Problem]:
    """Folders whose names are bytes that are no text, and would be labels."""
    said = "the name of the folder is not UTF-8, and a label is text: rename the folder"
    return [Problem(repr(os.fsencode(name)), said) for name in sorted(names) if not is_utf8(name)]
