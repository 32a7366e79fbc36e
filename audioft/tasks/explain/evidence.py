"""What a method finds in a stretch of sound: how far each cell changes the log-odds of a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """Of one label in one stretch of sound.

    Attributes:
        values: `(T, B)` float64, the share of each cell in `whole - background`, in units of log-odds (natural
            logarithm); what speaks against the label is below 0.
        whole: log-odds of the stretch itself.
        background: log-odds of its background alone.
        passes: how often the stretch went through the model; of gradients a pass forward and back counts as three.
        gap: by how much the sum of what was attributed misses `whole - background`, as a share of it: the check of
            integrated gradients; 0 where the method does not miss.
    """

    values: np.ndarray
    whole: float
    background: float
    passes: int
    gap: float = 0.0

    @property
    def total(self) -> float:
        return self.whole - self.background


LEAST = 0.5  # of log-odds: a gap is a share of this where the sound makes less of a difference


def share(gap: float, total: float) -> float:
    """A gap as a share of the whole difference, or of `LEAST` where that is smaller."""
    return abs(gap) / max(abs(total), LEAST)
