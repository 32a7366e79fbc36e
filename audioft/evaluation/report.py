"""What an evaluation found, as one object: headline figures with intervals, classes, confusions."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core.storage import write_bytes
from audioft.errors import UsageError
from audioft.evaluation.intervals import bootstrap, units
from audioft.evaluation.metrics import compute, confusion, per_class
from audioft.evaluation.predictions import Predictions

FORMAT = "audioft-report"
FORMAT_VERSION = 1

SINGLE = (
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "f1_weighted",
    "precision_macro",
    "recall_macro",
    "roc_auc",
)
MULTI = ("map", "f1_macro", "f1_micro", "precision_micro", "recall_micro", "roc_auc", "subset_accuracy")

FEW_GROUPS = 10


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; a bound is nan where it could not be computed."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Report:
    """What an evaluation found. `print(report)` shows it as text.

    Args:
        side: which side of the data was scored, `test`, `valid` or another name.
        multilabel: whether a clip may have several labels.
        labels: the model's labels, in its order.
        metrics: headline figures with intervals, the most telling one first.
        figures: every metric, without intervals.
        classes: one mapping a label: `label`, `support` (clips that have it), `predicted` (clips given it),
            `known`, `precision`, `recall`, `f1`, `roc_auc`, `average_precision`, and `threshold` for
            multi-label.
        confusion: clips by true label (row) and given label (column); None for multi-label.
        clips: number of clips scored.
        groups: number of groups they fall into.
        unit: what the intervals resampled, `clips` or `groups`.
        resamples: how many times; 0 for no intervals.
        seed: of the resampling.
        notes: what a reader must know beside the figures.
        kind: `clips`, or `events` where what happens when was measured: then `clips` counts recordings, and `classes`
            seconds in which a label happens.

    Example:
        >>> report = trained.report
        >>> report.side, report.main, report.metrics["accuracy"].value == report.figures["accuracy"]
        ('test', 'accuracy', True)
    """

    side: str
    multilabel: bool
    labels: tuple[str, ...]
    metrics: dict[str, Estimate]
    figures: dict[str, float]
    classes: list[dict[str, Any]]
    confusion: list[list[int]] | None
    clips: int
    groups: int
    unit: str
    resamples: int
    seed: int
    notes: list[str] = field(default_factory=list)
    kind: str = "clips"

    @property
    def main(self) -> str:
        """The metric to look at first: `accuracy`, `map` for multi-label, `segment_f1` for events."""
        if self.kind == "events":
            return "segment_f1"
        return "map" if self.multilabel else "accuracy"

    @property
    def counted(self) -> str:
        """What `clips` counts: `clips` or `recordings`, or one of them."""
        return ("recording" if self.kind == "events" else "clip") + "s" * (self.clips != 1)

    @property
    def thresholds(self) -> dict[str, float] | None:
        """The decision threshold of each label; None for single-label."""
        return {c["label"]: c["threshold"] for c in self.classes} if self.multilabel else None

    def __str__(self) -> str:
        from audioft.evaluation.text import as_text

        return as_text(self)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values that strict JSON can hold: nan becomes None."""
        return _plain(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "main": self.main,
                **dataclasses.asdict(self),
            }
        )

    def to_json(self) -> str:
        """The report as strict JSON: no NaN, null instead."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def save(self, path: str | Path) -> None:
        """Write `to_json()` to a file."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # a lone surrogate, which UTF-8 cannot hold, becomes the escape that JSON has for it
        write_bytes(Path(path), self.to_json().encode("utf-8", "backslashreplace"))

    @classmethod
    def load(cls, path: str | Path) -> Report:
        """Read what `save` wrote.

        Raises:
            UsageError: no such file, or it is not a report of a version this program knows.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as e:
            raise UsageError(
                f"{path}: cannot be read as a report ({e}); expected a report.json that audioft wrote"
            ) from e
        found = (data.get("format"), data.get("format_version")) if isinstance(data, dict) else (None, None)
        if found != (FORMAT, FORMAT_VERSION):
            raise UsageError(
                f"{path}: format {found[0]!r}, version {found[1]!r}; expected {FORMAT!r}, version "
                f"{FORMAT_VERSION}: evaluate the model again with this version of audioft"
            )
        try:
            return cls._from(data)
        except (KeyError, TypeError, AttributeError) as e:
            raise UsageError(f"{path}: not a complete report ({e!r}); evaluate the model again") from e

    @classmethod
    def _from(cls, data: dict[str, Any]) -> Report:
        values = {f.name: data[f.name] for f in dataclasses.fields(cls) if f.name in data or f.name != "kind"}
        values["labels"] = tuple(values["labels"])
        values["figures"] = {k: _number(v) for k, v in values["figures"].items()}
        values["metrics"] = {
            k: Estimate(**{b: _number(v[b]) for b in ("value", "low", "high")}) for k, v in values["metrics"].items()
        }
        values["classes"] = [{k: _number(v) for k, v in row.items()} for row in values["classes"]]
        return cls(**values)


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
        resamples: bootstrap resamples for the intervals; 0 leaves them out.
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
        bounds = bootstrap(predictions, names, thresholds, resamples, seed).bounds
    columns = per_class(predictions, thresholds)
    classes = [
        {"label": label, **{k: v[c].item() for k, v in columns.items()}} for c, label in enumerate(predictions.labels)
    ]
    if predictions.multilabel:
        limits = [0.5] * len(classes) if thresholds is None else [float(t) for t in thresholds]
        classes = [{**row, "threshold": t} for row, t in zip(classes, limits, strict=True)]
    return Report(
        side=side,
        multilabel=predictions.multilabel,
        labels=predictions.labels,
        metrics={n: Estimate(figures[n], *bounds[n]) for n in names},
        figures=figures,
        classes=classes,
        confusion=None if predictions.multilabel else confusion(predictions).tolist(),
        clips=len(predictions),
        groups=len(set(predictions.groups())),
        unit=unit,
        resamples=resamples,
        seed=seed,
        notes=[*_noticed(predictions, unit, int(member.max()) + 1, bool(resamples)), *notes],
    )


def _noticed(predictions: Predictions, unit: str, count: int, resampled: bool) -> list[str]:
    notes = []
    if resampled and count == 1:
        notes.append("all clips are of one unit to resample, so there are no intervals")
    elif resampled and count < FEW_GROUPS:
        notes.append(f"the intervals rest on {count} {unit} and are rough, as a rule too narrow")
    positives = (predictions.targets > 0).sum(axis=0)
    absent = [label for label, n in zip(predictions.labels, positives, strict=True) if not n]
    if absent:
        shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        notes.append(
            f"no clip has the label {shown}: counted as 0 in macro precision, recall and F1, left out of "
            "balanced accuracy, ROC AUC and average precision"
        )
    unknown = int((~predictions.known).sum())
    if unknown:
        notes.append(f"{unknown} of {predictions.known.size} targets are unknown and count nowhere")
    return notes


def _number(value: Any) -> Any:
    return math.nan if value is None else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
