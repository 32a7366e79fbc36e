"""Trials: pairs of recordings, and whether both are of one speaker; made from labelled clips, read and written.

A list is a table `enrol,test,target` (CSV, TSV or JSON lines), with more columns where more is known, or has lines as
VoxCeleb's lists have them: `1 a.wav b.wav`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from audioft.annotations.lines import lines_of
from audioft.data.clip import Clip, seconds
from audioft.data.manifest import absolute
from audioft.data.rows import Names, times
from audioft.data.tables import SUFFIXES, Row, columns_of, read_table
from audioft.data.targets import clean
from audioft.errors import DataError, UsageError
from audioft.registry import suggest
from audioft.runtime import generator

#: More trials than anybody evaluates on; they are made one by one and held in memory.
MOST = 5_000_000
COLUMNS = ("enrol", "test", "target")
#: What a list may say of a trial, and what that means.
TARGETS = {"1": True, "true": True, "target": True, "same": True} | {
    "0": False,
    "false": False,
    "nontarget": False,
    "different": False,
}
SESSIONS = {"1": True, "true": True, "0": False, "false": False, "": None}


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """A pair.

    Attributes:
        enrol, test: the recordings; `labels` holds the speaker where it is known.
        target: both are of one speaker.
        same_session: both are of one session; None where that is not known.
    """

    enrol: Clip
    test: Clip
    target: bool
    same_session: bool | None = None


def make(
    clips: Sequence[Clip],
    *,
    session: str | None = None,
    same: int | None = None,
    different: int | None = None,
    seed: int = 0,
) -> list[Trial]:
    """Pairs of clips of one speaker and of two, all of them or so many drawn; the clips' order does not matter.

    Args:
        clips: with one label each, the speaker.
        session: the column that says when or where a clip was recorded; it decides `same_session`. Sessions need
            names of their own across speakers only where pairs of two speakers are looked at by session.
        same, different: how many pairs of one speaker and of two; None for all.
        seed: of what is drawn.

    Raises:
        DataError: there is no such column, or no pair of one speaker, or none of two.
        UsageError: they would be more than `MOST`.
    """
    columns = sorted({c for clip in clips for c in clip.columns})
    if session is not None and session not in columns:
        raise DataError(f"session {session!r}: there is no such column{suggest(session, columns)}")
    ordered = sorted(clips, key=lambda c: (c.labels, c.key))
    codes = np.unique([c.labels[0] for c in ordered], return_inverse=True)[1] if ordered else np.zeros(0, int)
    place, end = np.arange(len(ordered)), np.searchsorted(codes, codes, "right")
    kinds = ((True, end - place - 1, place + 1, same), (False, len(ordered) - end, end, different))
    for target, counts, _, _ in kinds:
        if not counts.sum():
            raise DataError(
                f"{len(ordered)} clips of {len(set(codes.tolist()))} speaker(s) make no pair of "
                f"{'one speaker' if target else 'two speakers'}; expected two speakers, and two clips of one of them"
            )
    wanted = sum(int(c.sum()) if n is None else min(n, int(c.sum())) for _, c, _, n in kinds)
    if wanted > MOST:
        raise UsageError(f"{wanted:,} trials are more than {MOST:,}; draw some with --same N and --different N")
    made = []
    for target, counts, first, number in kinds:
        for a, b in _pairs(counts, first, number, generator(seed, "trials", target)):
            one, other = ordered[a], ordered[b]
            sessions = ["" if session is None else clean(c.columns.get(session, "")) for c in (one, other)]
            made.append(Trial(one, other, target, sessions[0] == sessions[1] if all(sessions) else None))
    return made


def _pairs(
    counts: np.ndarray, first: np.ndarray, number: int | None, random: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Pairs `(i, j)`, where `i` pairs with `counts[i]` others from `first[i]` on; all, or `number` drawn."""
    total = int(counts.sum())
    chosen = np.arange(total)
    if number is not None and number < total:
        chosen = np.sort(random.choice(total, number, replace=False))
    upto = np.cumsum(counts)
    one = np.searchsorted(upto, chosen, "right")
    other = first[one] + chosen - (upto - counts)[one]
    return zip(one.tolist(), other.tolist(), strict=True)


def speakers(trials: Sequence[Trial]) -> tuple[list[str], list[str]]:
    """The speakers of the first recordings and of the second.

    Where a list does not name them, recordings that trials of one speaker join, directly or through others, are one
    speaker's, named after one of his recordings; any other recording is a speaker of its own.
    """
    if all(t.enrol.labels and t.test.labels for t in trials):
        return [t.enrol.labels[0] for t in trials], [t.test.labels[0] for t in trials]
    joined = _Joined()
    for t in trials:
        if t.target:
            joined.join(t.enrol.key, t.test.key)
    return [joined.of(t.enrol.key) for t in trials], [joined.of(t.test.key) for t in trials]


class _Joined:
    """Names in sets, each called after one of its members (union-find)."""

    def __init__(self) -> None:
        self.above: dict[str, str] = {}

    def of(self, name: str) -> str:
        path = []
        while (higher := self.above.get(name, name)) != name:
            path.append(name)
            name = higher
        self.above.update(dict.fromkeys(path, name))
        return name

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.of(one), self.of(other)))
        self.above[high] = low


