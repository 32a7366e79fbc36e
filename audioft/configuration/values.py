"""Settings that are `auto` or a number: what they may be, as fields of a section."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator

from audioft.core import durations

AUTO: Any = "auto"  # what fits the run, see `assembly.recipe`
REFINED = "refined_loss"  # of predictions, see `predictions.refined_loss`
LOSSES = ("loss", REFINED)  # figures of a validation besides the metrics


def _number(value: Any, fits: Callable[[float], bool], expected: str) -> float:
    """The number, also of text: `1e-4` is text in YAML."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and fits(number)):
        raise ValueError(f"expected {expected}")
    return number


def _rate(value: Any) -> float:
    return _number(value, lambda x: x > 0, "auto or a number above 0")


def _share(value: Any) -> float:
    return _number(value, lambda x: 0 <= x < 1, "auto, null or a number from 0 to below 1")


def _count(value: Any) -> int:
    return int(_number(value, lambda x: x >= 1 and x % 1 == 0, "auto or a whole number above 0"))


def _patience(value: Any) -> int:
    return int(_number(value, lambda x: x >= 0 and x % 1 == 0, "auto or a whole number from 0 on"))


def _layer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("expected auto, last, weighted or the number of a layer, from 0 on")
    return value


def _duration(value: Any) -> str:
    return durations.spelled(durations.seconds_of(value))


def _fold(value: Any) -> str:
    number, _, count = str(value).partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count) >= 2):
        raise ValueError("expected null, or NUMBER/COUNT as 2/5, the second of five folds")
    return f"{int(number)}/{int(count)}"


def _besides(check: Callable[[Any], Any], *named: Any) -> BeforeValidator:
    """A check of all values but some."""
    return BeforeValidator(lambda value: value if any(value is n or value == n for n in named) else check(value))


if TYPE_CHECKING:  # what computes sees a number, once `assembly.recipe` has been there
    Rate: TypeAlias = float
    OptionalRate: TypeAlias = float | None
    OptionalShare: TypeAlias = float | None
    Count: TypeAlias = int
    Patience: TypeAlias = int
    Layers: TypeAlias = str | int
    Duration: TypeAlias = str | None
    Fold: TypeAlias = str | None
else:
    Rate = Annotated[Literal["auto"] | float, _besides(_rate, AUTO)]
    OptionalRate = Annotated[Literal["auto"] | float | None, _besides(_rate, AUTO, None)]
    OptionalShare = Annotated[Literal["auto"] | float | None, _besides(_share, AUTO, None)]
    Count = Annotated[Literal["auto"] | int, _besides(_count, AUTO)]
    Patience = Annotated[Literal["auto"] | int, _besides(_patience, AUTO)]
    Layers = Annotated[Literal["auto", "last", "weighted"] | int, _besides(_layer, AUTO, "last", "weighted")]
    Duration = Annotated[str | None, _besides(_duration, None)]
    Fold = Annotated[str | None, _besides(_fold, None)]
