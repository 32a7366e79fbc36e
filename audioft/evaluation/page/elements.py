"""Pieces of HTML that all parts of a page are made of. Whatever a user wrote goes through `escaped`."""

from __future__ import annotations

import base64
import html
import io
import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from audioft.evaluation.text import fit, number, printable, width

#: Characters that turn the direction of what follows: they stay within the piece they are in, by `bdi`.
_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


LABEL = 40  # columns for a label


def escaped(value: Any) -> str:
    """Text for a page: no markup, no control characters."""
    return html.escape(printable(str(value)))


def named(value: Any, most: int | None = None) -> str:
    """A label or a file name in a line of text: whichever way it is written, what follows it stays in its place.

    One that takes more than `most` columns is cut; the whole of it is told where it is pointed at.
    """
    if most is not None and width(printable(str(value))) > most:
        return f'<span title="{escaped(value)}">{named(fit(str(value), most))}</span>'
    text = escaped(value)
    plain = text.isascii() or not (set(text) & set(_TURNING) or any(_right_to_left(ch) for ch in text))
    return text if plain else f"<bdi>{text}</bdi>"


def section(title: str, body: str, *, wide: bool = False, name: str = "") -> str:
    """A part of the page with a heading, as wide as the page or one of two columns."""
    kind, place = (' class="wide"' if wide else ""), (f' id="{name}"' if name else "")
    return f"<section{kind}{place}>\n<h2>{title}</h2>\n{body}\n</section>\n"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], tall: bool = False) -> str:
    """A table of values, whose numbers are to the right; the first cell of a row names it."""
    numeric = [bool(rows) and all(isinstance(row[c], int | float) for row in rows) for c in range(len(head))]
    return raw_table(
        [(h, n) for h, n in zip(head, numeric, strict=True)],
        [("", [_shown(v, n) for v, n in zip(row, numeric, strict=True)]) for row in rows],
        tall,
    )


def raw_table(head: Sequence[tuple[str, bool]], rows: Sequence[tuple[str, Sequence[str]]], tall: bool = False) -> str:
    """A table of cells that are HTML already.

    Args:
        head: titles, and whether what is below them are numbers.
        rows: the place that others point to, or "", and the cells; the first names the row.
        tall: whether the table may scroll by itself.
    """
    marks = [' class="n"' if n else "" for _, n in head]
    titles = "".join(f'<th scope="col"{m}>{escaped(h)}</th>' for (h, _), m in zip(head, marks, strict=True))
    top = f"<thead><tr>{titles}</tr></thead>\n" if any(h for h, _ in head) else ""
    lines = []
    for place, cells in rows:
        first, *rest = cells
        told = f'<th scope="row"{marks[0]}>{first}</th>'
        told += "".join(f"<td{m}>{c}</td>" for c, m in zip(rest, marks[1:], strict=True))
        lines.append(f'<tr id="{place}">{told}</tr>' if place else f"<tr>{told}</tr>")
    # what scrolls can be reached, and so scrolled, by the keyboard
    box = (
        '<div class="scroll tall" tabindex="0" role="region" aria-label="a table that scrolls">'
        if tall
        else '<div class="scroll">'
    )
    return f"{box}<table>\n{top}<tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"


def tile(title: str, value: str, below: str, main: bool = False) -> str:
    """A figure that is seen from afar."""
    kind = "tile main" if main else "tile"
    return f'<div class="{kind}">{title}<b>{value}</b><small>{below or "&nbsp;"}</small></div>'


def bar(value: float) -> str:
    """A share of 1 as a bar; nothing where there is no figure."""
    if not math.isfinite(value):
        return ""
    return f'<span class="bar" aria-hidden="true"><i style="width:{100 * min(1.0, max(0.0, value)):.0f}%"></i></span>'


def flat(info: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested values as rows of dotted names and text."""
    rows: list[tuple[str, str]] = []
    for key, value in info.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            rows += flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            rows.append((name, ", ".join(map(str, value))))
        else:
            rows.append((name, "–" if value is None else str(value)))
    return rows


def data(kind: str, content: bytes | io.BytesIO) -> str:
    """A file within the page, as an address."""
    content = content.getvalue() if isinstance(content, io.BytesIO) else content
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _shown(value: Any, figure: bool) -> str:
    return number(value) if figure and isinstance(value, float) else named(value)


def _right_to_left(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL", "AN")
