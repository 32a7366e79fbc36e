"""How well a model hears what happens when: figures of events found in recordings, with intervals.

Two views, both counted as sed_eval does, see `event_counts`: `segment_...` asks for every second which labels are
active, `event_...` whether each event was found as one, with its times. The figures are sed_eval's where it has one.
It has none, and leaves the label out of the macro F1, where a label is never found, or found and never there; here such
a label has an F1 of 0, as otherwise a model would gain by never finding what it finds badly.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audioft.errors import DataError
from audioft.evaluation import effective_size
from audioft.evaluation.effective_size import Basis
from audioft.evaluation.event_counts import Counts, Heard, event_counts, segment_counts
from audioft.evaluation.intervals import Estimate, resampled
from audioft.evaluation.ratios import mean_of_defined, ratio


@dataclass(frozen=True)
class EventFigures:
    """What was found in recordings.

    Attributes:
        metrics: `event_f1`, `event_precision`, `event_recall` over all labels as one (micro), `event_f1_macro`,
            `event_precision_macro`, `event_recall_macro` as means over the labels that have one; the same with
            `segment_`; `segment_error_rate` and its parts `segment_substitution_rate`, `segment_deletion_rate` and
            `segment_insertion_rate`, in errors per active label of the reference, so that it can be over 1.
            nan where there is nothing to measure.
        classes: one mapping a label: `label`, and `event_reference`, `event_found`, `event_precision`, `event_recall`,
            `event_f1` and the same with `segment_`, counted over all recordings; `segment_recall_low` and
            `segment_recall_high` are the interval of a recall. A label without events on either side has nan figures.
        recordings: how many there were.
        seconds: how much was heard of them together.
    """

    metrics: dict[str, Estimate]
    classes: list[dict[str, Any]]
    recordings: int
    seconds: float


def event_metrics(
    labels: Sequence[str],
    recordings: Sequence[Heard],
    *,
    resolution: float = 1.0,
    collar: float = 0.2,
    offset_share: float = 0.5,
    with_offset: bool = True,
    resamples: int = 1000,
    seed: int = 0,
) -> EventFigures:
    """Measure what was found in recordings.

    The intervals hold 95 % of the time, and come from drawing whole recordings anew, see `intervals`. Of one recording
    there are none. Error rates, which can be over 1, have those of counts.

    Args:
        labels: the C labels compared; a label that never occurs on either side is left out of macro means.
        recordings: at least one.
        resolution: seconds of a segment, above 0.
        collar: seconds by which the beginnings of matched events may differ, at least 0.
        offset_share: share of the reference event's length, 0 to 1, by which the ends may differ if it is more than
            the collar.
        with_offset: whether the ends are compared at all.
        resamples: how many times recordings are drawn anew; 0 leaves the intervals out.
        seed: the same seed gives the same intervals.

    Raises:
        DataError: there are no recordings.
        ValueError: an event has a label that is not compared, or an argument is out of range.

    >>> from audioft.annotations.event import Event
    >>> heard = Heard("a.wav", 4.0, [Event("dog", 0.5, 2.5), Event("cat", 3.0, 3.5)], [Event("dog", 0.6, 2.5)])
    >>> figures = event_metrics(("cat", "dog"), [heard])
    >>> figures.metrics["event_recall"].value, figures.classes[1]["segment_f1"]
    (0.5, 1.0)
    """
    if not recordings:
        raise DataError("no recordings to evaluate")
    if resamples < 0:
        raise ValueError(f"resamples is {resamples}; expected at least 0")
    parts = {
        "event": [event_counts(labels, r, collar, offset_share, with_offset) for r in recordings],
        "segment": [segment_counts(labels, r, resolution) for r in recordings],
    }
    values = {k: v.item() for k, v in figures(parts).items()}
    found = dict.fromkeys(values, effective_size.NONE)
    if resamples and len(recordings) > 1:  # one drawn again is always itself, and would pretend to certainty
        found = bounds(parts, values, draws(parts, resamples, seed))
    return EventFigures(
        metrics={name: Estimate(value, *found[name]) for name, value in values.items()},
        classes=_classes(labels, parts, bool(resamples)),
        recordings=len(recordings),
        seconds=float(sum(r.seconds for r in recordings)),
    )


def draws(parts: dict[str, list[Counts]], resamples: int, seed: int) -> dict[str, np.ndarray]:
    """What every figure comes out as when whole recordings are drawn anew, `(resamples,)` each, nan where undefined.

    Args:
        parts: of each recording the counts of `event` and of `segment`.
        resamples, seed: as for `event_metrics`.
    """
    one, *_ = parts.values()
    width = max(len(one), len(one[0].true))
    return resampled(functools.partial(figures, parts), len(one), width, resamples, seed)


def bounds(
    parts: dict[str, list[Counts]], values: dict[str, float], drawn: dict[str, np.ndarray]
) -> dict[str, tuple[float, float]]:
    """The 95 % intervals of `values`, by name, from what `draws` found of the same parts."""
    found = {}
    for name, value in values.items():
        kind, figure = name.split("_", 1)
        basis = _basis(figure, parts[kind])
        found[name] = effective_size.of_draws(value, drawn[name], basis, rate=figure in _RATES)
    return found


def _basis(figure: str, counts: Sequence[Counts]) -> Basis:
    """What a figure is a share of: what is there, what was found, or half of both."""
    there, found = (np.stack([getattr(c, name) for c in counts]) for name in ("reference", "found"))
    of = {"f1": (there + found) / 2, "precision": found}.get(figure.split("_")[0], there)
    each = of.sum(0)
    each = each[each > 0]
    size = len(each) ** 2 / (1 / each).sum() if figure.endswith("macro") and len(each) else each.sum()
    return Basis(float(size), of.sum(1))


def figures(parts: dict[str, list[Counts]], weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Every figure of weighted recordings: `(R,)` for weights `(R, N)`, `()` without."""
    return {
        f"{kind}_{name}": figure(total)
        for kind, counts in parts.items()
        for total in (Counts.total(counts, weights),)
        for name, figure in (_FIGURES | _ERRORS if kind == "segment" else _FIGURES).items()
    }


