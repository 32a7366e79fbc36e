"""Which of a manifest's clips train, validate and test."""

from __future__ import annotations

import dataclasses

import numpy as np

SIDES = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """Indices into a manifest's clips, each sorted, no clip on two sides; and what the user should know."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    notes: tuple[str, ...] = ()

    def sides(self, clips: int) -> list[str]:
        """The side of each of `clips` clips, `""` for a clip on none."""
        names = [""] * clips
        for side in SIDES:
            for i in getattr(self, side):
                names[i] = side
        return names
