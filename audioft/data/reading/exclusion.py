"""Recordings that are left out by name: `data.exclude`."""

from __future__ import annotations

import fnmatch
import glob
import os
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path

from audioft.annotations.lines import lines_of
from audioft.core.wording import counted, quoted
from audioft.data.tables import SUFFIXES, file_column, read_table
from audioft.errors import UsageError

_LISTS = (".txt", *SUFFIXES)


def excluded(entries: Sequence[str], names: Collection[str], root: Path, notes: list[str]) -> set[str]:
    """The recordings that `data.exclude` leaves out.

    Args:
        entries: patterns as `old/*.wav`, of a name or of its path; folders; names; and files that hold names: one a
            line, or a table with a column of recordings, as audioft's `predictions.csv` and `bad_files.csv`.
        names: all recordings, relative to the root, with forward slashes.
        root: what they are relative to.
        notes: is told how many are left out, and what was of none of them.

    Raises:
        UsageError: a file of names that is not there; nothing is of any recording; a name that several may have.
    """
    if not entries:
        return set()
    called, out, missed = _Called(names, root), set[str](), list[str]()
    for entry in entries:
        listed = _list_of(entry, root)
        if listed is None:
            found = called.matching(entry)
            missed += [] if found else [entry]
            out |= found
            continue
        own = {name: called.called(name, f" in {listed}") for name in _read(listed)}
        out |= {name for found in own.values() for name in found}
        strange = [name for name, found in own.items() if not found]
        if strange:
            missed.append(f"{len(strange)} of the {counted(len(own), 'name')} in {entry}, as {strange[0]}")
    told = "; ".join(missed)
    if not out:
        first = sorted(names)[0] if names else "none"
        raise UsageError(f"data.exclude matches no recording: {told or 'it names none'}; names are as {first}")
    are = "is" if len(out) == 1 else "are"
    notes.append(
        f"{counted(len(out), 'recording')} {are} left out by data.exclude: {', '.join(sorted(out)[:3])}"
        + (", ..." if len(out) > 3 else "")
    )
    if missed:
        notes.append(f"data.exclude: of no recording here: {told}")
    return out


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


def _read(path: Path) -> list[str]:
    """The names in a file, each once."""
    if path.suffix.lower() == ".txt":
        return list(dict.fromkeys(text.strip() for _, text in lines_of(path, "file of names", "surrogateescape")))
    if path.suffix.lower() != ".jsonl":
        lines = lines_of(path, "file of names", "surrogateescape")
        if lines and not any(mark in lines[0][1] for mark in ",;\t") and "." in lines[0][1]:  # names without a header
            return list(dict.fromkeys(text.strip().strip('"') for _, text in lines))
        if len(lines) == 1:  # a table of bad recordings that found none
            return []
    rows = read_table(path, "names of recordings")
    column = file_column(rows, path)
    return list(dict.fromkeys(row.cells.get(column, "").strip() for row in rows if row.cells.get(column, "").strip()))
