"""Labels and figures in columns of a terminal."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

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

_WIDEST = 28  # columns for a label


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


def fit(text: str, columns: int = _WIDEST, end: bool = False) -> str:
    """`text`, printable and cut to at most `columns` columns, the cut shown as an ellipsis; `end` keeps its end."""
    text = printable(text)
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[1:] if end else text[:-1]
    return f"…{text}" if end else f"{text}…"


def printable(text: str) -> str:
    """`text` without the control characters by which a label could move the cursor or break a table."""
    return "".join("�" if unicodedata.category(ch) in ("Cc", "Cs", "Zl", "Zp") else ch for ch in str(text))


def pad(text: str, columns: int) -> str:
    """`text` with spaces after it up to `columns` columns of a terminal."""
    return text + " " * (columns - width(text))


def number(value: float) -> str:
    """A figure with three decimals, or a dash where it is not defined."""
    return "–" if not math.isfinite(value) else f"{value:.3f}"


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, the first column to the left, the others to the right."""
    wide = [max(width(row[i]) for row in table) for i in range(len(table[0]))]
    return [
        "  ".join([pad(row[0], wide[0]), *(" " * (w - width(v)) + v for v, w in zip(row[1:], wide[1:], strict=True))])
        for row in table
    ]
