"""What a result comes to as a piece of a notebook: sentences, a few figures, tables, notes; of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audioft.evaluation.page.elements import escaped, raw_table, tile
from audioft.evaluation.page.style import fragment


@dataclass(frozen=True)
class Figure:
    """A figure that is seen from afar.

    Attributes:
        title, value, below: what it is, itself, and what is said below it.
        main: whether it is the one to look at.
    """

    title: str
    value: str
    below: str = ""
    main: bool = False


@dataclass(frozen=True)
class Table:
    """Cells as text.

    Attributes:
        rows: the titles, then what is below them.
        text: the columns that are no numbers.
    """

    rows: Sequence[Sequence[str]]
    text: Sequence[int] = (0,)


def summary(
    said: Sequence[str],
    figures: Sequence[Figure] = (),
    tables: Sequence[Table] = (),
    *,
    caution: str = "",
    notes: Sequence[str] = (),
) -> str:
    """The piece.

    Args:
        said: sentences, the one that matters first.
        figures: see there.
        tables: see there.
        caution: what is to be read before all.
        notes: what is to be said besides.
    """
    first, *rest = [escaped(s) for s in said]
    body = f'<p class="caution">{escaped(caution)}</p>\n' if caution else ""
    body += f'<p class="said">{first}</p>\n' + "".join(f"<p>{s}</p>\n" for s in rest)
    shown = [tile(escaped(f.title), escaped(f.value), escaped(f.below), f.main) for f in figures]
    body += f'<div class="tiles">{"".join(shown)}</div>\n' if shown else ""
    body += "".join(map(_shown, tables))
    return fragment(body + "".join(f"<p>note: {escaped(n)}</p>" for n in notes))


def _shown(table: Table) -> str:
    """A table that scrolls where it is too wide: a line a row."""
    head, *rows = table.rows
    titles = [(title, i not in table.text) for i, title in enumerate(head)]
    cells = [("", [f'<span style="white-space:nowrap">{escaped(cell)}</span>' for cell in row]) for row in rows]
    return raw_table(titles, cells)
