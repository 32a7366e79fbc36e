"""A report as one page that needs no network: text, tables, pictures and sound in a single file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audioft.core.storage import write_bytes
from audioft.evaluation import charts
from audioft.evaluation.measured import Measured
from audioft.evaluation.mistakes import Mistakes
from audioft.evaluation.page import mistakes as one_by_one
from audioft.evaluation.page import overview, sounds
from audioft.evaluation.page.confusion import label_anchor
from audioft.evaluation.page.elements import escaped, flat, section, table
from audioft.evaluation.page.labels import labels
from audioft.evaluation.page.slices import slices
from audioft.evaluation.page.style import document

_BAD = 200  # recordings that could not be used and are told one by one
PLAYERS = 100  # mistakes that can be heard, where nothing else is asked for


@dataclasses.dataclass(frozen=True)
class Beside:
    """What a page tells besides the figures.

    Attributes:
        mistakes: one by one; None where they are not known.
        players: how many of them can be heard, at most; 0 for none.
        bad: recordings that could not be used: file, start, end, stage and reason of each.
        kept: the epoch whose weights were kept, from 1; None where there are no epochs.
    """

    mistakes: Mistakes | None = None
    players: int = PLAYERS
    bad: Sequence[Sequence[str]] = ()
    kept: int | None = None


NOTHING = Beside()


def write_html(
    path: str | Path,
    report: Measured,
    history: Sequence[dict[str, Any]],
    info: Mapping[str, Any],
    beside: Beside = NOTHING,
) -> None:
    """Write the report as a single page.

    Args:
        path: the file to write; its folder is made.
        report: what the evaluation found.
        history: the rows of `metrics.jsonl`, `{"kind": "train" | "valid", "step": ..., "epoch": ..., "loss":
            ...}`; empty where nothing was trained. A value that is missing, None or nan leaves a gap.
        info: what else to tell (encoder, data, seed, parameters, time), by name; values may be nested
            mappings. `title` is the heading, if given.
        beside: mistakes, bad recordings, the kept epoch.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a file name that is not UTF-8 has lone surrogates, which would stop the writing
    write_bytes(path, as_html(report, history, info, beside).encode("utf-8", "replace"))


def as_html(
    report: Measured, history: Sequence[dict[str, Any]], info: Mapping[str, Any], beside: Beside = NOTHING
) -> str:
    """The page that `write_html` writes."""
    title = escaped(info.get("title", f"Report on the {report.side} side"))
    told = {k: v for k, v in info.items() if k != "title"}
    found = beside.mistakes
    places = one_by_one.places(found) | {label_anchor(c) for c in range(len(report.labels))}
    notes = "".join(f"<li>{escaped(n)}</li>" for n in report.further)
    head = f"<h1>{title}</h1>\n{overview.said(report)}{overview.tiles(report)}"
    head += f"<ul>{notes}</ul>\n" if notes else ""
    confusion = overview.confusion(report, places)
    figures = {"figures": section("All figures", overview.figures(report), name="figures")}
    wide = len(report.labels) > 40
    beside_labels = not confusion or wide
    parts = {
        "confusion": section("Confusion", confusion, wide=wide, name="confusion") if confusion else "",
        "labels": labels(report, found, places),
        **(figures if beside_labels else {}),
        "slices": "" if report.slices is None else slices(report.slices),
        one_by_one.PLACE: _mistakes(report, beside),
        "unusable recordings": _bad(beside.bad),
        "training": _training(report, history, beside.kept),
        **({} if beside_labels else figures),
        "about": section("About this run", table(["", ""], list(map(list, flat(told)))), name="about") if told else "",
    }
    links = "".join(f'<a href="#{name.split()[-1]}">{name}</a> ' for name, part in parts.items() if part)
    return document(title, f'{head}<nav aria-label="parts of this page">{links}</nav>\n', "".join(parts.values()))


def _mistakes(report: Measured, beside: Beside) -> str:
    found = beside.mistakes
    if found is None:
        return ""
    heard = sounds.of_clips(one_by_one.clips(found), found.hearing, beside.players)
    support = {c: int(row["support"]) for c, row in enumerate(report.classes)}
    return one_by_one.mistakes(found, heard, beside.players, support)


def _training(report: Measured, history: Sequence[dict[str, Any]], kept: int | None) -> str:
    curves = [
        charts.loss_chart(history, kept),
        charts.metric_chart(history, report.main, kept),
        charts.rate_chart(history),
    ]
    pictures = "".join(f"<div>{c}</div>" for c in curves if c)
    return (
        section("Training", f'<div class="pictures">{pictures}</div>', wide=True, name="training") if pictures else ""
    )


def _bad(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    told = table(["file", "start", "end", "where it fails", "why"], [list(row[:5]) for row in rows[:_BAD]], tall=True)
    more = f"<p>And {len(rows) - _BAD} more, see bad_files.csv.</p>" if len(rows) > _BAD else ""
    return section(f"Recordings that could not be used: {len(rows)}", told + more, wide=True, name="recordings")
