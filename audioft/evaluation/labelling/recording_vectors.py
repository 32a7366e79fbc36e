"""Recordings as vectors, whatever has computed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from audioft.errors import AudioError
from audioft.evaluation.labelling.window_scores import ClipScore

NO_EMBEDDING = (
    "this model labels frames and has no embedding of a whole recording; take one trained with a pooling, as "
    "model.pooling=attentive_stats"
)


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of the recordings that could be heard to their end.

    Attributes:
        vectors: `(K, E)` float64, each the mean over the recording's windows of their embeddings of length 1.
        kept: `(K,)`, the positions of these recordings among those that were given, ascending.
        seconds: `(K,)`, the audio that went through the model, overlaps of windows counted twice.
        failures: of the other recordings, by position, why they were not heard, or not to their end.
    """

    vectors: np.ndarray
    kept: np.ndarray
    seconds: np.ndarray
    failures: dict[int, AudioError]

    @classmethod
    def of(cls, found: Iterable[ClipScore]) -> Embeddings:
        """From what was heard of each recording, its vector in the place of scores."""
        each = list(found)
        good = [one for one in each if one.failure is None and one.scores is not None]
        return cls(
            vectors=np.stack([np.asarray(one.scores) for one in good]) if good else np.zeros((0, 0)),
            kept=np.array([one.index for one in good], int),
            seconds=np.array([one.seconds for one in good]),
            failures={one.index: one.failure for one in each if one.failure is not None},
        )
