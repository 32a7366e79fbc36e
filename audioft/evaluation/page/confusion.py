"""The confusion matrix as a picture whose cells lead to their clips."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from audioft.evaluation.mistakes import Pair
from audioft.evaluation.page.elements import escaped
from audioft.evaluation.ratios import ratio
from audioft.evaluation.text import fit, width

COUNTED = 20  # labels up to which cells hold numbers
NAMED = 120  # labels that find room beside the matrix
LINKED = 2000  # cells that can be pointed at, those of the most clips; the others are drawn alone
SHADES = 8  # of cells that are drawn alone
WIDE = 760.0  # pixels of a matrix whose labels have no names


def anchor(pair: Pair) -> str:
    """The place on the page of the mistakes of a pair of labels.

    >>> anchor((3, 7)), anchor((-1, 7))
    ('pair-3-7', 'pair-none-7')
    """
    return "pair-" + "-".join("none" if i < 0 else str(i) for i in pair)


def label_anchor(label: int) -> str:
    """The place on the page of a label's figures."""
    return f"label-{label}"


def matrix(labels: Sequence[str], confusion: Sequence[Sequence[int]], places: Container[str] = ()) -> str:
    """True labels as rows, given ones as columns, each cell as its share of its row's clips.

    Args:
        labels: the C labels.
        confusion: clips `(C, C)`.
        places: the anchors that are on the page; a cell whose anchor is among them is a link to it.
    """
    counts = np.array(confusion)
    shares = ratio(counts, counts.sum(axis=1, keepdims=True))
    n = len(counts)
    size = 36.0 if n <= 8 else 28.0 if n <= COUNTED else max(9.0, 680 / n) if n <= NAMED else WIDE / n
    font = 13 if n <= 8 else 12 if n <= COUNTED else max(8, min(12, round(size - 1)))
    names = [fit(label, 24) for label in labels] if n <= NAMED else []
    side = font * 0.62 * max((width(name) for name in names), default=0) + 12
    left, top, whole = side + 20, side + 20, size * n
    parts = [*_names(names, left, top, size, font), *_axes(left, top, whole, bool(names))]
    parts.append(f'<rect x="{left:.1f}" y="{top:.1f}" width="{whole:.1f}" height="{whole:.1f}" fill="none" '
                 'stroke="var(--line)"/>')  # fmt: skip
    there = np.argwhere(counts > 0)
    order = np.argsort(-counts[there[:, 0], there[:, 1]], kind="stable")
    parts += _alone(there[order[LINKED:]], shares, left, top, size)
    for i, j in there[order[:LINKED]].tolist():
        x, y, share = left + j * size, top + i * size, float(shares[i, j])
        parts.append(_cell(labels, i, j, int(counts[i, j]), share, (x, y, size), font, n <= COUNTED, places))
    wide, high = left + whole + 4, top + whole + 4
    return (
        f'<div class="scroll"><svg class="matrix" viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" '
        f'height="{high:.0f}" role="group" aria-label="confusion matrix of {n} labels; the table of confused labels '
        f'says the same">\n' + "\n".join(parts) + "\n</svg></div>"
    )


def _cell(
    labels: Sequence[str],
    i: int,
    j: int,
    count: int,
    share: float,
    place: tuple[float, float, float],
    font: float,
    numbers: bool,
    places: Container[str],
) -> str:
    x, y, size = place
    colour = "var(--right)" if i == j else "var(--wrong)"
    said = "right" if i == j else f"taken for {labels[j]}"
    told = escaped(f"{labels[i]}: {count} {said}, {100 * share:.0f} % of its clips")
    shape = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{size:.1f}" fill="{colour}" '
        f'fill-opacity="{0.12 + 0.88 * share:.2f}"><title>{told}</title></rect>'
    )
    if numbers:
        kind = ' class="over"' if share > 0.45 else ""
        at = f'x="{x + size / 2:.1f}" y="{y + size / 2 + 4:.1f}"'
        shape += f'<text{kind} {at} font-size="{font}" text-anchor="middle" pointer-events="none">{count}</text>'
    target = label_anchor(i) if i == j else anchor((i, j))
    return f'<a href="#{target}" aria-label="{told}">{shape}</a>' if target in places else shape


def _alone(cells: np.ndarray, shares: np.ndarray, left: float, top: float, size: float) -> list[str]:
    """Cells as a few shapes, one a shade: of many labels there may be a hundred thousand."""
    found: dict[tuple[bool, int], list[str]] = {}
    for i, j in cells.tolist():
        shade = min(SHADES - 1, int(shares[i, j] * SHADES))
        found.setdefault((i == j, shade), []).append(f"M{j} {i}h1v1h-1z")
    return [
        f'<path transform="translate({left:.1f} {top:.1f}) scale({size:.4f})" d="{"".join(cells)}" '
        f'fill="var(--{"right" if right else "wrong"})" fill-opacity="{0.12 + 0.88 * (shade + 0.5) / SHADES:.2f}"/>'
        for (right, shade), cells in sorted(found.items())
    ]


def _names(names: Sequence[str], left: float, top: float, size: float, font: float) -> list[str]:
    parts = []
    for k, name in enumerate(names):
        at, text = (k + 0.5) * size + font * 0.35, escaped(name)
        parts.append(f'<text class="name" x="{left - 6:.1f}" y="{top + at:.1f}" font-size="{font}" '
                     f'text-anchor="end">{text}</text>')  # fmt: skip
        x, y = left + at, top - 6
        parts.append(f'<text class="name" x="{x:.1f}" y="{y:.1f}" font-size="{font}" '
                     f'transform="rotate(-90 {x:.1f} {y:.1f})">{text}</text>')  # fmt: skip
    return parts


def _axes(left: float, top: float, whole: float, named: bool) -> list[str]:
    more = "" if named else ", in the model's order"
    x, y = left + whole / 2, top + whole / 2
    return [
        f'<text x="{x:.1f}" y="12" font-size="12" text-anchor="middle">given label{more}</text>',
        f'<text x="12" y="{y:.1f}" font-size="12" text-anchor="middle" transform="rotate(-90 12 {y:.1f})">'
        f"true label{more}</text>",
    ]
