"""A comparison as one page that needs no network: the sentence, score against time, the models and every pair."""

from __future__ import annotations

from pathlib import Path

from audioft.core.storage import write_bytes
from audioft.core.wording import of_bytes
from audioft.evaluation.page.elements import bar, escaped, flat, named, raw_table, section, table, tile
from audioft.evaluation.page.style import document
from audioft.evaluation.text import number
from audioft.tasks.compare import choice
from audioft.tasks.compare.comparison import Comparison
from audioft.tasks.compare.picture import Point, picture


def write(path: Path, found: Comparison) -> None:
    """Write the page."""
    write_bytes(path, as_html(found).encode("utf-8", "replace"))


def as_html(found: Comparison) -> str:
    """The page that `write` writes."""
    title = escaped(f"audioft: {len(found.rows)} models on {found.about.get('data', 'the same clips')}")
    notes = "".join(f"<li>{escaped(n)}</li>" for n in found.further)
    head = f"<h1>{title}</h1>\n{_said(found)}{_tiles(found)}" + (f"<ul>{notes}</ul>\n" if notes else "")
    parts = {
        "picture": section("Score against time", _picture(found), wide=True, name="picture") if found.front() else "",
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


def _picture(found: Comparison) -> str:
    front = found.front()
    points = [
        Point(r.short, r.cost.seconds_per_minute, r.score, i in front)
        for i, r in enumerate(found.rows)
        if r.cost.seconds_per_minute
    ]
    return (
        f"{picture(points, found.title, str(found.about.get('clock', 's')))}"
        "<p>Each model with its 95 % interval. The dashed line joins those than which no other is as good and quicker, "
        "or as quick and better.</p>"
    )


def _models(found: Comparison) -> str:
    head, *rows = found.table()
    shown = []
    for r, (name, value, *rest) in zip(found.rows, rows, strict=True):
        told = named(name[2:])
        taken = name.startswith("*")
        shown.append(("", [f"<b>{told}</b>" if taken else told, bar(r.score.value) + value, *map(escaped, rest)]))
    said = "The bold one is to take. " if found.best else ""
    said += "Log loss, ECE and Brier score tell how far probabilities can be taken at their word; less is better."
    return raw_table([(h, i > 0) for i, h in enumerate(head)], shown) + f"<p>{said}</p>"


def _pairs(found: Comparison) -> str:
    head, *rows = found.pairs()
    shown = [
        ("", [f"<b>{named(r[0][2:])}</b>" if r[0].startswith("*") else named(r[0][2:]), *map(escaped, r[1:])])
        for r in rows
    ]
    told = "<p>Bold is beyond chance: below 0.05 after correction for how many pairs there are.</p>"
    return raw_table([(h, i not in (0, 7)) for i, h in enumerate(head)], shown, tall=len(rows) > 20) + told
