"""Columns that hold times in ways that are not read, so that they can be named: by their names or by their cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audioft.data.reading.one_hot import number
from audioft.data.tables import Row

_PAIRS = (("left", "right"), ("centre", "width"), ("center", "width"), ("middle", "width"), ("mid", "width"))
_SPAN = re.compile(r"(\d+(?:[.,]\d+)?)\s*s?\s*(?:-|–|—|\.\.|to|bis)\s*(\d+(?:[.,]\d+)?)\s*s?")


def columns_of(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Those of the columns that hold two ends, a middle and a width, or both ends in a cell as `0.25-0.75`.

    >>> columns_of(["left", "right", "at"], [Row("row", 1, {"left": "0.5", "right": "2", "at": "1.5-2"})])
    ['left', 'right', 'at']
    """
    by_name = {c.strip().lower(): c for c in columns}
    found = set[str]()
    for first, second in _PAIRS:
        if first in by_name and second in by_name and _numbers(by_name[first], by_name[second], rows):
            found |= {by_name[first], by_name[second]}
    return [c for c in columns if c in found or _spans(c, rows)]


def _numbers(first: str, second: str, rows: Sequence[Row]) -> bool:
    """Whether both hold numbers that are not 0 and 1 alone, as columns of a label each do."""
    cells = [row.cells.get(c, "").strip().replace(",", ".") for row in rows for c in (first, second)]
    values = [number(cell) for cell in cells if cell]
    return bool(values) and None not in values and not set(values) <= {0.0, 1.0}


def _spans(column: str, rows: Sequence[Row]) -> bool:
    cells = [cell for row in rows if (cell := row.cells.get(column, "").strip())]
    matches = [_SPAN.fullmatch(cell) for cell in cells]
    ends = [tuple(float(x.replace(",", ".")) for x in m.groups()) for m in matches if m is not None]
    return bool(cells) and len(ends) == len(cells) and all(start < end for start, end in ends)
