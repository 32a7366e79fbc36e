"""Which columns make slices: values that several clips share, quartiles of numbers, crossings of two columns."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from audioft.core.registry import suggest
from audioft.core.wording import counted
from audioft.errors import UsageError

LEAST = 5  # clips of a slice
LEAST_CROSSED = 20  # clips of a slice by two columns
MOST = 100  # slices of a column, those with most clips
MOST_CROSSED = 200  # slices by two columns where none is asked for
_FEW = 10  # different numbers that are taken for names
_CROSSED = 8  # slices of a column that is crossed unasked
_NEARLY = 0.9  # of a slice of one column: a crossing with more of it says nothing else
_COMMA = re.compile(r"[+-]?\d+(?:,\d+)?")
_NONE = frozenset(("", "nan", "na", "n/a", "none", "null", "?", "-"))
#: Columns whose numbers are names.
_NAMES = re.compile(
    r"(?:^|[_\s.-])(?:id|idx|index|key|number|no|line|row)$|"
    r"^(?:speaker|subject|participant|patient|person|individual|animal|user|group|source|session|chapter|fold|folder|site|station|"
    r"recorder|device|microphone)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Column:
    """One thing that is known of clips.

    Attributes:
        name: as in the table.
        code: `(N,)` int, which of `values` each clip has; -1 where nothing is known.
        values: what they are called.
    """

    name: str
    code: np.ndarray
    values: tuple[str, ...]

    @property
    def counts(self) -> np.ndarray:
        """How many clips have each value."""
        return np.bincount(self.code[self.code >= 0], minlength=len(self.values))

    def slices(self) -> Iterator[tuple[tuple[tuple[str, str], ...], np.ndarray]]:
        """Of each slice what it is of, and the clips, `(N,)` bool."""
        for value, name in enumerate(self.values):
            yield ((self.name, name),), self.code == value


@dataclass(frozen=True, eq=False)
class Chosen:
    """What slices are made by.

    Attributes:
        columns: one at a time.
        crossings: pairs of them.
        notes: what is to be said of the others.
    """

    columns: list[Column]
    crossings: list[tuple[Column, Column]]
    notes: list[str]


def column(name: str, cells: Iterable[str]) -> Column | str:
    """A column of N cells; or why it makes no slices: `one value`, `nearly a value a clip`.

    >>> column("sex", ["F"] * 6 + ["M"] * 7).values
    ('F', 'M')
    >>> column("title", map(str, "abcdefg"))
    'nearly a value a clip'
    """
    texts = ["" if (text := str(cell).strip()).lower() in _NONE else text for cell in cells]
    counts = Counter(texts)
    counts.pop("", None)
    if len(counts) < 2:
        return "one value" if counts else "no value"
    numbers = _numbers(counts)
    if numbers is not None and _are_numbered([numbers.get(t, math.nan) for t in texts]):
        return "nearly a value a clip"
    if numbers is not None and len(counts) > _FEW and not _are_names(name, numbers, len(texts)):
        return quantiles(name, np.array([numbers.get(t, math.nan) for t in texts]))
    kept = [value for value, n in counts.most_common(MOST) if n >= LEAST]
    if not kept:
        return "nearly a value a clip"
    if len(kept) == 1 and counts[kept[0]] > len(texts) - LEAST:
        return "next to one value"
    kept.sort(key=(lambda v: (numbers[v], v)) if numbers is not None else None)
    place = {value: i for i, value in enumerate(kept)}
    return Column(name, np.array([place.get(t, -1) for t in texts], dtype=np.int32), tuple(kept))


def quantiles(name: str, numbers: np.ndarray, parts: int = 4, unit: str = "") -> Column | str:
    """Numbers, `(N,)`, nan where not known, in as many parts of about as many clips; or why there are no such parts."""
    known = np.isfinite(numbers)
    if known.sum() < LEAST * 2:
        return "too few clips"
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, parts + 1)[1:-1]))
    edges = edges[edges < numbers[known].max()]
    if not len(edges):
        return "next to one value"
    code = np.where(known, np.searchsorted(edges, np.where(known, numbers, 0.0)), -1).astype(np.int32)
    told = [f"{e:.4g}" for e in edges]
    between = [f"{a} to {b}" for a, b in pairwise(told)]
    names = [f"up to {told[0]}", *between, f"over {told[-1]}"]
    return Column(name, code, tuple(f"{n} {unit}".strip() for n in names))


def choose(found: Sequence[tuple[str, Column | str]], labels: np.ndarray | None, by: Sequence[str] | None) -> Chosen:
    """What slices are made by.

    Args:
        found: columns by name, or why they make none. Of columns that divide the clips alike the first is taken.
        labels: `(N,)` int, the label of each clip; a column that says nothing else makes no slices. None where a clip
            may have several labels.
        by: names, and two joined by `*` for their crossing; None for all that there are, and all crossings with enough
            clips.

    Raises:
        UsageError: there is no such column.
    """
    if by is not None:
        return _named(dict(found), by)
    notes: list[str] = []
    columns: list[Column] = []
    why_not: dict[str, list[str]] = {}
    seen = set() if labels is None else {_partition(labels)}
    for name, one in found:
        if isinstance(one, str):
            why_not.setdefault(one, []).append(name)
        elif (alike := _partition(one.code)) not in seen:
            seen.add(alike)
            columns.append(one)
    if why_not:
        told = "; ".join(f"{', '.join(names)} ({why})" for why, names in why_not.items())
        notes.append(f"no slices by {told}")
    few = [c for c in columns if len(c.values) <= _CROSSED]
    return Chosen(columns, list(combinations(few, 2)), notes)


def crossed(pairs: Sequence[tuple[Column, Column]], most: int = MOST_CROSSED) -> tuple[list[tuple[int, int, int]], int]:
    """The cells of crossings that have enough clips, those with most clips, and how many were left out.

    Returns:
        Of each cell the pair it is of and its two values. A cell that is nearly all of a slice of one column is none.
    """
    cells: list[tuple[int, int, int, int]] = []
    for at, (a, b) in enumerate(pairs):
        both = (a.code >= 0) & (b.code >= 0)
        table = np.bincount(a.code[both] * len(b.values) + b.code[both], minlength=len(a.values) * len(b.values))
        for cell in np.flatnonzero(table >= LEAST_CROSSED).tolist():
            i, j = divmod(cell, len(b.values))
            if table[cell] < _NEARLY * min(a.counts[i], b.counts[j]):
                cells.append((-int(table[cell]), at, i, j))
    cells.sort()
    return [(at, i, j) for _, at, i, j in cells[:most]], max(0, len(cells) - most)


def asked(by: str | Sequence[str] | None) -> list[str] | None:
    """Names as they are given, separated by commas; empty for `none`, None for all. A name with a comma is quoted.

    >>> asked("sex, site*device"), asked("none"), asked(None), asked(["sex"])
    (['sex', 'site*device'], [], None, ['sex'])
    >>> asked('"town, country",sex')
    ['town, country', 'sex']
    """
    if by is None:
        return None
    names = [n.strip() for n in (_split(by) if isinstance(by, str) else by)]
    if not names or names == ["none"]:
        return []
    if not all(names):
        raise UsageError(f"by={by!r} names an empty column; expected names as sex,site*device, or none")
    return names


def _split(by: str) -> list[str]:
    try:
        return next(csv.reader([by], skipinitialspace=True), [""])
    except csv.Error:  # a line break
        return by.split(",")


def left_out(count: int) -> list[str]:
    """A note where crossings were left out."""
    return [f"{counted(count, 'crossing')} of two columns left out, those with fewest clips; by=A*B names one"] * (
        count > 0
    )


def _named(found: dict[str, Column | str], by: Sequence[str]) -> Chosen:
    chosen = Chosen([], [], [])
    why_not: dict[str, str] = {}
    for name in dict.fromkeys(by):
        own = []
        for part in _parts(name, found):
            if part not in found:
                raise UsageError(f"by={part!r}: the data has no such column{_told(part, list(found))}")
            if isinstance(one := found[part], str):
                why_not[part] = one
            else:
                own.append(one)
        if len(own) == 2:
            chosen.crossings.append((own[0], own[1]))
        elif _parts(name, found) == [name]:
            chosen.columns.extend(own)
    chosen.notes.extend(f"no slices by {part}: {why}" for part, why in why_not.items())
    return chosen


def _told(name: str, known: Sequence[str]) -> str:
    """Which columns there are instead."""
    if not known:
        return "; nothing but labels is known of its clips"
    quoted = [n for n in known if "," in n and (name == n.split(",")[0].strip() or name.strip('"') == n)]
    if quoted:
        return f"; a name that holds a comma is quoted, as --by '\"{quoted[0]}\"'"
    return suggest(name, known)


def _parts(name: str, named: dict[str, Column | str]) -> list[str]:
    if name in named or name.count("*") != 1:
        return [name]
    return [part.strip() for part in name.split("*")]


def _numbers(counts: Counter[str]) -> dict[str, float] | None:
    """The values as numbers, if all are; where all have decimal commas, these are points."""
    comma = all(_COMMA.fullmatch(text) for text in counts)
    try:
        found = {text: float(text.replace(",", ".") if comma else text) for text in counts}
    except ValueError:
        return None
    return found if all(map(math.isfinite, found.values())) else None


def _are_numbered(numbers: Sequence[float]) -> bool:
    """Whether they only number the clips: whole numbers that rise from each clip to the next."""
    return all(n.is_integer() for n in numbers) and all(a < b for a, b in pairwise(numbers))


def _are_names(name: str, numbers: dict[str, float], clips: int) -> bool:
    """Whether whole numbers are names: by what the column is called; or far apart, with several clips each."""
    values = list(numbers.values())
    if not all(v.is_integer() for v in values):
        return False
    sparse = max(values) - min(values) > 20 * len(values)
    return bool(_NAMES.search(name)) or (sparse and clips >= 5 * len(values))


def _partition(code: np.ndarray) -> bytes:
    """The same for two columns that divide clips alike."""
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int32).tobytes()
