"""Pictures of a search, each a piece of SVG in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from audioft.configuration import config as configs
from audioft.evaluation.page.elements import escaped
from audioft.tasks.search.ledger import Entry
from audioft.tasks.search.objectives import Objectives
from audioft.tasks.search.space import Dimension

WIDE, HIGH, LEFT, EDGE = 560, 220, 56, 24  # pixels; LEFT and EDGE are kept free for numbers
SMALL = (260, 150)
MOST_VALUES = 8  # of a choice, that are written out


class Scale:
    """From values of a setting to a share, 0 to 1, of an axis.

    Args:
        values: all that occur.
        log: whether equal ratios are equally far apart.
    """

    def __init__(self, values: Sequence[Any], log: bool = False, choice: Sequence[Any] | None = None):
        self.choice = None if choice is None else [configs.spell(v) for v in choice]
        self.log = log
        if self.choice is None:
            found = [self._number(v) for v in values if self._finite(v)] or [0.0]
            self.low, self.high = min(found), max(found)

    def at(self, value: Any) -> float:
        """The share; half-way where all values are one."""
        if self.choice is not None:
            return (self.choice.index(configs.spell(value)) + 0.5) / len(self.choice)
        wide = self.high - self.low
        return 0.5 if wide <= 0 else (self._number(value) - self.low) / wide

    def ends(self) -> list[tuple[float, str]]:
        """What stands at the axis: shares and texts."""
        if self.choice is not None:
            return [((i + 0.5) / len(self.choice), _short(c)) for i, c in enumerate(self.choice[:MOST_VALUES])]
        low, high = (math.exp(x) if self.log else x for x in (self.low, self.high))
        if high <= low:
            return [(0.5, f"{low:.3g}")]
        digits = next((n for n in range(3, 9) if f"{low:.{n}g}" != f"{high:.{n}g}"), 9)
        return [(0.0, f"{low:.{digits}g}"), (1.0, f"{high:.{digits}g}")]

    def _number(self, value: Any) -> float:
        return math.log(value) if self.log else float(value)

    def _finite(self, value: Any) -> bool:
        return isinstance(value, int | float) and math.isfinite(value) and (value > 0 or not self.log)


def history(trials: Sequence[Entry], objectives: Objectives) -> str:
    """The score of each complete trial in their order, and the best so far."""
    done = _done(trials)
    scale, last = _scores(done, objectives), max(1, max(e.number for e in trials))
    dots, steps, best = [], [], math.inf
    sign = -1.0 if objectives.higher else 1.0
    for e in done:
        x, y = LEFT + (WIDE - LEFT - EDGE) * e.number / last, _down(scale.at(e.values[0]), HIGH)
        dots.append(_dot(x, y, e, objectives))
        if sign * e.values[0] < best:
            best = sign * e.values[0]
            steps.append((x, y))
    level = [f"{x:.1f},{(steps[i - 1][1] if i else y):.1f} {x:.1f},{y:.1f}" for i, (x, y) in enumerate(steps)]
    level.append(f"{WIDE - EDGE},{steps[-1][1]:.1f}")
    line = f'<polyline points="{" ".join(level)}" style="fill:none;stroke:var(--right);stroke-width:1.5"/>'
    names = [(0.0, "0"), (1.0, str(last))]
    body = line + "".join(dots) + _across(names, WIDE, HIGH) + _up(scale.ends(), HIGH)
    return _svg(body, WIDE, HIGH, f"{objectives.figure} of each trial and the best so far")


def slices(trials: Sequence[Entry], dimension: Dimension, objectives: Objectives) -> str:
    """The score against one setting."""
    done = [e for e in _done(trials) if dimension.key in e.settings]
    if not done:
        return ""
    wide, high = SMALL
    across, scale = scale_of(dimension, done), _scores(_done(trials), objectives)
    dots = [
        _dot(
            LEFT + (wide - LEFT - EDGE) * across.at(e.settings[dimension.key]),
            _down(scale.at(e.values[0]), high),
            e,
            objectives,
        )
        for e in done
    ]
    body = "".join(dots) + _across(across.ends(), wide, high) + _up(scale.ends(), high)
    return _svg(body, wide, high, f"{objectives.figure} against {dimension.key}")


def parallel(trials: Sequence[Entry], dimensions: Sequence[Dimension], objectives: Objectives) -> str:
    """A line a trial over all settings, the better the stronger; what it does not have it passes in the middle."""
    done = _done(trials)
    own = [d for d in dimensions if any(d.key in e.settings for e in done)]
    if not own or len(done) < 2:
        return ""
    wide, high = max(WIDE, 130 * (len(own) + 1)), HIGH + 40
    scales = [scale_of(d, [e for e in done if d.key in e.settings]) for d in own]
    score = _scores(done, objectives)
    places = [EDGE + 40 + (wide - 2 * EDGE - 80) * i / len(own) for i in range(len(own) + 1)]
    order = sorted(done, key=lambda e: e.values[0], reverse=not objectives.higher)  # the best are drawn last
    lines = []
    for rank, e in enumerate(order):
        ys = [s.at(e.settings[d.key]) if d.key in e.settings else 0.5 for d, s in zip(own, scales, strict=True)]
        ys.append(score.at(e.values[0]))
        points = " ".join(f"{x:.1f},{_down(y, high - 20):.1f}" for x, y in zip(places, ys, strict=True))
        share = (rank + 1) / len(order)
        lines.append(
            f'<polyline points="{points}" style="fill:none;stroke:var(--right);stroke-width:1.5;'
            f'opacity:{0.08 + 0.8 * share**3:.2f}"><title>{escaped(_told(e, objectives))}</title></polyline>'
        )
    axes = []
    for x, name, scale in zip(places, [*(d.key for d in own), objectives.figure], [*scales, score], strict=True):
        axes.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{EDGE}" y2="{high - 20 - EDGE}" style="stroke:var(--faint)"/>'
        )
        axes.append(_text(x, high - 6, name, "middle"))
        axes += [_text(x + 4, _down(y, high - 20) + 3, text, "start") for y, text in scale.ends()]
    return _svg("".join([*lines, *axes]), wide, high, "all trials over all settings", least=wide)


def scale_of(dimension: Dimension, trials: Sequence[Entry]) -> Scale:
    """The axis of a setting."""
    if dimension.form == "choice":
        return Scale([], choice=dimension.values)
    return Scale([e.settings[dimension.key] for e in trials], log=dimension.form.startswith("log"))


def _done(trials: Sequence[Entry]) -> list[Entry]:
    return [e for e in trials if e.state == "complete" and math.isfinite(e.values[0])]


def _scores(done: Sequence[Entry], objectives: Objectives) -> Scale:
    """The axis of the score, without what lies so far off that the others could not be told apart."""
    values = sorted((e.values[0] for e in done), reverse=objectives.higher)
    return Scale(values[: max(3, math.ceil(0.9 * len(values)))])


def _down(share: float, high: float) -> float:
    return high - EDGE - (high - 2 * EDGE) * min(1.04, max(-0.04, share))


def _dot(x: float, y: float, e: Entry, objectives: Objectives) -> str:
    shown = f"<title>{escaped(_told(e, objectives))}</title>"
    first = "stroke:var(--ink);stroke-width:1.5;" if e.number == 0 else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" style="fill:var(--right);{first}opacity:0.75">{shown}</circle>'


def _told(e: Entry, objectives: Objectives) -> str:
    own = " ".join(f"{k}={configs.spell(v)}" for k, v in e.settings.items()) or "as the search began"
    return f"trial {e.number}: {objectives.figure} {e.values[0]:.4f}, {own}"


def _across(names: Sequence[tuple[float, str]], wide: float, high: float) -> str:
    room = wide - LEFT - EDGE
    return "".join(_text(LEFT + room * x, high - 6, text, "middle") for x, text in names)


def _up(names: Sequence[tuple[float, str]], high: float) -> str:
    return "".join(_text(LEFT - 6, _down(y, high) + 3, text, "end") for y, text in names)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="9">{escaped(text)}</text>'


def _short(text: str) -> str:
    return text if len(text) <= 16 else text[:15] + "…"


def _svg(body: str, wide: float, high: float, name: str, least: float = 0) -> str:
    size = f"width:100%;max-width:{wide}px;min-width:{least:g}px" if least else f"width:100%;max-width:{wide}px"
    return f'<svg viewBox="0 0 {wide} {high}" style="{size}" role="img" aria-label="{escaped(name)}">{body}</svg>'
