"""Recordings, or times of them, that are left out by name: `data.exclude`."""

from __future__ import annotations

import fnmatch
import glob
import math
import os
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audioft.annotations.lines import lines_of
from audioft.core.wording import counted, quoted
from audioft.data.reading.columns import understood
from audioft.data.reading.row_times import times
from audioft.data.tables import SUFFIXES, file_column, read_table
from audioft.errors import DataError, Problem, UsageError

_LISTS = (".txt", *SUFFIXES)


Span = tuple[float, float | None]  # seconds; None is the recording's end


@dataclass(frozen=True)
class Excluded:
    """What is left out.

    Attributes:
        names: recordings as a whole.
        times: of other recordings, what is left out of them.
    """

    names: set[str] = field(default_factory=set)
    times: dict[str, list[Span]] = field(default_factory=dict)

    @property
    def touched(self) -> set[str]:
        """All recordings of which something is left out."""
        return self.names | self.times.keys()

    def as_whole(self, notes: list[str]) -> set[str]:
        """All of these, where recordings are not cut; those with times are told."""
        if self.times:
            notes.append(
                _told(
                    self.times,
                    "recording",
                    " as a whole, for times in it" if len(self.times) == 1 else " as a whole, for times in them",
                )
            )
        return self.touched


def excluded(entries: Sequence[str], names: Collection[str], root: Path, notes: list[str]) -> Excluded:
    """What `data.exclude` leaves out.

    Args:
        entries: patterns as `old/*.wav`, of a name or of its path; folders; names; and files that hold names: one a
            line, or a table with a column of recordings, as audioft's `predictions.csv` and `bad_files.csv`. A row with
            times leaves out these.
        names: all recordings, relative to the root, with forward slashes.
        root: what they are relative to.
        notes: is told how many are left out as a whole, and what was of none of them.

    Raises:
        UsageError: a file of names that is not there; nothing is of any recording; a name that several may have.
        DataError: a row of such a file has times that are none.
    """
    called, out, missed = _Called(names, root), Excluded(), list[str]()
    for entry in entries:
        listed = _list_of(entry, root)
        if listed is None:
            found = called.matching(entry)
            missed += [] if found else [entry]
            out.names.update(found)
            continue
        own = {name: (called.called(name, f" in {listed}"), spans) for name, spans in _read(listed).items()}
        for of_name, spans in own.values():
            if None in spans:
                out.names.update(of_name)
            for name in of_name:
                out.times.setdefault(name, []).extend(s for s in spans if s is not None)
        strange = [name for name, (of_name, _) in own.items() if not of_name]
        if strange:
            missed.append(f"{len(strange)} of the {counted(len(own), 'name')} in {entry}, as {strange[0]}")
    for name in out.names & out.times.keys():
        del out.times[name]
    told = "; ".join(missed)
    if entries and not out.touched:
        first = sorted(names)[0] if names else "none"
        raise UsageError(f"data.exclude matches no recording: {told or 'it names none'}; names are as {first}")
    if out.names:
        notes.append(_told(out.names, "recording"))
    if missed:
        notes.append(f"data.exclude: of no recording here: {told}")
    return out


def _told(names: Collection[str], what: str, of: str = "") -> str:
    are = "is" if len(names) == 1 else "are"
    more = ", ..." if len(names) > 3 else ""
    return f"{counted(len(names), what)} {are} left out by data.exclude{of}: {', '.join(sorted(names)[:3])}{more}"


def at_times(
    times: Mapping[str, Sequence[Span]], clips: Sequence[tuple[str, float, float | None]], notes: list[str]
) -> set[int]:
    """Positions of clips, or events, in the times that are left out.

    Args:
        times: of recordings by name, see `Excluded`.
        clips: name, start and end of each. Where some have the very times that are left out, it is those, otherwise all
            that reach into them.
        notes: is told how many they are.
    """
    own: dict[str, list[int]] = {}
    for i, (name, _, _) in enumerate(clips):
        own.setdefault(name, []).append(i)
    out = set[int]()
    for name, spans in times.items():
        for span in spans:
            same = [i for i in own.get(name, ()) if _ends(clips[i][1:]) == _ends(span)]
            out.update(same or (i for i in own.get(name, ()) if _overlap(_ends(clips[i][1:]), _ends(span))))
    if out:
        told = {f"{clips[i][0]} at {clips[i][1]:g} s" for i in out}
        notes.append(_told(told, "clip", " for its times" if len(out) == 1 else " for their times"))
    else:
        name = min(times)
        notes.append(
            f"data.exclude: nothing is labelled in the times it gives, as in {name} at {times[name][0][0]:g} s"
        )
    return out


