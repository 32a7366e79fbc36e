"""A report as a plain-text table that fits a terminal."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

from audioft.core import wording

if TYPE_CHECKING:
    from audioft.evaluation.report import Report

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1, macro",
    "f1_micro": "F1, micro",
    "f1_weighted": "F1, weighted",
    "precision_macro": "precision, macro",
    "precision_micro": "precision, micro",
    "recall_macro": "recall, macro",
    "recall_micro": "recall, micro",
    "roc_auc": "ROC AUC",
    "map": "mean average precision",
    "subset_accuracy": "subset accuracy",
    "segment_f1": "F1 of seconds, micro",
    "segment_f1_macro": "F1 of seconds, macro",
    "segment_error_rate": "error rate of seconds",
    "event_f1": "F1 of events, micro",
    "event_f1_macro": "F1 of events, macro",
}

_MOST_CLASSES, _WORST, _BEST, _PAIRS = 20, 10, 5, 5
_WIDEST = 28  # columns for a label


def as_text(report: Report) -> str:
    """The report in lines of at most about 100 columns."""
    parts = [_headline(report), _classes(report)]
    pairs = confused(report)[:_PAIRS]
    if pairs:
        rows = [f"  {fit(a)} -> {fit(b)}  {n} of {total}" for a, b, n, total in pairs]
        parts.append("\n".join(["most often confused (true -> given)", *rows]))
    if report.notes:
        parts.append("\n".join(f"note: {printable(n)}" for n in report.notes))
    return "\n\n".join(parts)


def confused(report: Report) -> list[tuple[str, str, int, int]]:
    """Pairs of confused labels as (true, given, clips, of how many), the most clips first."""
    if report.confusion is None:
        return []
    pairs = [
        (report.labels[i], report.labels[j], n, sum(row))
        for i, row in enumerate(report.confusion)
        for j, n in enumerate(row)
        if n and i != j
    ]
    return sorted(pairs, key=lambda p: (-p[2], -p[2] / p[3]))


def width(text: str) -> int:
    """The columns that `text` takes on a terminal: two for wide East Asian characters, none for combining
    ones.

    >>> width("dog"), width("犬")
    (3, 2)
    """
    return sum(
        0 if unicodedata.category(ch) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(ch) in "WF" else 1
        for ch in text
    )


def fit(text: str, columns: int = _WIDEST) -> str:
    """`text`, printable and cut to at most `columns` columns, the cut shown as an ellipsis."""
    text = printable(text)
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def printable(text: str) -> str:
    """`text` without the control characters by which a label could move the cursor or break a table."""
    return "".join("�" if unicodedata.category(ch) in ("Cc", "Cs", "Zl", "Zp") else ch for ch in str(text))


def pad(text: str, columns: int) -> str:
    """`text` with spaces after it up to `columns` columns of a terminal."""
    return text + " " * (columns - width(text))


def number(value: float) -> str:
    """A figure with three decimals, or a dash where it is not defined."""
    return "–" if not math.isfinite(value) else f"{value:.3f}"


def counted(report: Report) -> str:
    """What was measured and how the intervals came about, in a sentence or two."""
    grouped = f" in {wording.counted(report.groups, 'group')}" if report.groups != report.clips else ""
    labels = wording.counted(len(report.labels), "label")
    text = f"{report.side}: {report.clips} {report.counted}{grouped}, {labels}"
    if report.resamples:
        text += f"; 95 % intervals from {report.resamples} bootstrap resamples over {report.unit}"
    return text


def _headline(report: Report) -> str:
    wide = max(len(TITLES.get(name, name)) for name in report.metrics)
    rows = []
    for name, e in report.metrics.items():
        bounds = f"   {number(e.low)} – {number(e.high)}" if math.isfinite(e.low) else ""
        mark = "*" if name == report.main else " "
        rows.append(f"{mark} {TITLES.get(name, name).ljust(wide)}  {number(e.value)}{bounds}")
    return "\n".join([printable(counted(report)), *rows])


def _classes(report: Report) -> str:
    rows, gap = list(report.classes), None
    if len(rows) > _MOST_CLASSES:
        # a label that no clip has can be neither good nor bad
        ranked = sorted((r for r in rows if r["support"]), key=lambda r: r["f1"])
        if len(ranked) > _WORST + _BEST:
            gap = f"({len(rows) - _WORST - _BEST} more labels in between or without a clip)"
            rows = [*ranked[:_WORST], *ranked[-_BEST:]]
        else:
            rows = ranked
    last, key = ("AP", "average_precision") if report.multilabel else ("AUC", "roc_auc")
    wide = max([5, *(width(fit(r["label"])) for r in rows)])
    unit = "seconds" if report.kind == "events" else "clips"
    count = max(6, len(unit))
    lines = [pad("label", wide) + f"  {unit:>{count}} {'precision':>9} {'recall':>7} {'F1':>7} {last:>7}"]
    if report.multilabel:
        lines[0] += f" {'threshold':>9}"
    for i, r in enumerate(rows):
        if gap and i == _WORST:
            lines.append(gap)
        line = f"{pad(fit(r['label']), wide)}  {r['support']:>{count}} {number(r['precision']):>9}"
        line += f" {number(r['recall']):>7} {number(r['f1']):>7} {number(r[key]):>7}"
        lines.append(line + (f" {number(r['threshold']):>9}" if report.multilabel else ""))
    return "\n".join(lines)
