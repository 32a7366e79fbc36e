"""A saved model and recordings to label."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audioft.data.clip import Clip
from audioft.errors import AudioError, UsageError
from audioft.evaluation.scoring import ClipScore, score
from audioft.models import folder
from audioft.runtime import find_device


@dataclass(frozen=True)
class Prediction:
    """What a model says of one recording.

    Attributes:
        path: the recording as it was given.
        label: the most probable label; None if the recording failed.
        score: its probability, 0 to 1; NaN if the recording failed.
        labels: for multi-label models, the labels whose score reaches their threshold; otherwise just `label`.
        scores: every label's probability, in the model's order.
        seconds: the audio that was heard.
        error: why there is no label; None if there is one.

    >>> Prediction("a.wav", "yes", 0.9, ("yes",), {"no": 0.1, "yes": 0.9}).top(1)
    [('yes', 0.9)]
    """

    path: str
    label: str | None
    score: float
    labels: tuple[str, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: AudioError | None = None

    def top(self, k: int) -> list[tuple[str, float]]:
        """The k most probable labels with their scores, best first; all if there are fewer."""
        return sorted(self.scores.items(), key=lambda item: -item[1])[:k]


class Predictor:
    """Labels recordings with a saved model.

    Args:
        path: a model folder, or a run folder that holds one.
        device: `auto`, `cpu`, `cuda`.
        precision: `fp32` or `bf16`; scores in bfloat16 differ by about 2e-2.
        batch_seconds: audio that goes through at once; it changes no score by more than rounding.

    Raises:
        UsageError: there is no such folder, or no such device.
        ModelError: the folder is not a whole model.

    Example:
        >>> predictor = Predictor(trained)
        >>> predictor.labels
        ('go', 'left', 'right', 'stop')
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        device: str = "auto",
        precision: str = "fp32",
        batch_seconds: float = 60.0,
    ):
        place = find_device(device)
        self.model, self.card = folder.load(model_folder(path))
        self.model.to(place)
        self.precision, self.batch_seconds = precision, batch_seconds
        self._thresholds = np.array(self.card.thresholds or [0.5] * len(self.card.labels))

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the scores."""
        return self.card.labels

    def scores(self, clips: Sequence[Clip], progress: Callable[[int], None] | None = None) -> Iterator[ClipScore]:
        """Raw scores as they come, not in the order of `clips`."""
        return score(
            self.model,
            clips,
            multilabel=self.card.multilabel,
            window=self.card.window,
            batch_seconds=self.batch_seconds,
            precision=self.precision,
            progress=progress,
        )

    def predict(self, clips: Sequence[Clip], progress: Callable[[int], None] | None = None) -> Iterator[Prediction]:
        """One prediction a clip, in their order; a recording that fails has its `error` set."""
        waiting: dict[int, ClipScore] = {}
        due = 0
        for found in self.scores(clips, progress):
            waiting[found.index] = found
            while due in waiting:
                yield self._prediction(clips[due], waiting.pop(due))
                due += 1

    def _prediction(self, clip: Clip, found: ClipScore) -> Prediction:
        if found.scores is None:
            return Prediction(clip.name, None, float("nan"), seconds=found.seconds, error=found.failure)
        best = int(found.scores.argmax())
        label = self.labels[best]
        given = found.scores >= self._thresholds
        labels = (
            tuple(x for x, yes in zip(self.labels, given, strict=True) if yes) if self.card.multilabel else (label,)
        )
        scores = dict(zip(self.labels, found.scores.tolist(), strict=True))
        return Prediction(clip.name, label, float(found.scores[best]), labels, scores, found.seconds)


def model_folder(path: str | os.PathLike[str]) -> Path:
    """The model folder that `path` is, or that lies in the run folder that it is."""
    path = Path(path)
    if not path.exists():
        raise UsageError(f"model {path}: no such folder; give a run folder or a model folder")
    if (path / "model").is_dir():
        return path / "model"
    if (path / "config.yaml").is_file() and not (path / "config.json").is_file():
        raise UsageError(
            f"run {path} has no model yet: its training has not ended; go on with `audioft train --resume --out {path}`"
        )
    return path
