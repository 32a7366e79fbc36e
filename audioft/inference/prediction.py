"""What a model says of one recording as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from audioft.errors import AudioError

if TYPE_CHECKING:
    from audioft.evaluation.labelling.window_scores import ClipScore

#: Why there is no label where the model gives NaN or infinity.
NOT_FINITE = "the model's scores are not finite (NaN or infinity); its weights may have diverged"


@dataclass(frozen=True, repr=False)
class Prediction:
    """What a model says of one recording.

    Attributes:
        path: the recording as it was given.
        label: the most probable label; None if nothing of the recording could be heard.
        score: its probability, 0 to 1; NaN if there is no label.
        labels: for multi-label models, the labels whose score reaches their threshold; otherwise just `label`, or none
            where a threshold was asked for that its score does not reach.
        scores: every label's probability, in the model's order.
        seconds: the audio that was heard.
        error: why there is no label, or why the recording breaks off after what was heard; None if all was heard.
        note: what is to be said of how it was heard, as of channels that cancel; empty as a rule.

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
    note: str = ""

    @classmethod
    def of(
        cls,
        path: str,
        found: ClipScore,
        labels: tuple[str, ...],
        limits: np.ndarray | None,
        several: bool = True,
        note: str = "",
    ) -> Prediction:
        """From scores; `limits` `(C,)` are thresholds, None for none; without `several`, of the best label alone."""
        if found.scores is None:
            return cls(path, None, float("nan"), seconds=found.seconds, error=found.failure, note=note)
        if not np.isfinite(found.scores).all():
            return cls(path, None, float("nan"), seconds=found.seconds, error=AudioError(path, "model", NOT_FINITE))
        best = int(found.scores.argmax())
        given = [best] if limits is None else np.flatnonzero(found.scores >= limits).tolist()
        given = given if several else [i for i in given if i == best]
        scores = dict(zip(labels, found.scores.tolist(), strict=True))
        chosen = tuple(labels[i] for i in given)
        return cls(path, labels[best], float(found.scores[best]), chosen, scores, found.seconds, found.failure, note)

    def __repr__(self) -> str:
        if self.label is None:
            return f"<Prediction of {self.path}: none, {self.error}>"
        labels = ", ".join(self.labels) if len(self.labels) > 1 else self.label
        broken = "" if self.error is None else ", breaks off"
        noted = f"; {self.note}" if self.note else ""
        return f"<Prediction of {self.path}: {labels}, {self.score:.2f}{broken}{noted}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the recording to be heard and the best labels."""
        from audioft.evaluation.page.answer import answer

        return answer(
            self.path, self.label, self.labels, self.top(5), len(self.scores), self.seconds, self.error, self.note
        )

    def top(self, k: int) -> list[tuple[str, float]]:
        """The k most probable labels with their scores, best first; all if there are fewer."""
        return sorted(self.scores.items(), key=lambda item: -item[1])[:k]
