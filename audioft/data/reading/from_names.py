"""Labels and groups that stand in the names of folders or files: `folder:2`, `name:^(.*?)_`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence

from audioft.core.places import is_utf8
from audioft.core.wording import counted
from audioft.data.targets import clean
from audioft.errors import UsageError


@dataclasses.dataclass(frozen=True, slots=True)
class FromName:
    """What is taken from a recording's name relative to its source.

    Attributes:
        said: the setting, as `data.label=folder:2`.
        level: which of its folders, counted from 1 at the source, or from -1 at the file; None for a pattern.
        pattern: what is looked for in the file's name without its ending; its first group counts, else all of it.
    """

    said: str
    level: int | None = None
    pattern: re.Pattern[str] | None = None

    def of(self, name: str) -> str:
        """What a name says.

        Raises:
            ValueError: it lies in too few folders, does not match, or what was found is empty or no text.

        >>> asked("folder:-1", "data.label").of("forest/dog/a.wav")
        'dog'
        >>> asked("name:^(.*?)_", "data.group").of("june/S4_01.wav")
        'S4'
        """
        *parts, last = name.split("/")
        if self.level is not None:
            at = self.level - 1 if self.level > 0 else self.level
            if not -len(parts) <= at < len(parts):
                raise ValueError(f"it lies in {counted(len(parts), 'folder')} of the source, too few for {self.said}")
            found = parts[at]
        else:
            assert self.pattern is not None
            match = self.pattern.search(last.rpartition(".")[0] or last)
            found = "" if match is None else (match[1] or "") if self.pattern.groups else match[0]
            if match is None:
                raise ValueError(f"its name does not match {self.said}")
        if not clean(found):
            raise ValueError(f"{self.said} finds an empty text in its name")
        if not is_utf8(found):
            raise ValueError(f"what {self.said} finds in its name is not UTF-8, and a label is text")
        return clean(found)


def asked(text: str | None, key: str) -> FromName | None:
    """What a setting asks for; None where it names a column.

    Args:
        text: the value, as `folder:1`, `folder:-1` or `name:PATTERN`.
        key: the setting.

    Raises:
        UsageError: there is no such folder, or the pattern is none.
    """
    kind, colon, rest = (text or "").partition(":")
    said = f"{key}={text}"
    if not colon or kind not in ("folder", "name"):
        return None
    if kind == "folder":
        if not re.fullmatch(r"-?[1-9]\d*", rest):
            raise UsageError(
                f"{said}: expected folder:1 for the folders in the source, folder:2 for those in them, or "
                "folder:-1 for the folder that a recording lies in"
            )
        return FromName(said, level=int(rest))
    try:
        return FromName(said, pattern=re.compile(rest))
    except re.error as e:
        raise UsageError(f"{said}: not a regular expression: {e}") from None


def sites(names: Sequence[str], depth: int, sides: Collection[str] = ()) -> list[str]:
    """A question where folders that count as labels all hold folders of the same names.

    Args:
        names: of the recordings.
        depth: how many folders lie above the labels' folders, and those themselves.
        sides: what sides of a split are called, in lower case.
    """
    below: dict[str, set[str]] = {}
    for name in names:
        parts = name.split("/")[:-1]
        if len(parts) >= depth:
            below.setdefault(parts[depth - 1], set()).update(parts[depth : depth + 1])
    if len(below) < 2 or any(len(own) < 2 for own in below.values()):
        return []
    shared = sorted(f for f in set().union(*below.values()) if sum(f in own for own in below.values()) > 1)
    every = set.intersection(*below.values())
    if 2 * len(shared) < len(set().union(*below.values())) or all(f.isdigit() for f in shared):
        return []
    if all(f.lower() in sides for f in shared):
        return [
            f"all {len(below)} labels ({_few(below)}) hold folders {_few(shared)}, which are no sides there: "
            "sides lie above labels, as train/dog"
        ]
    same = (
        "the same folders"
        if len(every) == len(shared) == len(set().union(*below.values()))
        else "folders of like names"
    )
    return [
        f"all {len(below)} labels ({_few(below)}) hold {same} {_few(shared)}: are those the labels? "
        f"data.label=folder:{depth + 1} takes them, data.group=folder:{depth} keeps what is in {_few(below)} together"
    ]


def _few(names: Iterable[str], most: int = 3) -> str:
    found = sorted(names)
    return ", ".join(found[:most]) + (", ..." if len(found) > most else "")
