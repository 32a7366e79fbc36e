"""Recordings of the same bytes under several names: told where their labels differ, and kept in one group."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.errors import Problem, grouped

_HEAD = 2**12  # bytes by which most files of one size are told apart


@dataclasses.dataclass(frozen=True, slots=True)
class Twins:
    """The clips, those of the same bytes in one group, and what there is to say of them."""

    clips: tuple[Clip, ...]
    notes: tuple[str, ...]


def found(clips: Sequence[Clip], digests: Sequence[str]) -> Twins:
    """Find recordings of the same bytes.

    Args:
        clips: N clips.
        digests: a hash of each clip's recording; where all are empty, as before anything was decoded, files of one size
            are compared.

    Returns:
        The clips, in the same order; a sentence a kind for recordings whose labels differ, and one for the others.
    """
    files: dict[str, dict[str, set[tuple[str, ...]]]] = defaultdict(lambda: defaultdict(set))
    if not any(digests):
        known = _digests({clip.path for clip in clips})
        digests = [known.get(clip.path, "") for clip in clips]
    for clip, digest in zip(clips, digests, strict=True):
        if digest:
            files[digest][clip.name].add(clip.labels)
    same = {digest: names for digest, names in files.items() if len(names) > 1}
    formats = _formats(clips)
    if not same:
        return Twins(tuple(clips), tuple(formats))
    differing, alike = [], 0
    for names in same.values():
        if len({frozenset(labels) for labels in names.values()}) > 1:
            told = " and ".join(f"{name} ({_told(labels)})" for name, labels in sorted(names.items()))
            differing.append(
                Problem(
                    "", "the same bytes under different labels: {}; leave out those that are wrong (data.exclude)", told
                )
            )
        else:
            alike += 1
    notes = grouped(sorted(differing))
    if alike:
        example = " and ".join(sorted(next(n for n in same.values() if len({frozenset(x) for x in n.values()}) == 1)))
        notes.append(f"{alike} recordings are there under several names, as {example}; a split keeps them together")
    return Twins(_together(clips, digests, same), (*notes, *formats))


def _formats(clips: Sequence[Clip]) -> list[str]:
    """A sentence where names differ in their suffix alone, as those of one recording in two formats, in two groups."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for clip in clips:
        groups[os.path.splitext(clip.name)[0]][clip.name] = clip.group
    several = [sorted(own) for own in groups.values() if len(set(own.values())) > 1]
    if not several:
        return []
    where = f"in {counted(len(several), 'place')} names differ in their suffix alone, as {' and '.join(several[0])}"
    return [f"{where}: of one recording in two formats leave one out, or a split may have it on two sides"]


def _told(labels: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(sorted({label for own in labels for label in own})) or "no label"


def _together(clips: Sequence[Clip], digests: Sequence[str], same: Iterable[str]) -> tuple[Clip, ...]:
    """The clips with groups that share a recording made one, called as the first of them."""
    parent: dict[str, str] = {}

    def top(group: str) -> str:
        while group in parent:
            group = parent[group]
        return group

    of: dict[str, list[str]] = {digest: [] for digest in same}
    for clip, digest in zip(clips, digests, strict=True):
        if digest in of:
            of[digest].append(clip.group)
    for groups in of.values():
        for group in groups[1:]:
            first, last = sorted((top(groups[0]), top(group)))
            if first != last:
                parent[last] = first
    return tuple(c if c.group not in parent else dataclasses.replace(c, group=top(c.group)) for c in clips)


def _digests(paths: Iterable[Path]) -> dict[Path, str]:
    """Hashes of the files that another of them equals in size and in its first bytes; of the others there are none."""
    sizes: dict[int, list[Path]] = defaultdict(list)
    for path in paths:
        try:
            sizes[os.stat(path).st_size].append(path)
        except OSError:
            continue
    heads: dict[bytes, list[Path]] = defaultdict(list)
    for size, those in sizes.items():
        if size and len(those) > 1:
            for path in those:
                heads[size.to_bytes(8, "big") + _hash(path, _HEAD)].append(path)
    return {path: _hash(path).hex() for those in heads.values() if len(those) > 1 for path in those}


def _hash(path: Path, most: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            if most is not None:
                return file.read(most)
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""
