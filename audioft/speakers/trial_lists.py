"""Files of trials, written and read.

A list is a table `enrol,test,target` (CSV, TSV or JSON lines), with more columns where more is known, or has lines as
VoxCeleb's lists have them: `1 a.wav b.wav`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audioft.annotations.lines import lines_of
from audioft.core import csv_tables
from audioft.data.clip import Clip, seconds
from audioft.data.manifest import absolute
from audioft.data.reading.row_times import times
from audioft.data.rows import Names
from audioft.data.tables import SUFFIXES, Row, columns_of, read_table
from audioft.data.targets import clean
from audioft.errors import DataError, UsageError
from audioft.speakers.trials import Trial, speakers

COLUMNS = ("enrol", "test", "target")
#: What a list may say of a trial, and what that means.
TARGETS = dict.fromkeys(("1", "true", "target", "same"), True)
TARGETS |= dict.fromkeys(("0", "false", "nontarget", "different"), False)
SESSIONS = {"1": True, "true": True, "0": False, "false": False, "": None}


def refuse(path: Path, overwrite: bool) -> None:
    """Raise where no list may be written to `path`.

    Raises:
        UsageError: by its ending it would be read as another kind of table; or something is there that is no list of
            trials; or a list is, and may not be overwritten.
    """
    kind = path.suffix.lower()
    if kind in SUFFIXES and kind != ".csv":
        raise UsageError(f"--out {path}: expected a .csv, or another name as list.txt for lines `1 a.wav b.wav`")
    if not path.is_file():
        return
    if not overwrite:
        raise UsageError(f"{path} is there already: replace it (--overwrite), or give another --out")
    try:
        _rows(path, [])
    except (DataError, UsageError):
        raise UsageError(f"{path} is no list of trials and is not replaced; give another --out") from None


def read(path: str | Path, root: str | Path | None = None) -> list[Trial]:
    """Read a list of trials.

    Args:
        path: `.csv`, `.tsv` or `.jsonl` for a table with `enrol`, `test`, `target` and, where known, `enrol_speaker`,
            `test_speaker`, `same_session`, and `enrol_start`, `enrol_end`, `test_start`, `test_end` in seconds;
            anything else has lines `1 a.wav b.wav`.
        root: the folder that the names are relative to, or that those of another machine are looked for in by their
            last parts; the list's own by default.

    Raises:
        UsageError: no such file, or it is no list of trials.
        DataError: all that is wrong with its lines, and what they say against each other.
    """
    path = Path(path)
    problems: list[str] = []
    rows = _rows(path, problems)
    names = Names(absolute(root or path.parent), moved=root is not None, asked="--root DIR")
    trials, where = [], []
    for row in rows:
        if (trial := _trial(row, names, problems)) is not None:
            trials.append(trial)
            where.append(row.where)
    problems += _contradictions(trials, where)
    if problems:
        raise DataError(problems)
    return trials


def _rows(path: Path, problems: list[str]) -> list[Row]:
    """The rows of a list, at least one; lines that hold no trial are added to `problems`.

    Raises:
        UsageError: no such file, or it is no list of trials.
        DataError: its text or its table is broken.
    """
    if path.suffix.lower() in SUFFIXES:
        rows = read_table(path, "one row a trial, with enrol, test and target")
        absent = [c for c in COLUMNS if c not in columns_of(rows)]
        if absent:
            raise UsageError(
                f"{path} is no list of trials: no column {', '.join(absent)}; expected enrol, test and target, the "
                f"columns are {', '.join(columns_of(rows))}. `audioft trials DATA --out LIST` makes a list"
            )
        return rows
    table, rows, strange = f"{path} line", [], []
    for number, line in lines_of(path, "list of trials", "surrogateescape"):  # names may be bytes
        cells = line.split()
        if len(cells) == 3:
            rows.append(Row(table, number, dict(zip(("target", "enrol", "test"), cells, strict=True))))
        else:
            strange.append(f"{table} {number}: expected `1 a.wav b.wav` or `0 a.wav b.wav`, found {line!r}")
    if not any(row.cells["target"].lower() in TARGETS for row in rows):
        raise UsageError(
            f"{path} is no list of trials: no line of it is as `1 a.wav b.wav` or `0 a.wav b.wav`. "
            "`audioft trials DATA --out LIST` makes a list"
        )
    problems += strange
    return rows


def _trial(row: Row, names: Names, problems: list[str]) -> Trial | None:
    """The trial of a row; what is wrong with it is added to `problems`."""
    found = []
    before = len(problems)
    for side in ("enrol", "test"):
        cells = {k: row.cells.get(f"{side}_{k}", "") for k in ("start", "end")}
        speaker = clean(row.cells.get(f"{side}_speaker", ""))
        try:
            name, file = names.find(row.cells.get(side, "").strip(), allow_outside=True)
            found.append(Clip(file, name, *times(cells), labels=(speaker,) if speaker else ()))
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
        for clip in trial.clips:
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
    folder = os.path.abspath(path.parent)
    files = {c.path for t in trials for c in t.clips}
    names = {file: Path(os.path.relpath(file, folder)).as_posix() for file in files}
    if path.suffix.lower() == ".csv":
        return _table(trials, names)
    parts = sorted({c.key for t in trials for c in t.clips if not c.whole})
    blanks = sorted(n for n in names.values() if n.split() != [n])
    if parts or blanks:
        raise DataError(
            f"{path}: {(parts or blanks)[0]!r} {'is a part of a recording' if parts else 'has a blank in its name'}, "
            "which a list of lines cannot hold; give a file that ends in .csv"
        )
    return "".join(f"{int(t.target)} {names[t.enrol.path]} {names[t.test.path]}\n" for t in trials)


def _table(trials: Sequence[Trial], names: dict[Path, str]) -> str:
    cuts = not all(t.enrol.whole and t.test.whole for t in trials)
    ends = ("enrol_start", "enrol_end", "test_start", "test_end") if cuts else ()
    rows: list[list[Any]] = [[*COLUMNS, "enrol_speaker", "test_speaker", "same_session", *ends]]
    for t in trials:
        who = [c.labels[0] if c.labels else "" for c in t.clips]
        times = [x for c in t.clips for x in (seconds(c.start), "" if c.end is None else seconds(c.end))]
        cells = [names[t.enrol.path], names[t.test.path], int(t.target), *who, t.session]
        rows.append([*cells, *(times if cuts else ())])
    return csv_tables.text(rows)
