"""Which model to take, and what it costs, in a sentence or two.

The one with the highest score is taken, unless a cheaper one has at most 2 points less and is not told from it: then
the cheapest of these. Where the score's lead may be chance, that is said, and how many clips would tell it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audioft.core.wording import counted, of_bytes
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.paired.gaps import FOLDS, Gap
from audioft.tasks.compare.row import Row

TOLERATED = 0.02  # of the score, which a cheaper model may have less if it is not told from the best
ALIKE = 1.1  # times as much that are said to be about as much
POWER = (1.96 + 0.84) / 1.96  # half the interval, times that, is the gap that 80 of 100 draws would tell


@dataclass(frozen=True)
class Choice:
    """Places of models among the rows.

    Attributes:
        taken: the one to take.
        best: the one with the highest score.
        other: what it is compared with: of the others that which comes nearest; where the best is taken and there are
            cheaper ones, the best of these.
    """

    taken: int
    best: int
    other: int


def choose(rows: Sequence[Row], gaps: Sequence[Gap]) -> Choice:
    """Which model to take of at least two, of which every pair was compared."""
    order, price = range(len(rows)), _prices(rows)
    best = max(order, key=lambda i: (rows[i].score.value, -price[i]))
    others = [i for i in order if i != best]
    cheaper = [i for i in others if price[i] * ALIKE < price[best]]
    level = [
        i for i in cheaper if rows[best].score.value - rows[i].score.value <= TOLERATED and not _gap(gaps, best, i).told
    ]
    if level:
        return Choice(min(level, key=lambda i: price[i]), best, best)
    return Choice(best, best, max(cheaper or others, key=lambda i: rows[i].score.value))


def sentence(rows: Sequence[Row], gaps: Sequence[Gap], title: str, clips: int, clock: str) -> str:
    """Which to take, how far it is ahead, and what it costs.

    Args:
        rows, gaps: the models and every pair of them.
        title: what the score is called.
        clips: how many it is of.
        clock: the unit of times.
    """
    chosen = choose(rows, gaps)
    taken, other = rows[chosen.taken], rows[chosen.other]
    gap = _gap(gaps, chosen.taken, chosen.other)
    lead = gap.change if gap.second == chosen.taken else Estimate(-gap.change.value, -gap.change.high, -gap.change.low)
    score = f"Take {taken.short}: {title} {taken.score.value:.3f}"
    pairs = f", corrected for {counted(len(gaps), 'comparison')}" if len(gaps) > 1 else ""
    p = f"p {chance(gap.corrected)}{pairs}"
    if abs(lead.value) < 5e-4:
        said = f"{score}, as {other.short}; nothing tells the two apart ({p})"
    elif lead.value < 0:
        said = f"{score}, {_points(lead, -1)} below {other.short}, which may be chance ({p})"
    elif gap.told:
        said = f"{score}, {_points(lead, 1)} above {other.short}, more than chance makes ({p})"
    else:
        said = f"{score}, {_points(lead, 1)} above {other.short}, which may be chance ({p})"
        needed = None if gap.test == FOLDS else _needed(clips, lead)
        said += "" if needed is None else f": about {needed} clips like these would tell"
    return f"{said}. {_costs(taken, other, clock)}"


def misled(names: Sequence[str]) -> str:
    """What is said in place of it where models were trained on some of the clips.

    >>> print(misled(["runs/a"]))
    Which to take cannot be told: runs/a was trained on some of these clips. Compare on recordings that are new to all \
models; --side test takes those that all of them were tested on.
    """
    were = "was" if len(names) == 1 else "were"
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return (
        f"Which to take cannot be told: {listed} {were} trained on some of these clips. Compare on "
        "recordings that are new to all models; --side test takes those that all of them were tested on."
    )


def _gap(gaps: Sequence[Gap], one: int, other: int) -> Gap:
    return next(g for g in gaps if {g.first, g.second} == {one, other})


def _costs(taken: Row, other: Row, clock: str) -> str:
    own, theirs = taken.cost, other.cost
    parts = []
    if own.seconds_per_minute is not None:
        unit = "a processor" if "processor" in clock else "a GPU"
        parts.append(f"{spell(own.seconds_per_minute)} s of {unit} a minute of sound")
    if own.peak_bytes is not None:
        parts.append(f"{of_bytes(own.peak_bytes)} of memory")
    parts.append(f"{of_bytes(own.size_bytes)} on disk")
    told = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    times = _times(own.seconds_per_minute, theirs.seconds_per_minute)
    more = times or _times(own.size_bytes, theirs.size_bytes)
    what = "time" if times else "size"
    return f"It costs {told}{f', {more} the {what} of {other.short}' if more else ''}."


def _times(own: float | None, other: float | None) -> str:
    """How many times as much.

    >>> _times(14.0, 1.0), _times(1.0, 14.0), _times(1.0, 1.05), _times(None, 1.0)
    ('14 times', '1/14 of', 'about', '')
    """
    if not own or not other:
        return ""
    share = own / other
    if 1 / ALIKE < share < ALIKE:
        return "about"
    times = max(share, 1 / share)
    spelt = f"{times:.0f}" if times >= 9.95 else f"{times:.1f}"
    return f"{spelt} times" if share > 1 else f"1/{spelt} of"


def _prices(rows: Sequence[Row]) -> list[float]:
    """What models are ordered by: time where every one has it, else size."""
    times = [r.cost.seconds_per_minute for r in rows]
    return [t for t in times if t is not None] if None not in times else [float(r.cost.size_bytes) for r in rows]


def _needed(clips: int, lead: Estimate) -> int | None:
    """How many clips would tell such a lead in 80 of 100 draws; rounded up to two digits, None where it is too many."""
    half = (lead.high - lead.low) / 2
    if not math.isfinite(half) or lead.value <= 0:
        return None
    needed = clips * (POWER * half / lead.value) ** 2
    if needed > 1e6:
        return None
    step = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return math.ceil(needed / step) * step


def _points(lead: Estimate, sign: int) -> str:
    bounds = within(Estimate(sign * lead.value, *sorted((sign * lead.low, sign * lead.high))))
    return f"{abs(100 * lead.value):.1f} points{f' ({bounds})' if bounds else ''}"


def within(change: Estimate) -> str:
    """An interval in points; empty where there is none.

    >>> within(Estimate(0.05, -0.012, 0.112))
    '-1.2 to +11.2'
    """
    return f"{100 * change.low:+.1f} to {100 * change.high:+.1f}" if math.isfinite(change.low) else ""


def chance(p: float) -> str:
    """A p-value with two digits.

    >>> chance(0.0312), chance(1e-9), chance(1.0), chance(float("nan"))
    ('0.031', '< 0.0001', '1', '–')
    """
    if not math.isfinite(p):
        return "–"
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def spell(seconds: float | None) -> str:
    """Seconds with two digits or so.

    >>> spell(12.31), spell(0.0412), spell(None)
    ('12', '0.041', '–')
    """
    return "–" if seconds is None else f"{seconds:.0f}" if seconds >= 9.95 else f"{seconds:.2g}"
