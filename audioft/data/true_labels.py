"""What is known to happen in a recording: the label file beside it, if there is one."""

from __future__ import annotations

import os
from pathlib import Path

from audioft.annotations import files
from audioft.annotations.event import Event
from audioft.errors import DataError, UsageError


class TrueLabels:
    """Finds the label files of recordings by their names, as `label_folders.read` does; each folder is looked at once.

    A file whose labels have scores holds what a program has found, and is passed over; so is one that cannot be read.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, list[Path]]] = {}

    def of(self, path: Path) -> tuple[Event, ...] | None:
        """The events of a recording, sorted by start; None where nothing is known."""
        known = self._known(path.parent)
        for text in dict.fromkeys([*known.get(path.name, []), *known.get(path.stem, [])]):
            found = _read(text, path)
            if found is not None and not any(e.score is not None for e in found):
                return tuple(sorted(found, key=lambda e: (e.start, e.end, e.label)))
        return None

    def _known(self, folder: Path) -> dict[str, list[Path]]:
        """Label files by every name that a recording of theirs may have: `a.Table.1.txt` is of `a.Table.1`, `a`."""
        if folder not in self._folders:
            names: dict[str, list[Path]] = {}
            try:
                texts = sorted(p for p in folder.iterdir() if p.suffix.lower() in files.SUFFIXES)
            except OSError:
                texts = []
            for text in texts:
                stem, shorter = text.name, os.path.splitext(text.name)[0]
                while shorter != stem:
                    stem = shorter
                    names.setdefault(stem, []).append(text)
                    shorter = os.path.splitext(stem)[0]
            self._folders = {folder: names}  # recordings come folder by folder
        return self._folders[folder]


def _read(text: Path, recording: Path) -> list[Event] | None:
    if files.kind_of(text) is None:
        return None
    try:
        said = files.read(text, unlabelled="skip")
    except (DataError, UsageError):
        return None
    for name in ("", recording.name, recording.stem):
        if name in said:
            return said[name]
    return None
