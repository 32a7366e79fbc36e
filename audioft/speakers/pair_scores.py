"""How alike the embeddings of two recordings are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audioft.errors import DataError

#: How many of a cohort's recordings normalise a score; Matejka et al. use 200 to 500 of their thousands.
TOP = 300
BLOCK = 16384  # pairs whose embeddings are copied at once


def unit(embeddings: np.ndarray) -> np.ndarray:
    """Embeddings `(..., E)` of length 1; one of zeros stays so."""
    lengths = np.linalg.norm(embeddings, axis=-1, keepdims=True)
    return embeddings / np.maximum(lengths, np.finfo(np.float64).tiny)


class Side(NamedTuple):
    """Embeddings ready to be compared.

    Attributes:
        units: `(N, E)`, of length 1.
        mean, deviation: `(N,)`, of each one's highest cosines with the cohort; 0 and 1 without a cohort.
    """

    units: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    def at(self, places: np.ndarray) -> Side:
        """Those at the positions `places`."""
        return Side(*(x[places] for x in self))


class Scorer:
    """How alike embeddings are: their cosine, normalised by a cohort if there is one.

    The normalisation is adaptive s-norm (as-norm1: Matejka et al., "Analysis of Score Normalization in Multilingual
    Speaker Recognition", 2017, sec. 2.4). Each of the two recordings is compared with the cohort; of the `top` scores
    it has there (of those most like it) mean and deviation are taken, the pair's score is counted in such deviations
    above such a mean, once for either recording, and the mean of both counts is the score. So a recording that is
    like everybody, by its noise or its channel, no longer seems to be of everybody.

    Args:
        cohort: `(K, E)`, embeddings of other speakers than those to be told apart, K at least 2; None for cosines.
        top: how many of them; all where there are fewer.

    Raises:
        DataError: the cohort has fewer than two recordings.
    """

    def __init__(self, cohort: np.ndarray | None = None, top: int = TOP):
        if cohort is not None and len(cohort) < 2:
            raise DataError(f"a cohort of {len(cohort)} recording(s) has no deviation; give at least two, better 200")
        self.cohort = None if cohort is None else unit(np.asarray(cohort, np.float64))
        self.top = top

    @property
    def normalised(self) -> bool:
        return self.cohort is not None

    def pairs(self, embeddings: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Scores `(T,)` of pairs among `embeddings` `(N, E)`, given by two arrays `(T,)` of their positions."""
        own = unit(np.asarray(embeddings, np.float64))
        blocks = [slice(i, i + BLOCK) for i in range(0, len(first), BLOCK)]
        cosines = [np.einsum("te,te->t", own[first[b]], own[second[b]]) for b in blocks]
        scores = np.concatenate(cosines) if cosines else np.zeros(0)
        return self._normalised(scores, own, first, second) if self.normalised else scores

    def matrix(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Scores `(N, M)` of each of `first` `(N, E)` with each of `second` `(M, E)`."""
        return self.between(self.side(first), self.side(second))

    def side(self, embeddings: np.ndarray) -> Side:
        """Embeddings `(N, E)` made ready for `between`, once for however many comparisons."""
        own = unit(np.asarray(embeddings, np.float64))
        return Side(own, *(self._statistics(own) if self.normalised else (np.zeros(len(own)), np.ones(len(own)))))

    def between(self, one: Side, other: Side) -> np.ndarray:
        """Scores `(N, M)` of each of the one side with each of the other."""
        scores = one.units @ other.units.T
        if not self.normalised:
            return scores
        return self._both(scores, one.mean[:, None], one.deviation[:, None], other.mean, other.deviation)

    def _normalised(self, scores: np.ndarray, own: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        mean, deviation = self._statistics(own)
        return self._both(scores, mean[first], deviation[first], mean[second], deviation[second])

    @staticmethod
    def _both(
        scores: np.ndarray, mean: np.ndarray, deviation: np.ndarray, mean_other: np.ndarray, deviation_other: np.ndarray
    ) -> np.ndarray:
        return ((scores - mean) / deviation + (scores - mean_other) / deviation_other) / 2

    def _statistics(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation `(N,)` of each embedding's highest cosines with the cohort."""
        assert self.cohort is not None
        top = min(self.top, len(self.cohort))
        best = np.sort(own @ self.cohort.T, axis=1)[:, len(self.cohort) - top :]
        # recordings of the cohort that are copies of each other have no deviation
        return best.mean(1), np.maximum(best.std(1), 1e-6)