def read(path: str | Path, root: str | Path | None = None) -> list[Trial]:
    """Read a list of trials.

    Args:
        path: `.csv`, `.tsv` or `.jsonl` for a table with `enrol`, `test`, `target` and, where known, `enrol_speaker`,
            `test_speaker`, `same_session`, and `enrol_start`, `enrol_end`, `test_start`, `test_end` in seconds;
            anything else has lines `1 a.wav b.wav`.
        root: the folder that the names are relative to; the list's own by default.

    Raises:
        UsageError: no such file.
        DataError: all that is wrong with its lines, and what they say against each other.
    """
    path = Path(path)
    if path.suffix.lower() in SUFFIXES:
        rows = read_table(path, "one row a trial, with enrol, test and target")
        absent = [c for c in COLUMNS if c not in columns_of(rows)]
        if absent:
            raise DataError(
                f"{path}: no column {', '.join(absent)}; expected enrol, test and target, the columns are "
                f"{', '.join(columns_of(rows))}"
            )
        problems: list[str] = []
    else:
        problems, rows = [], []
        for number, line in lines_of(path, "list of trials"):
            cells = line.split()
            if len(cells) == 3:
                rows.append(Row(f"{path} line {number}", dict(zip(("target", "enrol", "test"), cells, strict=True))))
            else:
                problems.append(f"{path} line {number}: expected `1 a.wav b.wav` or `0 a.wav b.wav`, found {line!r}")
    names = Names(absolute(root or path.parent))
    trials, where = [], []
    for row in rows:
        if (trial := _trial(row, names, problems)) is not None:
            trials.append(trial)
            where.append(row.where)
    problems += _contradictions(trials, where)
    if problems:
        raise DataError(problems)
    if not trials:
        raise DataError(f"{path}: no trials in it; expected lines as `1 a.wav b.wav`")
    return trials


def _trial(row: Row, names: Names, problems: list[str]) -> Trial | None:
    """The trial of a row; what is wrong with it is added to `problems`."""
    found = []
    before = len(problems)
    for side in ("enrol", "test"):
        cells = {k: row.cells.get(f"{side}_{k}", "") for k in ("start", "end")}
        speaker = clean(row.cells.get(f"{side}_speaker", ""))
        try:
            name, file = names.find(row.cells.get(side, "").strip(), allow_outside=True)
            found.append(Clip(file, name, *times(Row(row.where, cells)), labels=(speaker,) if speaker else ()))
        except ValueError as e:
            problems.append(f"{row.where}: {side}: {e}")
    target, session = (row.cells.get(c, "").strip().lower() for c in ("target", "same_session"))
    if target not in TARGETS:
        problems.append(f"{row.where}: target {target!r}: expected 1 (one speaker) or 0 (two)")
    if session not in SESSIONS:
        problems.append(f"{row.where}: same_session {session!r}: expected 1, 0 or nothing")
    if len(found) == 2 and found[0].key == found[1].key:
        problems.append(f"{row.where}: {found[0].key} is compared with itself; remove the line")
    if len(problems) > before:
        return None
    return Trial(found[0], found[1], TARGETS[target], SESSIONS[session])


def _contradictions(trials: Sequence[Trial], where: Sequence[str]) -> list[str]:
    """Recordings of two names, and trials against what the names, or other trials, say."""
    problems = []
    known: dict[str, tuple[str, str]] = {}
    for trial, place in zip(trials, where, strict=True):
        for clip in (trial.enrol, trial.test):
            if clip.labels:
                name, earlier = known.setdefault(clip.key, (clip.labels[0], place))
                if name != clip.labels[0]:
                    problems.append(f"{place}: {clip.key} is of {clip.labels[0]!r}, but of {name!r} in {earlier}")
    for trial, place, *pair in zip(trials, where, *speakers(trials), strict=True):
        if trial.target != (pair[0] == pair[1]):
            said = "one speaker" if trial.target else "two speakers"
            why = f"{pair[0]!r} and {pair[1]!r}" if trial.target else f"both are of {pair[0]!r}"
            if not (trial.enrol.labels and trial.test.labels):
                why = "other trials join them"
            problems.append(f"{place}: {trial.enrol.key} and {trial.test.key} are called of {said}, but {why}")
    return problems


def text_of(trials: Sequence[Trial], path: Path) -> str:
    """The list as a file at `path` holds it, names relative to its folder: a table if it ends in `.csv`.

    Raises:
        DataError: lines as VoxCeleb's cannot hold a clip that is a part of a recording, nor a name with a blank.
    """
    names: dict[Path, str] = {}
    folder = os.path.abspath(path.parent)
    for t in trials:
        for clip in (t.enrol, t.test):
            if clip.path not in names:
                names[clip.path] = Path(os.path.relpath(clip.path, folder)).as_posix()
    if path.suffix.lower() == ".csv":
        return _table(trials, names)
    parts = sorted({c.key for t in trials for c in (t.enrol, t.test) if not c.whole})
    blanks = sorted(n for n in names.values() if n.split() != [n])
    if parts or blanks:
        raise DataError(
            f"{path}: {(parts or blanks)[0]!r} {'is a part of a recording' if parts else 'has a blank in its name'}, "
            "which a list of lines cannot hold; give a file that ends in .csv"
        )
    return "".join(f"{int(t.target)} {names[t.enrol.path]} {names[t.test.path]}\n" for t in trials)


def _table(trials: Sequence[Trial], names: dict[Path, str]) -> str:
    cuts = not all(t.enrol.whole and t.test.whole for t in trials)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ends = ("enrol_start", "enrol_end", "test_start", "test_end") if cuts else ()
    writer.writerow([*COLUMNS, "enrol_speaker", "test_speaker", "same_session", *ends])
    for t in trials:
        who = [c.labels[0] if c.labels else "" for c in (t.enrol, t.test)]
        session = "" if t.same_session is None else int(t.same_session)
        row = [names[t.enrol.path], names[t.test.path], int(t.target), *who, session]
        if cuts:
            for c in (t.enrol, t.test):
                row += [seconds(c.start), "" if c.end is None else seconds(c.end)]
        writer.writerow(row)
    return out.getvalue()
