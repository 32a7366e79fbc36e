"""What is said where a recording holds less than its header, or a table, says."""

from __future__ import annotations

import math
from pathlib import Path

from audioft.errors import AudioError

#: A table's times are often rounded to hundredths: an `end` this far past the recording's end still is its
#: end.
END_TOLERANCE = 0.01
#: Of what a header promises, in seconds or as a share, whichever is more: recorders write sizes that are a little off.
SLACK = 0.05, 0.001


def forgiven(missing: int, promised: int, rate: int) -> bool:
    """Whether so many frames less than promised are no damage.

    >>> forgiven(22, 80000, 16000), forgiven(16000, 80000, 16000)
    (True, False)
    """
    return missing < max(SLACK[0] * rate, SLACK[1] * promised)


def within(
    path: str | Path, start: float, end: float | None, first: int, last: int | None, frames: int, rate: int
) -> None:
    """Complain where the cut from `start` to `end` seconds, samples `first` to `last`, leaves the recording."""
    total = frames / rate
    if first >= frames:
        raise AudioError(path, "check", f"the clip starts at {start:g} s, the recording ends at {total:.2f} s")
    if last is not None and last - frames > END_TOLERANCE * rate:
        raise AudioError(path, "check", f"the clip ends at {end:g} s, the recording already at {total:.2f} s")


def cut_short(path: str | Path, promised: float, arrived: float, failure: str = "") -> AudioError:
    """The complaint that fewer seconds arrived than the header promises (NaN where it promises nothing)."""
    promise = "only" if math.isnan(promised) else f"the header promises {promised:.2f} s, only"
    told = f" ({failure})" if failure else ""
    return AudioError(
        path, "decode", f"{promise} {arrived:.2f} s could be decoded: the file is truncated or damaged{told}"
    )
