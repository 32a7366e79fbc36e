"""One speaker that a model was told of, and the recordings the speaker is known from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioft.errors import AudioError
from audioft.speakers.pair_scores import unit


@dataclass(frozen=True)
class Enrolled:
    """One speaker.

    Attributes:
        embedding: `(E,)`, the mean over the speaker's recordings of their embeddings of length 1.
        recordings: how many.
        seconds: of sound in them.
        digests: of these recordings, see `data.inputs.digest`; fewer than there are where the file of the enrolled
            was written by an audioft that did not remember them.
    """

    embedding: np.ndarray
    recordings: int
    seconds: float
    digests: tuple[str, ...] = ()

    @classmethod
    def of(cls, vectors: np.ndarray, seconds: np.ndarray, digests: Sequence[str] = ()) -> Enrolled:
        """From the embeddings `(K, E)` of K recordings, their lengths and digests."""
        return cls(unit(vectors).mean(0), len(vectors), float(seconds.sum()), tuple(digests))

    def with_more(self, other: Enrolled) -> Enrolled:
        """As if both had been enrolled from all recordings at once."""
        count = self.recordings + other.recordings
        total = self.recordings * self.embedding + other.recordings * other.embedding
        return Enrolled(total / count, count, self.seconds + other.seconds, self.digests + other.digests)


@dataclass(frozen=True)
class EnrolledNow:
    """What became of enrolling a speaker.

    Attributes:
        name: of the speaker.
        recordings: how many the speaker is enrolled from by now.
        seconds: of sound in them.
        path: the file of all enrolled speakers.
        failures: recordings that could not be heard, left out.
    """

    name: str
    recordings: int
    seconds: float
    path: Path
    failures: list[AudioError]
