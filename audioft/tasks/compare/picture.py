"""Models' scores over their times as an SVG, with a line through those that none beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audioft.evaluation.intervals import Estimate
from audioft.evaluation.page.elements import escaped, named
from audioft.evaluation.text import fit, number

WIDE, HIGH = 480, 320  # in pixels; it grows by half where there is room
LEFT, RIGHT, TOP, BOTTOM = 40, 20, 24, 44  # kept free for numbers
NAME_COLUMNS = 28
APART = 14.0  # pixels between two names on top of one another


@dataclass(frozen=True)
class Point:
    """A model in the picture.

    Attributes:
        name: what it is called.
        seconds: that a minute of sound takes, above 0.
        score: with its interval.
        front: whether no other model is as good and quicker, or as quick and better.
    """

    name: str
    seconds: float
    score: Estimate
    front: bool


class Axes:
    """Where times, on a logarithmic scale, and scores lie in the picture of at least one point."""

    def __init__(self, points: Sequence[Point]):
        times = [math.log10(p.seconds) for p in points]
        self.first, self.last = math.floor(2 * min(times)) / 2, math.floor(2 * max(times)) / 2 + 0.5
        self.low = max(0.0, math.floor(10 * min(p.score.least for p in points)) / 10)
        self.high = max(min(1.0, math.ceil(10 * max(p.score.most for p in points)) / 10), self.low + 0.1)

    def x(self, seconds: float) -> float:
        """Pixels from the left."""
        return LEFT + (WIDE - LEFT - RIGHT) * (math.log10(seconds) - self.first) / (self.last - self.first)

    def y(self, score: float) -> float:
        """Pixels from the top."""
        return HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * (score - self.low) / (self.high - self.low)

    def grid(self) -> str:
        """Lines with numbers."""
        step = 0.1 if self.high - self.low > 0.35 else 0.05
        levels = [self.low + step * k for k in range(round((self.high - self.low) / step) + 1)]
        marks = [m * 10.0**e for e in range(math.floor(self.first) - 1, math.ceil(self.last) + 1) for m in (1, 2, 5)]
        within = [s for s in marks if self.first - 1e-9 <= math.log10(s) <= self.last + 1e-9]
        return "".join(
            [*(_level(self.y(v), f"{v:.2f}") for v in levels), *(_tick(self.x(s), f"{s:g}") for s in within)]
        )


def picture(points: Sequence[Point], title: str, clock: str) -> str:
    """The picture.

    Args:
        points: the models.
        title: what the score is called.
        clock: the unit of times, as `s of a processor`.
    """
    axes = Axes(points)
    front = sorted((p for p in points if p.front), key=lambda p: p.seconds)
    line = " ".join(f"{axes.x(p.seconds):.1f},{axes.y(p.score.value):.1f}" for p in front)
    told = "; ".join(f"{p.name}: {number(p.score.value)}, {p.seconds:.2g} s" for p in points)
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" style="width:100%;max-width:{1.5 * WIDE:.0f}px" role="img" '
        f'aria-label="{escaped(title)} over {escaped(clock)} a minute of sound: {escaped(told)}">{axes.grid()}'
        f'<polyline points="{line}" style="fill:none;stroke:var(--right);stroke-width:2;stroke-dasharray:5 4"/>'
        f"{''.join(_mark(axes, p) for p in points)}{_names(axes, points)}"
        f'<text x="{WIDE / 2}" y="{HIGH - 8}" text-anchor="middle" font-size="12">'
        f"{escaped(clock)} a minute of sound</text>"
        f'<text x="4" y="12" font-size="12">{escaped(title)}</text></svg>'
    )


def _level(y: float, told: str) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" style="stroke:var(--line)"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" font-size="11">{told}</text>'
    )


def _tick(x: float, told: str) -> str:
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HIGH - BOTTOM}" style="stroke:var(--line)"/>'
        f'<text x="{x:.1f}" y="{HIGH - BOTTOM + 16}" text-anchor="middle" font-size="11">{told}</text>'
    )


def _mark(axes: Axes, point: Point) -> str:
    """A point with its interval: filled where it is of the front."""
    colour = "var(--right)" if point.front else "var(--faint)"
    x, y, top, bottom = axes.x(point.seconds), *map(axes.y, (point.score.value, point.score.most, point.score.least))
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" style="stroke:{colour};stroke-width:1.5"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" '
        f'style="fill:{colour if point.front else "var(--paper)"};stroke:{colour};stroke-width:2"/>'
    )


def _names(axes: Axes, points: Sequence[Point]) -> str:
    """Names beside their points, on the side that has room, none on top of another."""
    told, lowest = [], {"start": -math.inf, "end": -math.inf}
    for point in sorted(points, key=lambda p: -p.score.value):
        x = axes.x(point.seconds)
        anchor = "end" if x > WIDE * 0.6 else "start"
        y = max(axes.y(point.score.value) - 8, lowest[anchor] + APART)
        lowest[anchor] = y
        place = x - 8 if anchor == "end" else x + 8
        name = named(fit(point.name, NAME_COLUMNS, end=True))
        told.append(f'<text x="{place:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12">{name}</text>')
    return "".join(told)
