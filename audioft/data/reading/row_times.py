"""The times of a row: `start` and `end`, in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping


def times(cells: Mapping[str, str], points: bool = False, advice: str = "") -> tuple[float, float | None]:
    """A row's `start` and `end` in seconds; ValueError where they are no times.

    Args:
        cells: of the row.
        points: both may be the same.
        advice: where they are and may not be, what else could be done, to end the sentence.
    """
    if not (cells.get("start") or cells.get("end")):
        return 0.0, None
    found: dict[str, float | None] = {}
    for key in ("start", "end"):
        text = cells.get(key, "").strip()
        try:
            value = float(text) if text else None
        except ValueError:
            comma = "; a comma may be a decimal one or one of thousands, write a point" if "," in text else ""
            raise ValueError(f"{key} {text!r} is not a number; expected seconds, as 1.5, or h:mm:ss{comma}") from None
        if value is not None and (not math.isfinite(value) or value < 0):
            raise ValueError(f"{key} {text!r}: expected seconds from the recording's beginning, at least 0")
        found[key] = value
    start, end = found["start"] or 0.0, found["end"]
    if end is not None and start == end and not points:
        raise ValueError(f"start {start:g} is not before end {end:g}{advice}")
    if end is not None and start > end:
        raise ValueError(f"start {start:g} is not before end {end:g}")
    return start, end
