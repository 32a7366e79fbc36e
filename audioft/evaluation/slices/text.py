"""Slices in words, and as a table of a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from audioft.core.wording import counted
from audioft.evaluation.slices.found import LEVEL, Slice, Slices
from audioft.evaluation.text import TITLES, columns, fit, number, printable

SHOWN = 10  # slices in a terminal
_NAME = 44  # columns for the name of one


def lines(slices: Slices) -> str:
    """The table, the worst slice in a sentence, and what cannot be told."""
    title = TITLES.get(slices.metric, slices.metric)
    head = ["slice", "clips", title, "95 % interval", "gap to rest", "p, corrected", "can tell from"]
    shown = foremost(slices)
    table = columns([head, *([fit(row.name, _NAME), *cells(row)] for row in shown)]) if shown else []
    if len(slices.rows) > len(shown):
        table.append(f"({counted(len(slices.rows) - len(shown), 'more slice')} in the report)")
    told = [*sentences(slices), *(f"note: {n}" for n in slices.notes)]
    return "\n".join([*table, *map(printable, told)])


def foremost(slices: Slices, most: int = SHOWN) -> Sequence[Slice]:
    """The slices to be seen first: those of one column, and of the others those that are told; the worst first."""
    return [row for row in slices.rows if row.kind == "column" or row.told][:most]


def cells(row: Slice) -> list[str]:
    """What stands in a table beside the name."""
    interval = f"{number(row.low)} – {number(row.high)}" if math.isfinite(row.low) else "–"
    p = "–" if not row.tested else f"{row.corrected:.3f}" if row.corrected >= 0.001 else "< 0.001"
    gap = f"{_points(row.gap)} points" if math.isfinite(row.gap) else "–"
    return [str(row.clips), number(row.value), interval, gap + (" *" if row.told else "  "), p, told_from(row)]


def _points(gap: float) -> str:
    """A gap in points, with its sign.

    >>> _points(-0.254), _points(-0.001)
    ('-25', '0')
    """
    return f"{whole:+d}" if (whole := round(100 * gap)) else "0"


def told_from(row: Slice) -> str:
    """The smallest gap that would be told."""
    return f"{math.ceil(100 * row.least_gap)} points" if math.isfinite(row.least_gap) else "nothing"


def sentences(slices: Slices) -> list[str]:
    """What the slices come to."""
    how = f"{counted(slices.tests, 'test')}, corrected by Holm: a false alarm in {100 * LEVEL:g} of 100 reports"
    worst = slices.worst
    if worst is not None:
        what = f"Worst: {worst.name}, {counted(worst.clips, 'clip')}" + _about(worst)
        where = f"{100 * worst.value:.0f} of 100, and {100 * worst.rest:.0f} elsewhere"
        said = [f"{what}: {TITLES.get(slices.metric, slices.metric)} {where} ({how})."]
    elif slices.tests:
        said = [f"No slice is told to be worse than the rest ({how})."]
    else:
        said = ["Too few clips to compare any slice with the rest." if slices.rows else "There are no slices."]
    return said + _limits(slices)


def limit(row: Slice) -> str:
    """What cannot be told of a slice.

    >>> limit(Slice("site=B", "column", 16, 16, 0.8, 0.5, 0.9, 0.9, -0.1, 0.3, 1.0, 0.24))
    '16 clips: nothing under 24 points can be told'
    """
    if not math.isfinite(row.least_gap):
        return f"{counted(row.clips, 'clip')}: nothing can be told"
    return f"{counted(row.clips, 'clip')}: nothing under {math.ceil(100 * row.least_gap)} points can be told"


def _limits(slices: Slices) -> list[str]:
    """Of the smallest and the largest slice what cannot be told, and how many clips the largest open gap would take."""
    said = []
    open_ones = [row for row in slices.rows if row.kind == "column" and not row.told]
    if open_ones:
        least = min(open_ones, key=lambda row: row.clips)
        said.append(f"{least.name}, {limit(least)}.")
    wanted = [row for row in open_ones if row.needed is not None and row.gap < 0]
    if wanted:
        row = min(wanted, key=lambda row: row.gap)
        times = (row.needed or 0) / row.clips
        gap = f"{-100 * row.gap:.0f} points" if row.gap <= -0.015 else "a point"
        said.append(
            f"To tell that {row.name} is {gap} worse takes about {row.needed} of its clips, {times:.1f} times the data."
        )
    return said


def _about(row: Slice) -> str:
    return f" as {', '.join(row.examples[:3])}" if row.examples else ""