def _ends(span: Span) -> tuple[float, float]:
    start, end = span
    return round(start, 6), math.inf if end is None else round(end, 6)


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether they share time; a point shares that which it lies in."""
    return max(a[0], b[0]) < min(a[1], b[1]) or (a[0] == a[1] and b[0] <= a[0] < b[1])


def plain(name: str) -> str:
    """A name as names are compared: forward slashes, NFC.

    >>> plain(".\\\\dog\\\\a.wav")
    'dog/a.wav'
    """
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/")).removeprefix("./")


class _Called:
    """Recordings by what they may be called."""

    def __init__(self, names: Collection[str], root: Path):
        self.root = root
        self.exact = {plain(name): name for name in names}
        self.folded: dict[str, set[str]] = {}
        self.lasts: dict[str, set[str]] = {}
        for key, name in self.exact.items():
            self.folded.setdefault(key.casefold(), set()).add(name)
            self.lasts.setdefault(key.rpartition("/")[2].casefold(), set()).add(name)

    def called(self, name: str, where: str = "") -> set[str]:
        """The recording of a name, which may be its path, the end of it, or its path with more folders before it.

        Letters of the other case are taken where no name fits as it is written.
        """
        key = plain(name)
        inside = os.path.relpath(os.path.abspath(key), self.root).replace(os.sep, "/")
        parts = key.split("/")
        tails = ["/".join(parts[i:]) for i in range(len(parts))]
        for form in (key, plain(inside), *tails[1:]):
            if form in self.exact:
                return {self.exact[form]}
            if len(found := self.folded.get(form.casefold(), ())) == 1:
                return set(found)
        ends = {
            n
            for n in self.lasts.get(parts[-1].casefold(), ())
            if f"/{plain(n)}".casefold().endswith(f"/{key}".casefold())
        }
        same = {n for n in ends if f"/{plain(n)}".endswith(f"/{key}")} or ends
        if len(same) > 1:
            raise UsageError(
                f"data.exclude: {name}{where} may be {quoted(sorted(same), most=3)}; write its folder, too, or "
                f"*/{parts[-1]} for all of them"
            )
        return same

    def matching(self, pattern: str) -> set[str]:
        """The recordings of a pattern, of its path or of its name alone; of a folder; or of a name."""
        key = plain(pattern).rstrip("/")
        for fold in (str, str.casefold):
            wanted = fold(key)
            below = wanted + "/"
            found = {
                name
                for own, name in ((fold(k), n) for k, n in self.exact.items())
                if own == wanted
                or own.startswith(below)
                or fnmatch.fnmatchcase(own, wanted)
                or (
                    "/" not in wanted and glob.has_magic(wanted) and fnmatch.fnmatchcase(own.rpartition("/")[2], wanted)
                )
            }
            if found:
                return found
        return set() if glob.has_magic(key) else self.called(pattern)


def _list_of(entry: str, root: Path) -> Path | None:
    """The file of names that is meant, from the working folder or from the root; None for a pattern or a name."""
    if Path(entry).suffix.lower() not in _LISTS or glob.has_magic(entry):
        return None
    places = [Path(os.path.expanduser(entry)), root / entry]
    found = next((p for p in places if p.is_file()), None)
    if found is None:
        raise UsageError(f"data.exclude={entry}: no such file; expected names of recordings, one a line, or a table")
    return found


def _read(path: Path) -> dict[str, list[Span | None]]:
    """The names in a file, each with the times that are left out; None for the whole recording."""
    if path.suffix.lower() == ".txt":
        return {text.strip(): [None] for _, text in lines_of(path, "file of names", "surrogateescape")}
    if path.suffix.lower() != ".jsonl":
        lines = lines_of(path, "file of names", "surrogateescape")
        if lines and not any(mark in lines[0][1] for mark in ",;\t") and "." in lines[0][1]:  # names without a header
            return {text.strip().strip('"'): [None] for _, text in lines}
        if len(lines) == 1:  # a table of bad recordings that found none
            return {}
    rows, _ = understood(read_table(path, "names of recordings"), str(path), "")
    column, found, problems = file_column(rows, path), dict[str, list[Span | None]](), list[Problem]()
    for row in rows:
        if not (name := row.cells.get(column, "").strip()):
            continue
        try:
            span = times(row.cells, points=True)
        except ValueError as e:
            problems.append(Problem(row.where, e))
            continue
        found.setdefault(name, []).append(None if span == (0.0, None) else span)
    if problems:
        raise DataError(problems)
    return found
