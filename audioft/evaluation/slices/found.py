"""What is said of slices, as plain values that a report keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEVEL = 0.05  # chance of any false alarm in a report


@dataclass(frozen=True)
class Slice:
    """A part of the clips, and how it fares beside the others.

    Attributes:
        name: what it is called, as `site=B, device=phone`.
        kind: `column`, `crossing`, or `discovered` where nobody named it.
        clips: how many clips it has.
        groups: in how many groups.
        value: its figure, with the 95 % interval `low` to `high`; a bound is nan where there is none.
        rest: the figure of all other clips.
        gap: `value` less `rest`.
        p: how often chance alone makes such a gap; nan where it was not tested.
        corrected: the same, corrected for all tests of the report (Holm).
        least_gap: the smallest gap that would be told of so few clips, 80 times of 100; nan where none would.
        needed: about how many clips of this slice, and as many times the others, it takes to tell the gap that there
            is; None where it is told, or where there is none to speak of.
        examples: of a discovered slice some of its clips.
    """

    name: str
    kind: str
    clips: int
    groups: int
    value: float
    low: float
    high: float
    rest: float
    gap: float
    p: float
    corrected: float
    least_gap: float
    needed: int | None = None
    examples: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether it fares otherwise than the rest by more than chance."""
        return self.corrected <= LEVEL

    @property
    def tested(self) -> bool:
        return math.isfinite(self.p)


@dataclass(frozen=True)
class Fairness:
    """Two groups compared label by label, by fairlearn: the largest difference of all labels.

    Attributes:
        column: which column has exactly these two `values`.
        values: the groups.
        figures: `equalized_odds_difference`, `equal_opportunity_difference` and `demographic_parity_difference`,
            0 where the groups fare alike.
        labels: of each figure the label that it is of.
        chance: of each figure what it stays below 95 times of 100 where the groups do not differ.
    """

    column: str
    values: tuple[str, str]
    figures: Mapping[str, float]
    labels: Mapping[str, str]
    chance: Mapping[str, float]


@dataclass(frozen=True)
class Slices:
    """What a report says of parts of its clips.

    Attributes:
        metric: which figure they are compared by: `accuracy`, `f1_micro`, of events `segment_f1`.
        rows: the slices, those first that are told to be worse, then by their gaps.
        tests: how many tests the p-values are corrected for.
        fairness: columns with two values.
        notes: what makes no slices, and why.
    """

    metric: str
    rows: tuple[Slice, ...]
    tests: int
    fairness: tuple[Fairness, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def worst(self) -> Slice | None:
        """The slice that fares worst of those that are told to be worse than the rest."""
        worse = [row for row in self.rows if row.told and row.gap < 0]
        return min(worse, key=lambda row: row.gap) if worse else None

    def __getitem__(self, name: str) -> Slice:
        """The slice of this name."""
        return next(row for row in self.rows if row.name == name)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Slices:
        """From what JSON holds of it."""
        rows = tuple(Slice(**_numbers(row) | {"examples": tuple(row["examples"])}) for row in data["rows"])
        fair = tuple(Fairness(**one | {"values": tuple(one["values"])}) for one in data["fairness"])
        return cls(data["metric"], rows, data["tests"], fair, tuple(data["notes"]))


_FIGURES = ("value", "low", "high", "rest", "gap", "p", "corrected", "least_gap")


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: math.nan if v is None and k in _FIGURES else v for k, v in row.items()}
