"""Which row of a table is of which recording."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

#: Beginnings of names that are of the machine a table was made on, or lead out of a folder.
_ELSEWHERE = re.compile(r"(?:[A-Za-z]:)?/+|(?:\.\./)+|[A-Za-z]:")
#: Folders that recorders and programs make within those of a site.
WITHIN = re.compile(r"data|audio|wavs?|recordings?|(?:19|20)\d\d([-_.]?)\d\d\1\d\d.*", re.IGNORECASE)


class RowNames:
    """The names of recordings that a table has, in the order of its rows.

    Args:
        folder: of the table.
        names: with `/` between folders.
    """

    def __init__(self, folder: Path, names: Sequence[str]):
        self.places: dict[str, list[int]] = defaultdict(list)
        self._called: dict[str, list[int]] = defaultdict(list)
        self._parts: list[list[str]] = []
        self._elsewhere: list[bool] = []
        for number, name in enumerate(names):
            for place in {os.path.realpath(folder / name), os.path.realpath(name)}:
                self.places[place].append(number)
            plain = os.path.normpath(name).replace("\\", "/")
            found = _ELSEWHERE.match(plain)
            self._elsewhere.append(found is not None)
            self._parts.append(plain[found.end() if found else 0 :].split("/"))
            self._called[self._parts[-1][-1]].append(number)

    def of(self, paths: Sequence[Path]) -> tuple[list[list[int]], list[int], list[int]]:
        """The rows of each recording: those of its path, else those whose names end as its path does.

        A name in folders that say nothing of the recording's is of no other folder. One that begins on another machine
        is of the recording whose path has the longest common end with it, if there is only one.

        Args:
            paths: of all recordings.

        Returns:
            The numbers of their rows; which recordings have a row that may be of several; which have one by the name
            of their file alone, though it names another folder.
        """
        found = [list(self.places.get(os.path.realpath(path), ())) for path in paths]
        taken = {number for numbers in found for number in numbers}
        near: dict[int, dict[int, int]] = defaultdict(dict)  # of a row, its recordings and how much they have in common
        for i, path in enumerate(paths):
            parts = os.path.abspath(path).split(os.sep)
            for number in () if found[i] else self._called.get(parts[-1], ()):
                common = _common(self._parts[number], parts)
                if number not in taken and (self._elsewhere[number] or common == len(self._parts[number])):
                    near[number][i] = common
        unclear, elsewhere = set[int](), set[int]()
        best: dict[int, int] = defaultdict(int)
        for own in near.values():
            for i, common in own.items():
                best[i] = max(best[i], common)
        for number, own in near.items():
            most = max(own.values())
            nearest = [i for i, common in own.items() if common == most == best[i]]
            if len(nearest) > 1:
                unclear.update(nearest)
                continue
            for i in nearest:
                found[i].append(number)
                own_folders = self._parts[number][:-1]
                shared = own_folders[len(own_folders) - most + 1 :]
                if (
                    own_folders
                    and all(WITHIN.fullmatch(folder) for folder in shared)
                    and len(shared) < len(own_folders)
                ):
                    elsewhere.add(i)
        return found, sorted(unclear), sorted(elsewhere)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts two paths have in common at their ends.

    >>> _common(["A", "x.wav"], ["rec", "A", "x.wav"]), _common(["A", "x.wav"], ["B", "x.wav"])
    (2, 1)
    """
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count
