"""What stands before figures that are of too little to say anything, for whoever knows no statistics."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from audioft.evaluation.intervals import Estimate

FEW_UNITS = 10  # clips, groups, recordings or speakers, below which figures say next to nothing
FEW_CLIPS = 3  # of a label, likewise


def plainly(value: float) -> str:
    """A figure with two decimals, but 0 and 1, which are what they are.

    >>> plainly(1.0), plainly(0.3976), plainly(0.998)
    ('1', '0.40', '1.00')
    """
    return f"{value:g}" if value in (0, 1) else f"{value:.2f}"


def caution(
    title: str,
    figure: Estimate,
    tested: str,
    units: int,
    unit: str,
    support: Sequence[int] = (),
    shown: Callable[[float], str] = plainly,
) -> str:
    """Three sentences: that it is too little, what the figure may be, what to do. Empty where there is enough.

    Args:
        title: what the figure is called.
        figure: the one to look at first.
        tested: how much was tested, in words.
        units: how many clips, groups, recordings or speakers that is.
        unit: which of them, in the singular.
        support: of each label that has any, how many clips. They are too few if most labels have so few.
        shown: how a figure is written.

    >>> print(caution("accuracy", Estimate(1.0, 0.398, 1.0), "4 clips", 4, "clip", [2, 2]))
    Too few clips to say much: 2 of each label. On other recordings of this kind the accuracy may be anything from \
0.40 to 1. Test on more, at least 10 of each label, before you rely on these figures.
    """
    ordered = sorted(support)
    rare = bool(ordered) and ordered[len(ordered) // 2] < FEW_CLIPS
    if units >= FEW_UNITS and not rare:
        return ""
    if rare and (unit == "clip" or units >= FEW_UNITS):
        least, most = ordered[0], ordered[-1]
        unit, tested = "clip", f"{least} of each label" if least == most else f"{least} to {most} of a label"
    more = f"at least {FEW_UNITS} of each label" if unit == "clip" else f"at least {FEW_UNITS} {unit}s"
    said = [f"Too few {unit}s to say much: {tested}."]
    if math.isfinite(figure.low):
        low, high = shown(figure.low), shown(figure.high)
        others = "On other recordings of this kind" if unit in ("clip", "recording") else f"With other {unit}s"
        said.append(f"{others} the {title} may be anything from {low} to {high}.")
    elif units == 1:
        said.append(f"Nothing is known of other {unit}s, so there are no intervals.")
    return " ".join([*said, f"Test on more, {more}, before you rely on these figures."])


def in_lines(said: str) -> str:
    """A sentence a line.

    >>> print(in_lines("Too few clips to say much: 2 clips. The accuracy may be 0.16 to 1. Test on more."))
    Too few clips to say much: 2 clips.
    The accuracy may be 0.16 to 1.
    Test on more.
    """
    return re.sub(r"\. (?=[A-Z])", ".\n", said)
