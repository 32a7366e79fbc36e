"""A search as one page that needs no network: what came of it, how it went, which settings mattered, all trials."""

from __future__ import annotations

import math
from collections.abc import Mapping

from audioft.evaluation.page.elements import bar, escaped, raw_table, section, tile
from audioft.evaluation.page.style import document
from audioft.evaluation.text import number
from audioft.tasks.search import pictures
from audioft.tasks.search.ledger import ERROR, Entry
from audioft.tasks.search.result import Search, told_settings
from audioft.tasks.search.space import Space


def as_html(found: Search, space: Space, importance: Mapping[str, float], command: str) -> str:
    """The page.

    Args:
        found: the search.
        space: what was searched.
        importance: the share of the variance that each setting explains.
        command: that began it, or goes on with it.
    """
    title = escaped(f"audioft: a search of {found.folder.name}")
    said = "".join(f'<p class="said">{escaped(s)}</p>' for s in found.sentences())
    head = f"<h1>{title}</h1>\n{said}\n{_tiles(found)}<p><small>{escaped(found.about)}</small></p>"
    done = [e for e in found.trials if e.state == "complete"]
    parts = {}
    if done:
        told = "<p>A dot is a trial, the line the best so far; the first one, with a rim, is as the search began.</p>"
        parts["history"] = section(
            "How it went", told + pictures.history(found.trials, found.objectives), name="history"
        )
        parts["importance"] = _importance(importance)
        parts["slices"] = _slices(found, space)
        body = pictures.parallel(found.trials, space.dimensions, found.objectives)
        if body:
            parts["parallel"] = section(
                "Each trial over all settings", f'<div class="scroll">{body}</div>', wide=True, name="parallel"
            )
    parts["trials"] = section("All trials", _table(found), wide=True, name="trials")
    parts["again"] = section("Again", f"<p><code>{escaped(command)}</code></p>", name="again")
    links = "".join(f'<a href="#{name}">{name}</a> ' for name, part in parts.items() if part)
    return document(title, f'{head}<nav aria-label="parts of this page">{links}</nav>\n', "".join(parts.values()))


def _tiles(found: Search) -> str:
    figure, told = found.objectives.figure, []
    if found.chosen is not None and found.chosen.values:
        name = "as the search began" if found.chosen.number == 0 else f"trial {found.chosen.number}"
        told.append(tile(f"{escaped(figure)}, taken", number(found.chosen.values[0]), name))
    if found.best is not None:
        told.append(tile(f"{escaped(figure)}, best", number(found.best.values[0]), f"trial {found.best.number}"))
    if found.gain is not None:
        g = found.gain
        below = f"on clips without a part in the choice<br>{g.low:+.3f} – {g.high:+.3f}"
        told.append(tile("gain", f"{g.mean:+.3f}", below))
    if found.run is not None and (found.run.folder / "report.json").is_file():
        report = found.run.report
        main = report.metrics[report.main]
        told.append(
            tile(f"{escaped(report.main)}, {escaped(report.side)} side", number(main.value), main.bounds, main=True)
        )
    return f'<div class="tiles">{"".join(told)}</div>\n'


def _importance(found: Mapping[str, float]) -> str:
    if not found:
        return ""
    rows = [("", [escaped(k), f"{bar(v)} {100 * v:.0f} %"]) for k, v in found.items()]
    told = "<p>The share of the difference between trials that a setting explains (functional ANOVA).</p>"
    return section(
        "Which settings matter", told + raw_table([("setting", False), ("share", False)], rows), name="importance"
    )


def _slices(found: Search, space: Space) -> str:
    shown = [(d.key, pictures.slices(found.trials, d, found.objectives)) for d in space.dimensions]
    parts = [f"<div><h3>{escaped(key)}</h3>{picture}</div>" for key, picture in shown if picture]
    body = f'<div class="pictures">{"".join(parts)}</div>'
    return section("Setting by setting", body, wide=True, name="slices") if parts else ""


def _table(found: Search) -> str:
    sign = -1.0 if found.objectives.higher else 1.0
    order = sorted(
        found.trials, key=lambda e: (e.state != "complete", sign * e.values[0] if e.values else 0.0, e.number)
    )
    names = [
        n for n in ("refined_loss", "accuracy", "map") if any(n in e.about.get("figures", {}) for e in found.trials)
    ]
    head = [("trial", True), ("", False), *((n, True) for n in found.objectives.names), *((n, True) for n in names)]
    rows = [
        (f"trial-{e.number}", [str(e.number), _state(e), *_values(e, found), *_figures(e, names), *_last(e)])
        for e in order
    ]
    return raw_table([*head, ("seconds", True), ("settings", False)], rows, tall=True)


def _state(e: Entry) -> str:
    return "" if e.state == "complete" else escaped(e.state)


def _values(e: Entry, found: Search) -> list[str]:
    return [number(v) for v in e.values] or [""] * len(found.objectives.names)


def _figures(e: Entry, names: list[str]) -> list[str]:
    own = e.about.get("figures", {})
    return [number(own.get(n, math.nan)) if n in own else "" for n in names]


def _last(e: Entry) -> list[str]:
    settings = escaped(told_settings(e))
    if e.state == "failed":
        settings += f"<br><small>{escaped(e.about.get(ERROR, ''))}</small>"
    return [f"{e.about['seconds']:.1f}" if "seconds" in e.about else "", settings]