def _classes(labels: Sequence[str], parts: dict[str, list[Counts]], bounded: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"label": label} for label in labels]
    for kind, counts in parts.items():
        total = Counts.total(counts)
        for c, row in enumerate(rows):
            row[f"{kind}_reference"], row[f"{kind}_found"] = int(total.reference[c]), int(total.found[c])
            for name in ("precision", "recall", "f1"):
                row[f"{kind}_{name}"] = float(getattr(total, name)[c])
            found = _recall_bounds(counts, c) if bounded and len(counts) > 1 else effective_size.NONE
            row[f"{kind}_recall_low"], row[f"{kind}_recall_high"] = found
    return rows


def _recall_bounds(counts: Sequence[Counts], label: int) -> tuple[float, float]:
    """The interval of a label's recall, over the recordings in which it happens."""
    true, there = (np.array([getattr(c, name)[label] for c in counts], float) for name in ("true", "reference"))
    return effective_size.of_totals(true[there > 0], there[there > 0])


def _per_reference(errors: Callable[[Counts], np.ndarray]) -> Callable[[Counts], np.ndarray]:
    return lambda counts: ratio(errors(counts), counts.overall.reference)


#: name -> counts of C labels to the figure
_FIGURES: dict[str, Callable[[Counts], np.ndarray]] = {
    "f1": lambda c: c.overall.f1,
    "precision": lambda c: c.overall.precision,
    "recall": lambda c: c.overall.recall,
    "f1_macro": lambda c: mean_of_defined(c.f1),
    "precision_macro": lambda c: mean_of_defined(c.precision),
    "recall_macro": lambda c: mean_of_defined(c.recall),
}
# in each segment what is missed beside something made up is swapped, one for one; the rest is deleted or inserted
_ERRORS: dict[str, Callable[[Counts], np.ndarray]] = {
    "error_rate": _per_reference(lambda c: c.overall.missed + c.overall.false - c.swapped),
    "substitution_rate": _per_reference(lambda c: c.swapped),
    "deletion_rate": _per_reference(lambda c: c.overall.missed - c.swapped),
    "insertion_rate": _per_reference(lambda c: c.overall.false - c.swapped),
}
_RATES = ("error_rate", "insertion_rate")  # what is found and not there has no limit
