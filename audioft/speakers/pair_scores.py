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
        own = self.side(embeddings)
        blocks = [slice(i, i + BLOCK) for i in range(0, len(first), BLOCK)]
        cosines = [np.einsum("te,te->t", own.units[first[b]], own.units[second[b]]) for b in blocks]
        scores = np.concatenate(cosines) if cosines else np.zeros(0)
        return self._both(scores, own.mean[first], own.deviation[first], own.mean[second], own.deviation[second])

    def matrix(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Scores `(N, M)` of each of `first` `(N, E)` with each of `second` `(M, E)`."""
        return self.between(self.side(first), self.side(second))

    def side(self, embeddings: np.ndarray) -> Side:
        """Embeddings `(N, E)` made ready for `between`, once for however many comparisons."""
        own = unit(np.asarray(embeddings, np.float64))
        if self.cohort is None:
            return Side(own, np.zeros(len(own)), np.ones(len(own)))
        top = min(self.top, len(self.cohort))
        best = np.sort(own @ self.cohort.T, axis=1)[:, len(self.cohort) - top :]
        # recordings of the cohort that are copies of each other have no deviation
        return Side(own, best.mean(1), np.maximum(best.std(1), 1e-6))

    def between(self, one: Side, other: Side) -> np.ndarray:
        """Scores `(N, M)` of each of the one side with each of the other."""
        scores = one.units @ other.units.T
        return self._both(scores, one.mean[:, None], one.deviation[:, None], other.mean, other.deviation)

    def _both(
        self, cosines: np.ndarray, mean: np.ndarray, deviation: np.ndarray, mean_2: np.ndarray, deviation_2: np.ndarray
    ) -> np.ndarray:
        """Cosines, counted in the deviations of either recording if there is a cohort."""
        if not self.normalised:
            return cosines
        return ((cosines - mean) / deviation + (cosines - mean_2) / deviation_2) / 2
