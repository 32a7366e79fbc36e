"""What a report comes to: a sentence, a few figures, and the confusion. Notebooks show it, pages begin with it."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from audioft.evaluation.measured import Measured
from audioft.evaluation.page.confusion import anchor, matrix
from audioft.evaluation.page.elements import LABEL, escaped, named, raw_table, table, tile
from audioft.evaluation.page.style import fragment
from audioft.evaluation.sentence import sentence
from audioft.evaluation.slices.text import sentences
from audioft.evaluation.text import TITLES, number

#: What a reader sees from afar; the other figures say nearly the same, and stand in a table.
TILES = {
    "one": ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc"),
    "several": ("map", "f1_micro", "f1_macro", "roc_auc"),
    "events": ("segment_f1", "segment_f1_macro", "event_f1", "event_f1_macro", "map"),
}
#: What the figures are, where their name does not say it.
MEANING = {
    "accuracy": "clips that are right",
    "balanced_accuracy": "mean over labels",
    "f1_macro": "mean over labels",
    "f1_micro": "over all labels as one",
    "segment_f1": "seconds, all labels as one",
    "segment_f1_macro": "seconds, mean over labels",
    "event_f1": "events, all labels as one",
    "event_f1_macro": "events, mean over labels",
    "map": "mean over labels",
    "roc_auc": "mean over labels",
}
_SHORT = {
    "f1_macro": "F1",
    "f1_micro": "F1",
    "segment_f1": "F1",
    "segment_f1_macro": "F1",
    "event_f1": "F1",
    "event_f1_macro": "F1",
}
_PAIRS = 10
_MOST = 120  # labels whose confusion a notebook shows


def said(report: Measured) -> str:
    """The sentence, what was measured, the worst slice; before all, that it is of too few clips or of some it knows."""
    caution = f'<p class="caution">{escaped(report.foremost)}</p>\n' if report.foremost else ""
    slices = report.slices
    weak = f"<p>{escaped(sentences(slices)[0])}</p>\n" if slices is not None and slices.worst is not None else ""
    return f'{caution}<p class="said">{escaped(sentence(report))}</p>\n<p>{escaped(report.measured)}</p>\n{weak}'


def tiles(report: Measured) -> str:
    """The few figures to look at."""
    kind = "events" if report.kind == "events" else "several" if report.multilabel else "one"
    shown = [name for name in TILES[kind] if name in report.metrics]
    if kind == "one" and len({row["support"] for row in report.classes}) == 1:
        shown.remove("balanced_accuracy")  # of as many clips a label it is the accuracy
    parts = []
    for name in shown:
        e = report.metrics[name]
        below = f"{MEANING[name]}<br>{e.bounds}" if e.bounds else MEANING[name]
        parts.append(tile(_SHORT.get(name, TITLES.get(name, name)), number(e.value), below, name == report.main))
    return f'<div class="tiles">{"".join(parts)}</div>\n'


def figures(report: Measured) -> str:
    """Every figure with its interval, as a table."""
    rows = []
    for name, value in report.figures.items():
        e = report.metrics.get(name)
        rows.append(("", [escaped(TITLES.get(name, name.replace("_", " "))), number(value), e.bounds if e else ""]))
    return raw_table([("metric", False), ("value", True), ("95 % interval", True)], rows)


def confusion(report: Measured, places: Container[str] = ()) -> str:
    """The matrix and the pairs of labels that are confused most; empty where a clip may have several labels."""
    if report.confusion is None:
        return ""
    number_of = {label: i for i, label in enumerate(report.labels)}
    rows = []
    for true, given, n, total in report.confused()[:_PAIRS]:
        place = anchor((number_of[true], number_of[given]))
        text = f"{named(true, LABEL)} taken for {named(given, LABEL)}"
        rows.append(("", [f'<a href="#{place}">{text}</a>' if place in places else text, f"{n} of {total}"]))
    pairs = raw_table([("most often confused", False), ("clips", True)], rows)
    told = pairs if rows else "<p>No clip was confused.</p>"
    return f'<div class="beside">{matrix(report.labels, report.confusion, places)}{told}</div>'


def overview(report: Measured) -> str:
    """For a notebook: the sentence, the figures, the confusion and the notes."""
    body = said(report) + tiles(report)
    if report.confusion is not None and len(report.labels) <= _MOST:
        body += confusion(report)
    elif report.multilabel:
        body += table(["label", "precision", "recall", "F1"], _weakest(report))
    body += "".join(f"<p>note: {escaped(n)}</p>" for n in report.further)
    return fragment(body)


def _weakest(report: Measured) -> list[list[Any]]:
    there = sorted((r for r in report.classes if r["support"]), key=lambda r: r["f1"])
    return [[r["label"], *(float(r[k]) for k in ("precision", "recall", "f1"))] for r in there[:20]]
