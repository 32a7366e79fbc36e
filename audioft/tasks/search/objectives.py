"""What trials are measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audioft.configuration.values import LOSSES, REFINED
from audioft.errors import UsageError
from audioft.evaluation.metrics import metric, rises
from audioft.tasks.search.trial import Fold

NAMES = ("score", "time", "size")


@dataclass(frozen=True)
class Objectives:
    """What a search makes good.

    Attributes:
        names: of `NAMES`, `score` first: the figure of the validation sides, the mean over clips; `time`, the seconds
            that fitting takes; `size`, the megabytes of the model's weights.
        figure: the metric, or the loss, that `score` is.
    """

    names: tuple[str, ...]
    figure: str

    @property
    def higher(self) -> bool:
        """Whether a higher score is better."""
        return rises(self.figure)

    @property
    def directions(self) -> tuple[str, ...]:
        return tuple("maximize" if name == "score" and self.higher else "minimize" for name in self.names)

    def values(self, folds: Sequence[Fold]) -> tuple[float, ...]:
        """What a trial reached."""
        clips = np.array([f.clips for f in folds], float)
        score = float(np.average([f.value for f in folds], weights=clips))
        found = {"score": score, "time": sum(f.seconds for f in folds), "size": max(f.megabytes for f in folds)}
        return tuple(found[name] for name in self.names)


def of(names: Sequence[str], figure: str, *, multilabel: bool, frames: bool) -> Objectives:
    """The objectives of a search.

    Args:
        names: as they were asked for.
        figure: a metric, `loss`, `refined_loss`, or `auto`.
        multilabel: whether a clip may carry several labels.
        frames: whether labels are of frames.

    Raises:
        UsageError: a name is unknown, `score` is missing, or no side can measure the metric.
    """
    if unknown := [n for n in names if n not in NAMES]:
        raise UsageError(f"--objectives: {unknown[0]!r} is unknown; known are {', '.join(NAMES)}")
    if "score" not in names or len(set(names)) < len(names):
        raise UsageError("--objectives: name each once, and score among them")
    ordered = tuple(sorted(names, key=NAMES.index))
    if figure == "auto":
        return Objectives(ordered, "map" if frames else REFINED)
    if frames and figure not in ("map", "loss"):
        raise UsageError(f"--metric {figure}: of labels with times a validation measures map and loss")
    if figure not in LOSSES:
        metric(figure, multilabel or frames)
    return Objectives(ordered, figure)
