"""What a report comes to, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from audioft.evaluation.measured import Measured
from audioft.evaluation.text import fit

_WIDEST = 40  # columns for a label


def sentence(report: Measured) -> str:
    """How good, what is weakest, and how far the figure is to be trusted.

    Of one label a clip it is about clips; of several, about labels; of events, about seconds in which a label happens.
    """
    if report.kind == "events":
        figures = report.figures
        found, right = figures.get("segment_recall", math.nan), figures.get("segment_precision", math.nan)
        said = f"Finds {_of_100(found)} seconds in which something happens; {_of_100(right)} that it gives are right"
    elif report.multilabel:
        found, right = report.figures["recall_micro"], report.figures["precision_micro"]
        said = f"Finds {_of_100(found)} labels that clips have; {_of_100(right)} that it gives are right"
    else:
        said = f"Right in {_of_100(report.metrics['accuracy'].value)}"
    return "; ".join(part for part in (said, _weakest(report), _trust(report)) if part) + "."


def share(value: float) -> str:
    """Of 100, so many; all and none only where it is all and none.

    >>> share(0.857), share(0.9999), share(1.0), share(0.001)
    ('86', '99', '100', '1')
    """
    if not math.isfinite(value):
        return "–"
    whole = round(100 * value)
    return str(whole if value in (0.0, 1.0) else min(99, max(1, whole)))


def _of_100(value: float) -> str:
    return f"{share(value)} of 100"


def _weakest(report: Measured) -> str:
    there = [row for row in report.classes if row["support"] and math.isfinite(row["f1"])]
    if not there:
        return ""
    row = min(there, key=lambda r: r["f1"])
    if row["f1"] == 1.0:
        return "no label is mistaken"
    return f"weakest: {fit(row['label'], _WIDEST)}{_how(report, row)}"


def _how(report: Measured, row: Mapping[str, Any]) -> str:
    """What a weak label is mistaken for, or what is mistaken for it."""
    pairs = report.confused()
    lost = next((p for p in pairs if p[0] == row["label"]), None)
    if lost is not None:
        return f", taken for {fit(lost[1], _WIDEST)}"
    taken = next((p for p in pairs if p[1] == row["label"]), None)
    if taken is not None:
        return f", which {fit(taken[0], _WIDEST)} is taken for"
    many = "seconds" if report.kind == "events" else "clips"
    if row["recall"] <= row["precision"] or not row["predicted"]:
        return f", found in {round(row['recall'] * row['support'])} of its {row['support']} {many}"
    return f", right in {round(row['precision'] * row['predicted'])} of the {row['predicted']} {many} it is given to"


def _trust(report: Measured) -> str:
    """Whether it could have come out otherwise, by the interval of the figure that the sentence begins with."""
    name = {"clips": "recall_micro" if report.multilabel else "accuracy"}.get(report.kind, report.main)
    counted = f"{report.clips} {report.counted}"
    estimate = report.metrics.get(name)
    if len(report.further) < len(report.notes):
        return f"{counted}, some of which the model was trained on"
    if estimate is None or not math.isfinite(estimate.low):
        return counted
    if report.kind == "events":
        return f"{counted}, so the F1 of seconds is between {estimate.low:.2f} and {estimate.high:.2f}"
    return f"{counted}, so between {share(estimate.low)} and {share(estimate.high)}"
