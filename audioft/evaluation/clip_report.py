"""The report of a model that says what a clip is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from audioft.core.wording import counted
from audioft.evaluation.caution import FEW_CLIPS, caution
from audioft.evaluation.intervals import Estimate, bootstrap, recalls, units
from audioft.evaluation.metrics import compute, confusion, per_class
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.report import Report
from audioft.evaluation.text import TITLES

SINGLE = ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "precision_macro", "recall_macro", "roc_auc")
MULTI = ("map", "f1_macro", "f1_micro", "precision_micro", "recall_micro", "roc_auc", "subset_accuracy")


def make_report(
    predictions: Predictions,
    side: str,
    thresholds: Sequence[float] | np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Report:
    """Measure predictions.

    Args:
        predictions: what to measure.
        side: which side of the data they are of.
        thresholds: C decision thresholds for multi-label (see `choose_thresholds`); 0.5 each if None.
        resamples: bootstrap resamples for the intervals; 0 leaves them all out.
        seed: of the bootstrap.
        notes: further sentences for the reader.

    Raises:
        DataError: there are no clips.
    """
    names = MULTI if predictions.multilabel else SINGLE
    figures = compute(predictions, thresholds)
    unit, member = units(predictions)
    bounds = dict.fromkeys(names, (math.nan, math.nan))
    if resamples:
        bounds = bootstrap(predictions, names, thresholds, resamples, seed)
    columns = per_class(predictions, thresholds)
    if resamples:
        columns["recall_low"], columns["recall_high"] = recalls(predictions, thresholds).T
    if predictions.multilabel:
        columns["threshold"] = np.full(len(columns["f1"]), 0.5) if thresholds is None else np.asarray(thresholds, float)
    classes = [
        {"label": label, **{k: v[c].item() for k, v in columns.items()}} for c, label in enumerate(predictions.labels)
    ]
    metrics = {n: Estimate(figures[n], *bounds[n]) for n in names}
    count, groups = int(member.max()) + 1, len(set(predictions.groups()))
    tested = counted(len(predictions), "clip") + (f" in {counted(count, 'group')}" if unit == "groups" else "")
    support = [n for n in columns["support"].tolist() if n]
    return Report(
        side=side,
        multilabel=predictions.multilabel,
        labels=predictions.labels,
        metrics=metrics,
        figures=figures,
        classes=classes,
        confusion=None if predictions.multilabel else confusion(predictions).tolist(),
        clips=len(predictions),
        groups=groups,
        unit=unit,
        resamples=resamples,
        seed=seed,
        notes=[*_noticed(predictions), *notes],
        caution=caution(TITLES[names[0]], metrics[names[0]], tested, count, unit.removesuffix("s"), support),
    )


def _noticed(predictions: Predictions) -> list[str]:
    notes = []
    positives = (predictions.targets > 0).sum(axis=0)
    absent = [label for label, n in zip(predictions.labels, positives, strict=True) if not n]
    if absent:
        shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        notes.append(
            f"no clip has the label {shown}: counted as 0 in macro precision, recall and F1, left out of "
            "balanced accuracy, ROC AUC and average precision"
        )
    rare = [label for label, n in zip(predictions.labels, positives, strict=True) if 0 < n < FEW_CLIPS]
    if rare:
        shown = ", ".join(rare[:5]) + (f" and {len(rare) - 5} more" if len(rare) > 5 else "")
        notes.append(f"fewer than {FEW_CLIPS} clips have the label {shown}: such rows say next to nothing")
    unknown = int((~predictions.known).sum())
    if unknown:
        notes.append(f"{unknown} of {predictions.known.size} targets are unknown and count nowhere")
    return notes
