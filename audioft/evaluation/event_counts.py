"""What was found in recordings beside what happens in them, as counts that add up, and the figures made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audioft.annotations.event import Event
from audioft.evaluation.ratios import ratio


@dataclass(frozen=True)
class Heard:
    """What is compared for one recording.

    Attributes:
        name: what messages call the recording.
        seconds: how much of it was heard, from its beginning; what lies beyond is in no segment.
        reference: what happens, in any order.
        found: what a model found, in any order.
    """

    name: str
    seconds: float
    reference: Sequence[Event]
    found: Sequence[Event]


@dataclass(frozen=True, eq=False)
class Counts:
    """How much was found, missed and made up, for each label; counts of several recordings add up.

    The figures are nan where there is nothing to divide by.

    Attributes:
        true: `(C,)`, what was found and is there; `(R, C)` for R weightings of recordings at once.
        missed: of that shape, what is there and was not found.
        false: of that shape, what was found and is not there.
        swapped: `()` or `(R,)`, of segments: how often one label was found in place of another in the same segment,
            S in sed_eval. 0 of events, for which it would depend on which of several best matchings is taken.

    >>> both = Counts(np.array([3, 0]), np.array([1, 2]), np.array([1, 0]), np.array(0))
    >>> both.f1.tolist(), both.precision.tolist(), both.overall.recall.tolist()
    ([0.75, 0.0], [0.75, nan], 0.5)
    """

    true: np.ndarray
    missed: np.ndarray
    false: np.ndarray
    swapped: np.ndarray

    @property
    def reference(self) -> np.ndarray:
        """How much there is, N_ref in sed_eval."""
        return self.true + self.missed

    @property
    def found(self) -> np.ndarray:
        """How much was found, N_sys in sed_eval."""
        return self.true + self.false

    @property
    def precision(self) -> np.ndarray:
        return ratio(self.true, self.found)

    @property
    def recall(self) -> np.ndarray:
        return ratio(self.true, self.reference)

    @property
    def f1(self) -> np.ndarray:
        """2 true / (reference + found): 0 for a label that is there and never found, or found and never there."""
        return ratio(2 * self.true, self.reference + self.found)

    @property
    def overall(self) -> Counts:
        """All labels as one, arrays of shape `()` or `(R,)`: what micro averages are of."""
        return Counts(self.true.sum(axis=-1), self.missed.sum(axis=-1), self.false.sum(axis=-1), self.swapped)

    @staticmethod
    def total(parts: Sequence[Counts], weights: np.ndarray | None = None) -> Counts:
        """The counts of N recordings together.

        Args:
            parts: N counts of C labels, at least one.
            weights: `(R, N)`, how often each recording counts; once if None.

        Returns:
            Counts of shape `(R, C)`; `(C,)` without weights.
        """
        once = np.ones(len(parts)) if weights is None else weights
        names = ("true", "missed", "false", "swapped")
        return Counts(*(once @ np.stack([getattr(p, name) for p in parts]) for name in names))
