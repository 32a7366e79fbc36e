"""What a model folder knows besides its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ModelCard:
    """What a model folder knows besides its weights (`audioft.json`).

    Attributes:
        labels: in the order of the logits.
        multilabel: several labels may hold at once: scores are sigmoids instead of a softmax.
        window: seconds; the longest clip it was trained on. A longer recording is labelled in windows of this length.
        segments: how scores over time become events: `release`, `min_seconds`, `close_gaps`; None for the defaults.
        background: the label that says nothing happens, for models of one label a clip; None if there is none.
        verification: where speakers (or whatever the labels are) are to be told apart also where they were not trained
            on: `threshold` of the score from which on two recordings are of one, `eer`, whether it is for scores
            `normalised` by a cohort, `chosen_on`, and in `identification` the thresholds for the nearest of several
            enrolled; None if nothing was chosen.
        thresholds: for multi-label models the score from which on a label is given, in the order of `labels`.
        encoder: name and family of the encoder it began from.
        trained_on: counts and names of what it saw.
        measured: figures of the report, by side.
        reading: settings of how the labels of its data were read, where they are not as by default.
        compression: of a compressed model what it was made of, how, and how far the two agree.
    """

    labels: tuple[str, ...]
    multilabel: bool
    window: float
    thresholds: tuple[float, ...] | None = None
    segments: dict[str, float] | None = None
    background: str | None = None
    calibration: dict[str, Any] | None = None
    verification: dict[str, Any] | None = None
    encoder: dict[str, Any] = field(default_factory=dict)
    trained_on: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)
    compression: dict[str, Any] | None = None
