"""The report of a model that says what happens when."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from audioft.core.wording import counted
from audioft.evaluation.caution import caution
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.events import event_metrics
from audioft.evaluation.frame_intervals import frame_bounds
from audioft.evaluation.ranking import frame_average_precision
from audioft.evaluation.report import Estimate, Report
from audioft.evaluation.text import TITLES

SHOWN = ("segment_f1", "segment_f1_macro", "segment_error_rate", "event_f1", "event_f1_macro")


def make_event_report(
    labels: tuple[str, ...],
    recordings: Sequence[Heard],
    frames: Sequence[tuple[np.ndarray, np.ndarray]],
    side: str,
    thresholds: Sequence[float],
    resamples: int = 1000,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Report:
    """Measure events found in recordings.

    Args:
        labels: the C labels that are events, in the model's order.
        recordings: what is true and what was found of each.
        frames: of each recording the scores `(F, C)` of its moments and what is true of them, `(F, C)`.
        side: which side of the data they are of.
        thresholds: of each label, `(C,)`.
        resamples: bootstrap resamples over recordings; 0 leaves intervals out.
        seed: of the bootstrap.
        notes: further sentences for the reader.

    Returns:
        A report whose classes are counted in segments of a second: `support` and `predicted` of them, and with
        `event_f1` beside. Its `map` is over frames.

    Raises:
        DataError: there are no recordings.
    """
    found = event_metrics(labels, recordings, resamples=resamples, seed=seed)
    mean, each = frame_average_precision([s for s, _ in frames], [t for _, t in frames])
    bounds = frame_bounds(mean, recordings, frames, labels, resamples, seed)
    metrics = {name: found.metrics[name] for name in SHOWN} | {"map": Estimate(mean, *bounds)}
    segments = sum(math.ceil(r.seconds - 1e-9) for r in recordings)
    classes = [
        {
            "label": c["label"],
            "support": c["segment_reference"],
            "predicted": c["segment_found"],
            "known": segments,
            **{k: c[f"segment_{k}"] for k in ("precision", "recall", "recall_low", "recall_high", "f1")},
            "roc_auc": math.nan,
            "average_precision": float(precision),
            "threshold": float(threshold),
            **{k: v for k, v in c.items() if k.startswith("event_")},
        }
        for c, precision, threshold in zip(found.classes, each, thresholds, strict=True)
    ]
    said = [
        "segments last a second; an event is found if its beginning is off by at most 0.2 s, its end by that or half "
        "its length (sed_eval)",
        f"{sum(len(r.reference) for r in recordings)} events in {found.seconds / 60:.1f} minutes, "
        f"{sum(len(r.found) for r in recordings)} found",
    ]
    return Report(
        side=side,
        multilabel=True,
        labels=labels,
        metrics=metrics,
        figures={k: e.value for k, e in found.metrics.items()} | {"map": mean},
        classes=classes,
        confusion=None,
        clips=len(recordings),
        groups=len(recordings),
        unit="recordings",
        resamples=resamples if len(recordings) > 1 else 0,
        seed=seed,
        notes=[*said, *notes],
        kind="events",
        caution=caution(
            TITLES[SHOWN[0]], metrics[SHOWN[0]], counted(len(recordings), "recording"), len(recordings), "recording"
        ),
    )
