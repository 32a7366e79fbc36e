"""Range checks on settings: each returns what is wrong, as sentences that begin with the setting's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from audioft.errors import ConfigError

Range = tuple[float, float]


def within(name: str, value: float, low: float, high: float) -> list[str]:
    """A problem unless `low <= value <= high`; NaN is never within.

    >>> within("p", 1.3, 0, 1)
    ['p: 1.3 is not between 0 and 1']
    """
    return [] if low <= value <= high else [f"{name}: {value:g} is not between {low:g} and {high:g}"]


def ordered(lower: str, upper: str, settings: Mapping[str, Any]) -> list[str]:
    """A problem if one setting is greater than another.

    >>> ordered("min_db", "max_db", {"min_db": 6.0, "max_db": -6.0})
    ['min_db: 6 is greater than max_db, which is -6']
    """
    low, high = settings[lower], settings[upper]
    return [f"{lower}: {low:g} is greater than {upper}, which is {high:g}"] if low > high else []


@dataclasses.dataclass
class Ranged:
    """Settings with a probability, each checked when one is made.

    A child is a dataclass whose fields are its settings. It names itself in `name` and tells their ranges in `limits`;
    what is more to check it adds in `validate`.

    Args:
        p: how likely a clip is changed, in [0, 1].

    Raises:
        ConfigError: a setting is out of its range; all of them are listed.
    """

    name: ClassVar[str]
    limits: ClassVar[Mapping[str | tuple[str, str], Range]] = {}
    """The least and the greatest value of a setting, or of two that bound what is drawn, the lower one first."""
    p: float = 0.5

    def __post_init__(self) -> None:
        problems = self.validate(**dataclasses.asdict(self))
        if problems:
            raise ConfigError([f"{self.name}.{problem}" for problem in problems])

    @classmethod
    def validate(cls, **settings: Any) -> list[str]:
        """What is wrong with the ranges of all settings, given by name."""
        found = within("p", settings["p"], 0, 1)
        for key, limits in cls.limits.items():
            names = (key,) if isinstance(key, str) else key
            outside = [problem for name in names for problem in within(name, settings[name], *limits)]
            # what is wrong by itself is not told a second time
            found += outside or (ordered(*names, settings) if len(names) == 2 else [])
        return found
