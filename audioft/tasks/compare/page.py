"""A comparison as one page that needs no network: the sentence, score against time, the models and every pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from audioft.core.storage import write_bytes
from audioft.core.wording import of_bytes
from audioft.evaluation.page.elements import bar, escaped, flat, named, raw_table, section, table, tile
from audioft.evaluation.page.style import document
from audioft.evaluation.text import number
from audioft.tasks.compare import choice
from audioft.tasks.compare.comparison import Comparison

WIDE, HIGH = 480, 320  # of the picture, in pixels; it grows by half where there is room
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 24, 44  # kept free for numbers
LABEL = 32  # columns for the name of a model in the picture


def write(path: Path, found: Comparison) -> None:
    """Write the page."""
    write_bytes(path, as_html(found).encode("utf-8", "replace"))


def as_html(found: Comparison) -> str:
    """The page that `write` writes."""
    title = escaped(f"audioft: {len(found.rows)} models on {found.about.get('data', 'the same clips')}")
    notes = "".join(f"<li>{escaped(n)}</li>" for n in found.further)
    head = f"<h1>{title}</h1>\n{_said(found)}{_tiles(found)}" + (f"<ul>{notes}</ul>\n" if notes else "")
    parts = {
        "picture": section("Score against time", picture(found), wide=True, name="picture") if found.front() else "",
        "models": section("Models", _models(found), wide=True, name="models"),
        "pairs": section("Two by two", _pairs(found), wide=True, name="pairs"),
        "about": section("About this comparison", table(["", ""], list(map(list, flat(found.about)))), name="about"),
    }
    links = "".join(f'<a href="#{name}">{name}</a> ' for name, part in parts.items() if part)
    return document(title, f'{head}<nav aria-label="parts of this page">{links}</nav>\n', "".join(parts.values()))


def _said(found: Comparison) -> str:
    caution = f'<p class="caution">{escaped(found.foremost)}</p>\n' if found.foremost else ""
    return f'{caution}<p class="said">{escaped(found.sentence)}</p>\n<p>{escaped(found.measured)}</p>\n'


def _tiles(found: Comparison) -> str:
    best = found.best
    if best is None:
        return ""
    told = [tile(escaped(found.title), number(best.score.value), f"{named(best.short)}<br>{best.score.bounds}", True)]
    if best.cost.seconds_per_minute is not None:
        told.append(tile("time", f"{choice.spell(best.cost.seconds_per_minute)} s", "a minute of sound"))
    if best.cost.peak_bytes is not None:
        told.append(tile("memory", of_bytes(best.cost.peak_bytes), "at most"))
    told.append(tile("on disk", of_bytes(best.cost.size_bytes), f"{best.cost.parameters:,} parameters"))
    return f'<div class="tiles">{"".join(told)}</div>\n'


def picture(found: Comparison) -> str:
    """An SVG: each model's score with its interval over its time, and a line through the Pareto front."""
    timed = [(i, r, r.cost.seconds_per_minute) for i, r in enumerate(found.rows) if r.cost.seconds_per_minute]
    times = [t for _, _, t in timed]
    first, last = math.floor(math.log10(min(times)) * 2) / 2, math.ceil(math.log10(max(times)) * 2 + 1e-9) / 2
    last = max(last, first + 0.5)
    low = max(0.0, math.floor(10 * min(r.score.least for _, r, _ in timed)) / 10)
    high = min(1.0, math.ceil(10 * max(r.score.most for _, r, _ in timed)) / 10)
    high = high if high > low else low + 0.1

    def x(seconds: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * (math.log10(seconds) - first) / (last - first)

    def y(score: float) -> float:
        return HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * (score - low) / (high - low)

    step = 0.1 if high - low > 0.35 else 0.05
    levels = [low + step * k for k in range(round((high - low) / step) + 1)]
    grid = [_level(y(v), f"{v:.2f}") for v in levels]
    marks = [m * 10.0**e for e in range(math.floor(first) - 1, math.ceil(last) + 1) for m in (1, 2, 5)]
    grid += [_tick(x(s), f"{s:g}") for s in marks if first - 1e-9 <= math.log10(s) <= last + 1e-9]
    front = sorted(found.front(), key=lambda i: found.rows[i].cost.seconds_per_minute or 0.0)
    line = " ".join(f"{x(t):.1f},{y(r.score.value):.1f}" for k in front for i, r, t in timed if i == k)
    points = [
        _point(x(t), [y(v) for v in (r.score.value, r.score.most, r.score.least)], r.short, i in front)
        for i, r, t in timed
    ]
    told = "; ".join(f"{r.short}: {number(r.score.value)}, {choice.spell(t)} s" for _, r, t in timed)
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" style="width:100%;max-width:{1.5 * WIDE:.0f}px" role="img" '
        f'aria-label="{escaped(found.title)} over seconds a minute of sound: {escaped(told)}">{"".join(grid)}'
        f'<polyline points="{line}" style="fill:none;stroke:var(--right);stroke-width:2;stroke-dasharray:5 4"/>'
        f"{''.join(points)}"
        f'<text x="{WIDE / 2}" y="{HIGH - 8}" text-anchor="middle" font-size="12">'
        f"{escaped(found.about.get('clock', 's'))} a minute of sound</text>"
        f'<text x="4" y="12" font-size="12">{escaped(found.title)}</text></svg>'
        "<p>Each model with its 95 % interval. The dashed line joins those than which no other is as good and quicker, "
        "or as quick and better.</p>"
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


def _point(x: float, heights: Sequence[float], name: str, front: bool) -> str:
    """A model: filled where it is of the front; its name on the side that has room."""
    y, top, bottom = heights
    colour = "var(--right)" if front else "var(--faint)"
    to_the_left = x > WIDE * 0.6
    place, anchor = (x - 6, "end") if to_the_left else (x + 6, "start")
    fill = colour if front else "var(--paper)"
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" style="stroke:{colour};stroke-width:1.5"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" style="fill:{fill};stroke:{colour};stroke-width:2"/>'
        f'<text x="{place:.1f}" y="{y - 8:.1f}" text-anchor="{anchor}" font-size="12">{named(name[-LABEL:])}</text>'
    )


def _models(found: Comparison) -> str:
    head, *rows = found.table()
    shown = []
    for r, (name, value, *rest) in zip(found.rows, rows, strict=True):
        told = named(name[2:])
        taken = name.startswith("*")
        shown.append(("", [f"<b>{told}</b>" if taken else told, bar(r.score.value) + value, *map(escaped, rest)]))
    said = (
        "<p>The bold one is to take. Of log loss, ECE and Brier score, which tell how far probabilities can be taken "
    )
    return raw_table([(h, i > 0) for i, h in enumerate(head)], shown) + f"{said}at their word, less is better.</p>"


def _pairs(found: Comparison) -> str:
    head, *rows = found.pairs()
    shown = [
        ("", [f"<b>{named(r[0][2:])}</b>" if r[0].startswith("*") else named(r[0][2:]), *map(escaped, r[1:])])
        for r in rows
    ]
    told = "<p>Bold is beyond chance: below 0.05 after correction for how many pairs there are.</p>"
    return raw_table([(h, i not in (0, 7)) for i, h in enumerate(head)], shown, tall=len(rows) > 20) + told
