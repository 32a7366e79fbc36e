"""Parts of the clips beside the rest, as a section of the page."""

from __future__ import annotations

import math

from audioft.evaluation.page.elements import LABEL, bar, escaped, named, raw_table, section
from audioft.evaluation.slices.found import Fairness, Slice, Slices
from audioft.evaluation.slices.text import cells, sentences
from audioft.evaluation.text import TITLES

_TALL = 20  # slices from which on the table scrolls by itself
_MOST = 300  # slices on a page


def slices(found: Slices) -> str:
    """The section: what it comes to, the table, and two groups compared."""
    said = "".join(f"<p>{escaped(s)}</p>" for s in sentences(found))
    title = TITLES.get(found.metric, found.metric)
    head = [("slice", False), ("clips", True), (title, True), ("95 % interval", True)]
    head += [("gap to rest", True), ("p, corrected", True), ("can tell from", True)]
    rows = [("", _row(row)) for row in found.rows[:_MOST]]
    body = said + (raw_table(head, rows, tall=len(rows) > _TALL) if rows else "")
    if len(found.rows) > _MOST:
        body += f"<p>And {len(found.rows) - _MOST} more, see report.json.</p>"
    body += "".join(f"<p>{named(row.name)}: {_examples(row)}</p>" for row in found.rows if row.examples)
    body += _fairness(found.fairness) if found.fairness else ""
    body += "".join(f"<p>note: {escaped(n)}</p>" for n in found.notes)
    return section("Slices, the worst first", body, wide=True, name="slices")


def _row(row: Slice) -> list[str]:
    clips, value, interval, gap, p, least = cells(row)
    name = named(row.name, LABEL)
    gap = gap.strip().removesuffix(" *")
    share = bar(row.value) if math.isfinite(row.value) else ""
    return [name, clips, share + value, interval, f"<b>{gap}</b>" if row.told else gap, p, least]


def _examples(row: Slice) -> str:
    return ", ".join(named(name, LABEL) for name in row.examples)


def _fairness(found: tuple[Fairness, ...]) -> str:
    rows = [
        (
            "",
            [
                named(f"{one.column}: {' and '.join(one.values)}", LABEL),
                escaped(name.replace("_", " ")),
                f"{value:.3f}",
                named(one.labels[name], LABEL),
                f"{one.chance[name]:.3f}",
            ],
        )
        for one in found
        for name, value in one.figures.items()
    ]
    head = [("two groups", False), ("", False), ("largest", True), ("of the label", False), ("by chance up to", True)]
    return f"<h3>Two groups, label by label (fairlearn)</h3>{raw_table(head, rows)}"
