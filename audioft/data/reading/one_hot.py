"""Tables with a column a label, 0 and 1 in it, as opensoundscape has them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from audioft.core.wording import quoted
from audioft.data.reading.label_cells import MISSING
from audioft.data.tables import Row
from audioft.errors import DataError

#: Columns of 0 and 1 that say something else than a label.
_NO_LABELS = ("fold", "index", "id", "idx", "channel", "split", "train", "valid", "test", "selection", "unnamed: 0", "")


def columns_of(free: Sequence[str], rows: list[Row]) -> list[str]:
    """Columns that hold 0, 1 and what lies between alone, where there are two or more: a label each."""
    found = []
    for column in (c for c in free if c.strip().lower() not in _NO_LABELS):
        values = {row.cells.get(column, "").strip() for row in rows}
        numbers = [_truth(v) for v in values if v not in MISSING]
        if numbers and all(n is not None and 0 <= n <= 1 for n in numbers):
            found.append(column)
    return found if len(found) > 1 else []


def refuse_soft(hot: list[str], rows: list[Row], table: str) -> None:
    soft = [c for c in hot if {_truth(r.cells.get(c, "").strip()) for r in rows} - {0.0, 1.0, None}]
    if soft:
        raise DataError(
            f"{table}: the columns {quoted(soft)} hold shares between 0 and 1; expected a label column, or 0 "
            "and 1 in a column for each label"
        )


def join(cells: dict[str, str], hot: list[str]) -> None:
    said = []
    for column in hot:
        truth = _truth(cells.pop(column, "").strip())
        said += [column] if truth == 1 else [f"?{column}"] if truth is None else []
    cells["labels"] = json.dumps(said, ensure_ascii=False)


def _truth(text: str) -> float | None:
    return {"true": 1.0, "false": 0.0}.get(text.lower(), number(text))


def number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
