"""How each label fares, as a table; what it is mistaken for leads to those clips."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any

from audioft.evaluation.measured import Measured, f1, recall
from audioft.evaluation.mistakes import Mistakes, Pair
from audioft.evaluation.page.confusion import anchor, label_anchor
from audioft.evaluation.page.elements import LABEL, bar, named, raw_table, section
from audioft.evaluation.text import number

_TALL = 25  # labels from which on the table scrolls by itself


def labels(report: Measured, found: Mistakes | None, places: Container[str]) -> str:
    """The section of the page, the weakest labels first.

    Args:
        report: what was measured.
        found: the mistakes, if they are known.
        places: the anchors that are on the page.
    """
    order = sorted(range(len(report.labels)), key=lambda c: _rank(report.classes[c]))
    head = [("label", False), ("seconds" if report.kind == "events" else "clips", True), ("given", True)]
    bounds = [recall(row).bounds for row in report.classes]
    head += [
        ("precision", True),
        ("recall", True),
        *([("its 95 % interval", True)] if any(bounds) else []),
        ("F1", True),
    ]
    last = [("average_precision", "AP"), ("threshold", "threshold")] if report.multilabel else [("roc_auc", "AUC")]
    head += [(title, True) for _, title in last]
    several = report.multilabel and found is not None
    if report.confusion is not None:
        head.append(("most often taken for", False))
    elif several:
        head += [("missed", True), ("made up", True)]
    rows = []
    for c in order:
        row = report.classes[c]
        cells = [named(row["label"], LABEL), str(row["support"]), str(row["predicted"])]
        cells += [
            number(row["precision"]),
            number(recall(row).value),
            *([bounds[c] or "–"] if any(bounds) else []),
            ("" if several else bar(f1(row))) + number(f1(row)),
        ]
        cells += [number(row[key]) for key, _ in last]
        if report.confusion is not None:
            cells.append(_taken_for(report, c, places))
        elif several and found is not None:
            cells += [_leading(found, (c, -1), places), _leading(found, (-1, c), places)]
        rows.append((label_anchor(c), cells))
    return section("Labels, the weakest first", raw_table(head, rows, tall=len(rows) > _TALL), name="labels")


def _rank(row: Mapping[str, Any]) -> tuple[bool, float]:
    """What no clip has can be neither strong nor weak, and comes last."""
    return not row["support"], row["f1"] if math.isfinite(row["f1"]) else 2.0


def _taken_for(report: Measured, label: int, places: Container[str]) -> str:
    assert report.confusion is not None
    row = report.confusion[label]
    n, given = max(((n, j) for j, n in enumerate(row) if j != label), default=(0, 0), key=lambda pair: pair[0])
    if not n:
        return ""
    text = f"{named(report.labels[given], LABEL)} ({n})"
    return _linked(text, (label, given), places)


def _leading(found: Mistakes, pair: Pair, places: Container[str]) -> str:
    return _linked(str(found.counts.get(pair, 0)), pair, places)


def _linked(text: str, pair: Pair, places: Container[str]) -> str:
    return f'<a href="#{anchor(pair)}">{text}</a>' if anchor(pair) in places else text
