"""All choices as one page that needs no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from audioft.core import storage
from audioft.core.progress import spell_seconds
from audioft.evaluation.page.elements import data, escaped, section, tile
from audioft.evaluation.page.style import document
from audioft.evaluation.text import number
from audioft.tasks.auto.kept import Done
from audioft.tasks.auto.result import Auto

#: Pictures and pages of the steps, by the names of their files in the folder.
PICTURES = {"encoder": "probe/probe.png", "curve": "curve/learning_curve.png"}
PAGES = {"settings": "search/search.html", "measured": "report/index.html", "first": "first/report.html"}


def write(found: Auto) -> None:
    """Write the page into the folder."""
    storage.write_bytes(found.page, as_html(found).encode("utf-8", "replace"))


def as_html(found: Auto) -> str:
    """The page."""
    title = escaped(f"audioft: a model of {_named(str(found.asked['data']))}")
    head = (
        f'<h1>{title}</h1>\n<p class="said">{escaped(found.sentence)}</p>\n{_tiles(found)}<p>{escaped(found.use)}</p>'
    )
    parts = {"advice": _advice(found)} if found.advice else {}
    parts |= {name: _step(found.folder, name, step) for name, step in found.steps.items()}
    parts["calls"] = _calls(found)
    titles = {name: step.title.lower() for name, step in found.steps.items()}
    links = "".join(f'<a href="#{name}">{escaped(titles.get(name, name))}</a> ' for name in parts)
    return document(title, f'{head}<nav aria-label="parts of this page">{links}</nav>\n', "".join(parts.values()))


def _named(data: str) -> str:
    """The folder, or the table and its folder.

    >>> _named("/recordings/birds/"), _named("/recordings/birds/metadata.csv")
    ('birds', 'birds/metadata.csv')
    """
    last = data.rstrip("/").split("/")
    return "/".join(last[-2:] if os.path.splitext(last[-1])[1] else last[-1:])


def _tiles(found: Auto) -> str:
    told = []
    measured = found.steps["measured"].found if "measured" in found.steps else {}
    if "value" in measured:
        below = f"{_bounds(measured['low'], measured['high'])}<br>{measured['clips']} clips no choice has heard"
        told.append(tile(escaped(measured["figure"]), number(measured["value"]), below, main=True))
    if found.best is not None and found.best.score.value == found.best.score.value:
        score = found.best.score
        told.append(tile(f"{escaped(found.best.figure)}, by which it was chosen", number(score.value), score.bounds))
    told.append(tile("time", spell_seconds(found.seconds), f"of {found.asked['minutes']:g} min"))
    return f'<div class="tiles">{"".join(told)}</div>\n'


def _bounds(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None or low != low else f"{number(low)} – {number(high)}"


def _advice(found: Auto) -> str:
    body = "".join(f"<li>{escaped(said)}</li>" for said in found.advice)
    about = "<p>What is said of labels is by models that had not learnt the clip.</p>"
    links = "".join(
        f'<a href="{name}">{name}</a> ' for name in ("to_check.csv", "bad_files.csv") if (found.folder / name).is_file()
    )
    return section("What would help most now", f"{about}<ol>{body}</ol><p>{links}</p>", wide=True, name="advice")


def _step(folder: Path, name: str, step: Done) -> str:
    body = _list(step.said)
    if step.lost:
        body += f"<details><summary>Tried and not taken: {len(step.lost)}</summary>{_list(step.lost)}</details>"
    picture = folder / PICTURES.get(name, "-")
    if picture.is_file():
        alt = escaped(step.title)
        body += f'<p><img src="{data("image/png", picture.read_bytes())}" alt="{alt}" style="max-width:100%"></p>'
    if (folder / PAGES.get(name, "-")).is_file():
        body += f'<p><a href="{PAGES[name]}">all of it: {PAGES[name]}</a></p>'
    body += f"<p><small>{spell_seconds(step.seconds)}</small></p>"
    return section(escaped(step.title), body, wide=True, name=name)


def _list(said: Sequence[str]) -> str:
    """Sentences below one another; one of several lines keeps them."""
    return f"<ul>{''.join('<li>' + '<br>'.join(map(escaped, x.splitlines())) + '</li>' for x in said)}</ul>"


def _calls(found: Auto) -> str:
    told = [call for step in found.steps.values() for call in step.calls]
    lines = "\n".join(map(escaped, told))
    copied = f" <code>model/</code> is a copy of <code>{escaped(found.place)}</code>." if found.place else ""
    about = f"<p>As auto called them; it is all there: another <code>--out</code> makes it again.{copied}</p>"
    body = f'{about}<div class="scroll"><pre>{lines}</pre></div>'
    return section("The same by hand", body, wide=True, name="calls")
