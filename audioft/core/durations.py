"""Durations as people write them: `90s`, `5m`, `1h30m`, `1:30:00`."""

from __future__ import annotations

import math
import re
from typing import Any

_UNITS = re.compile(r"(?=.)(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_CLOCK = re.compile(r"(?:(\d+):(?=\d\d:))?(\d+):([0-5]\d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
EXPECTED = "expected a duration as 90s, 5m, 2h, 1h30m or 1:30:00 (a number alone is seconds)"


def seconds_of(value: Any) -> float:
    """Seconds of a duration, above 0.

    A number alone is seconds: YAML reads `1:30:00` as one, the seconds in an hour and a half.

    >>> [seconds_of(x) for x in ("90s", "5m", "1h30m", "1.5h", "1:30:00", "2:30", "45", 45)]
    [90.0, 300.0, 5400.0, 5400.0, 5400.0, 150.0, 45.0, 45.0]

    Raises:
        ValueError: it is none.
    """
    text = "" if isinstance(value, bool) else str(value).strip().lower()
    parts = _UNITS.fullmatch(text) or _CLOCK.fullmatch(text)
    if parts is not None:
        hours, minutes, own = (float(x or 0) for x in parts.groups())
        found = 3600 * hours + 60 * minutes + own
    else:
        found = float(text) if _NUMBER.fullmatch(text) else 0.0
    if not 0 < found < math.inf:
        raise ValueError(EXPECTED)
    return found


def spelled(seconds: float) -> str:
    """Whole seconds, at least one, as a duration that `seconds_of` reads.

    >>> spelled(300), spelled(5400), spelled(45.2), spelled(3605)
    ('5m', '1h30m', '45s', '1h5s')
    """
    minutes, own = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (own, "s")) if n)
