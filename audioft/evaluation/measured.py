"""What pages, pictures and sentences ask of a report, so that a report can ask them in turn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from audioft.evaluation.intervals import Estimate
from audioft.evaluation.slices.found import Slices


class Measured(Protocol):
    """The face of `Report`; what its attributes mean is told there."""

    @property
    def side(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def multilabel(self) -> bool: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def main(self) -> str: ...
    @property
    def metrics(self) -> Mapping[str, Estimate]: ...
    @property
    def figures(self) -> Mapping[str, float]: ...
    @property
    def classes(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def confusion(self) -> Sequence[Sequence[int]] | None: ...
    @property
    def clips(self) -> int: ...
    @property
    def counted(self) -> str: ...
    @property
    def measured(self) -> str: ...
    @property
    def caution(self) -> str: ...
    @property
    def foremost(self) -> str: ...
    @property
    def further(self) -> Sequence[str]: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def slices(self) -> Slices | None: ...
    def confused(self) -> list[tuple[str, str, int, int]]: ...


def f1(row: Mapping[str, Any]) -> float:
    """The F1 of a row of `Report.classes`; nan of a label that nothing had, which is neither found nor missed."""
    return row["f1"] if row["support"] else math.nan


def recall(row: Mapping[str, Any]) -> Estimate:
    """The recall of a row of `Report.classes`, with its interval if it has one."""
    value = row["recall"] if row["support"] else math.nan
    return Estimate(value, row.get("recall_low", math.nan), row.get("recall_high", math.nan))
