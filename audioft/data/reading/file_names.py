"""Recordings by the names that tables have for them."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from audioft.core.places import is_utf8
from audioft.core.wording import counted
from audioft.errors import Problem

_MOST_FOUND = 10_000  # files whose paths are remembered while a table is read
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")


class Names:
    """Files by the names a table has for them, kept inside of a root.

    A name is also found where the disk has it in another Unicode normal form (macOS writes NFD, tables hold
    NFC), and where it is written with backslashes.

    Args:
        root: the folder that names are relative to.
        moved: look for a name with the folders of another machine by its last parts.
        asked: what says another root, for messages; the root goes in place of DIR.
    """

    def __init__(self, root: Path, moved: bool = False, asked: str = "data.audio_root=DIR"):
        self.root, self.real, self.moved, self.asked = root, Path(os.path.realpath(root)), moved, asked
        self._backslashes, self._elsewhere = 0, 0
        self._beside: str | None = None
        self._base = os.path.join(root, "")
        self._listed: dict[str, dict[str, str]] = {}
        self._folders: dict[str, Path | None] = {}
        self._found: dict[str, tuple[str, Path]] = {}

    def find(self, name: str, allow_outside: bool) -> tuple[str, Path]:
        """The clip's name and the file's path.

        Raises:
            ValueError: no name, no such file, or a file outside of the root.
        """
        if not name:
            raise ValueError("the row names no file")
        if "\0" in name:
            raise ValueError(f"{name!r}: a path cannot hold a NUL byte")
        if (plain := self._found.get(name) or self._plain(name)) is not None:
            return plain
        path = Path(os.path.normpath(self.root / name))
        if "\\" in name and not os.path.lexists(path):
            with_slashes = name.replace("\\", "/")
            if self.moved or os.path.lexists(self.root / with_slashes):
                name, path = with_slashes, Path(os.path.normpath(self.root / with_slashes))
                self._backslashes += 1
        foreign = (os.path.isabs(name) or _DRIVE.match(name)) and not os.path.lexists(path)
        if foreign and (tail := self._tail(name)) is not None:
            self._elsewhere += 1
            return self.find(tail, allow_outside)
        if not (foreign or allow_outside or path.is_relative_to(self.root) or path.is_relative_to(self.real)):
            raise ValueError(outside(name, self.root))
        try:
            there = path.exists()
        except OSError as e:  # a name longer than a file system takes
            raise ValueError(f"{name[:80]!r}...: no file can have this name: {e.strerror}") from None
        if not there:
            path = self._other_form(path) or path
        if not path.exists():
            if foreign:
                remedy = f"write names relative to the table, or say where the recordings lie with {self.asked}"
                raise ValueError(Problem("", f"no such file: {{}}; {remedy}", name))
            said = f"no such file: {{}} in {{}}{self._hint(name)}; correct the name or remove the row"
            raise ValueError(Problem("", said, name, self.root))
        if path.is_dir():
            raise ValueError(Problem("", "{} is a folder; expected a recording", name))
        if not (allow_outside or self.inside(path)):
            raise ValueError(outside(name, self.root))
        base = self.root if path.is_relative_to(self.root) else self.real
        listed = path.relative_to(base) if path.is_relative_to(base) else path
        return listed.as_posix(), path

    def notes(self) -> list[str]:
        """What was understood of names, a sentence each."""
        found = {
            "with backslashes, which are taken for separators of folders": self._backslashes,
            "with the folders of another machine, found by the last parts": self._elsewhere,
        }
        return [f"{counted(number, 'name')} {what}" for what, number in found.items() if number]

    def _tail(self, name: str) -> str | None:
        """The longest end of a name with folders of another machine that is there below the root."""
        parts = [p for p in re.split(r"[\\/]", name) if p not in ("", ".", "..")] if self.moved else []
        tails = ("/".join(parts[i:]) for i in range(1, len(parts)))
        return next((t for t in tails if os.path.lexists(self.root / t)), None)

    def _hint(self, name: str) -> str:
        """Where a file that is not there was found instead: in a folder beside the root."""
        if self._beside is None:
            last = re.split(r"[\\/]", name)[-1]
            try:
                beside = sorted(p for p in self.root.parent.iterdir() if p.is_dir() and not p.name.startswith("."))
            except OSError:
                beside = []
            here = [p for p in (*beside, *sorted(p for p in self.root.glob("*") if p.is_dir())) if p != self.root]
            plain = name.replace("\\", "/")
            # the folder that makes the whole name right comes before one that holds a file of its last part
            found = next((p for p in (self.root.parent, *here) if (p / plain).is_file()), None)
            found = found or (None if "/" in plain else next((p for p in here if (p / last).is_file()), None))
            asked = self.asked.replace("DIR", str(found))
            self._beside = f" (it is there in {found}: set {asked})" if found else ""
        return self._beside

    def _plain(self, name: str) -> tuple[str, Path] | None:
        """What `find` gives for a file that is no link, in a folder inside of the root; None for whatever else.

        It asks the disk once a file, and gives cuts of one recording the same objects: tables have millions of rows.
        """
        path = os.path.normpath(self._base + name)
        folder, _, last = path.rpartition(os.sep)
        if folder not in self._folders:
            place = Path(folder)
            self._folders[folder] = place if place.is_relative_to(self.root) and self.inside(place) else None
        here = self._folders[folder]
        if here is None or os.path.isabs(name):
            return None
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return None
        except OSError:
            return None
        listed = path[len(self._base) :].replace(os.sep, "/")
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        self._found[name] = found = (name if name == listed else listed, here / last)
        return found

    def inside(self, path: Path) -> bool:
        """Whether the file itself, links followed, lies in the root."""
        return Path(os.path.realpath(path)).is_relative_to(self.real)

    def _other_form(self, path: Path) -> Path | None:
        if not path.is_relative_to(self.root):
            return None
        found = str(self.root)
        for part in path.relative_to(self.root).parts:
            if found not in self._listed:
                entries = os.listdir(found) if os.path.isdir(found) else []
                self._listed[found] = {unicodedata.normalize("NFC", e): e for e in entries}
            entry = self._listed[found].get(unicodedata.normalize("NFC", part))
            if entry is None:
                return None
            found = os.path.join(found, entry)
        return Path(found)


def not_utf8(names: Sequence[str]) -> list[str]:
    """A sentence where names of recordings are bytes that are no text."""
    odd = [name for name in names if not name.isascii() and not is_utf8(name)]
    if not odd:
        return []
    return [
        f"{len(odd)} recordings have names that are not UTF-8, as {os.fsencode(odd[0])!r}: in tables they keep their "
        "bytes (Python reads such a table with errors='surrogateescape')"
    ]


def outside(name: str, root: Path) -> Problem:
    remedy = "move the recording into the folder, or set data.allow_outside=true if you trust the source"
    return Problem("", f"{{}} leads out of {{}}; {remedy}", name, root)
