"""What is known of clips besides their labels: columns of their table, folders, and what their names tell of times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audioft.data.clip import Clip
from audioft.data.recorded import from_names
from audioft.data.rows import ROLES
from audioft.data.tables import FILE_COLUMNS
from audioft.evaluation.slices.columns import Column, column

_OURS = frozenset((*FILE_COLUMNS, "label", "labels", "start", "end", "split", "sha256"))
_FOLDERS = 3  # levels that are looked at
_TRIED = 50  # names by which it is seen whether all are worth reading
_MOST = 0.9  # of the names must say it


def columns(clips: Sequence[Clip]) -> list[tuple[str, Column | str]]:
    """Of each thing that is known its name and the column, or why it makes no slices.

    The group is one of them, unless each recording is a group of its own.
    """
    names = dict.fromkeys(name for clip in _different(clips) for name in clip.columns)
    found = [(n, column(n, (c.columns.get(n, "") for c in clips))) for n in names if n not in _OURS]
    taken = {name for name, _ in found}
    for name, one in (*_folders(clips), *_recorded(clips), *_group(clips)):
        if name not in taken and isinstance(one, Column):
            found.append((name, one))
    return found


def _different(clips: Sequence[Clip]) -> Iterator[Clip]:
    """Of clips with the same columns one."""
    seen: set[tuple[str, ...]] = set()
    for clip in clips:
        if (own := tuple(clip.columns)) not in seen:
            seen.add(own)
            yield clip


def _folders(clips: Sequence[Clip]) -> Iterator[tuple[str, Column | str]]:
    depth = min((c.name.count("/") for c in clips), default=0)
    for level in range(min(depth, _FOLDERS)):
        if {c.name.split("/", level + 1)[level].lower() for c in clips} <= ROLES.keys():
            continue  # the sides of a split
        yield f"folder {level + 1}", column(f"folder {level + 1}", (c.name.split("/", level + 1)[level] for c in clips))


def _group(clips: Sequence[Clip]) -> Iterator[tuple[str, Column | str]]:
    if any(c.group != c.name for c in clips):
        yield "group", column("group", (c.group for c in clips))


def _recorded(clips: Sequence[Clip]) -> Iterator[tuple[str, Column | str]]:
    """Site, day and part of the day, where nearly all names tell them."""
    names = [c.name for c in clips]
    some = names[:: max(1, len(names) // _TRIED)]
    if sum(t is not None for t in from_names.times(some)) < _MOST * len(some):
        return
    began = from_names.times(names)
    sites = [from_names.site(n) for n in names]
    if sum(map(bool, sites)) >= _MOST * len(names):
        yield "site", column("site", sites)
    yield "day", column("day", ("" if b is None else b.at.date().isoformat() for b in began))
    hours = ("" if b is None or not b.timed else _quarter(b.at.hour) for b in began)
    yield "hour", column("hour", hours)


def _quarter(hour: int) -> str:
    """The part of the day.

    >>> _quarter(7)
    '06 to 12 h'
    """
    return f"{hour // 6 * 6:02d} to {hour // 6 * 6 + 6:02d} h"
