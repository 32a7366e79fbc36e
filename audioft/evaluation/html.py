"""A report as one page that needs no network: text, tables and pictures in a single file."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audioft.core.storage import write_bytes
from audioft.evaluation import charts
from audioft.evaluation.report import Report, recall
from audioft.evaluation.text import TITLES, number, printable

_PAIRS = 10

# the browser is told to load and to run nothing, whatever a label or a file name may hold
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 32px 24px 64px; background: #fff; color: #111827;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 12px; padding-top: 16px; border-top: 1px solid #e5e7eb; }
p { margin: 4px 0; color: #4b5563; }
p.caution { color: #78350f; background: #fef3c7; border-radius: 10px; padding: 10px 16px; margin-bottom: 12px; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 20px; }
.card { border: 1px solid #e5e7eb; border-radius: 10px; padding: 12px 16px; min-width: 150px; }
.card.main { background: #eff6ff; border-color: #93c5fd; }
.card b { display: block; font-size: 24px; font-variant-numeric: tabular-nums; }
.card small { display: block; color: #6b7280; font-variant-numeric: tabular-nums; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 16px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 4px 14px 4px 0; text-align: left; border-bottom: 1px solid #f3f4f6; vertical-align: top;
  overflow-wrap: anywhere; }
th { color: #6b7280; font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
li { color: #4b5563; }
"""


def write_html(path: str | Path, report: Report, history: Sequence[dict[str, Any]], info: Mapping[str, Any]) -> None:
    """Write the report as a single page.

    Args:
        path: the file to write; its folder is made.
        report: what the evaluation found.
        history: the rows of `metrics.jsonl`, `{"kind": "train" | "valid", "step": ..., "epoch": ..., "loss":
            ...}`; empty where nothing was trained. A value that is missing, None or nan leaves a gap.
        info: what else to tell (encoder, data, seed, parameters, time), by name; values may be nested
            mappings. `title` is the heading, if given.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a file name that is not UTF-8 has lone surrogates, which would stop the writing
    write_bytes(path, as_html(report, history, info).encode("utf-8", "replace"))


def as_html(report: Report, history: Sequence[dict[str, Any]], info: Mapping[str, Any]) -> str:
    """The page that `write_html` writes."""
    title = _escaped(info.get("title", f"Report on the {report.side} side"))
    told = {k: v for k, v in info.items() if k != "title"}
    curves = [charts.loss_chart(history), charts.metric_chart(history, report.main), charts.rate_chart(history)]
    pictures = "".join(f"<div>{c}</div>" for c in curves if c)
    notes = "".join(f"<li>{_escaped(n)}</li>" for n in report.notes)
    figures = [[TITLES.get(k, k.replace("_", " ")), v] for k, v in report.figures.items()]
    sections = [
        _section("Notes", f"<ul>{notes}</ul>") if notes else "",
        _section("Training", f'<div class="pictures">{pictures}</div>') if pictures else "",
        _confusion(report),
        _section("Labels", f'<div class="scroll">{charts.f1_chart(report)}</div>{_classes(report)}'),
        _section("All figures", _table(["metric", "value"], figures)),
        _section("About this run", _table(["", ""], list(map(list, _flat(told))))) if told else "",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f"{_caution(report)}<p>{_escaped(report.measured)}</p>\n{_cards(report)}\n{''.join(sections)}</body>\n</html>\n"
    )


def _escaped(value: Any) -> str:
    return html.escape(printable(str(value)))


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>\n{body}\n"


def _caution(report: Report) -> str:
    return f'<p class="caution">{_escaped(report.caution)}</p>\n' if report.caution else ""


def _cards(report: Report) -> str:
    cards = []
    for name, e in report.metrics.items():
        kind = "card main" if name == report.main else "card"
        title = _escaped(TITLES.get(name, name))
        cards.append(f'<div class="{kind}">{title}<b>{number(e.value)}</b><small>{e.bounds or "&nbsp;"}</small></div>')
    return f'<div class="cards">{"".join(cards)}</div>'


def _confusion(report: Report) -> str:
    picture = charts.confusion_chart(report)
    if not picture:
        return ""
    rows = [[a, b, n, f"of {total}"] for a, b, n, total in report.confused()[:_PAIRS]]
    table = _table(["true label", "given label", "clips", ""], rows) if rows else "<p>No clip was confused.</p>"
    return _section("Confusion", f'<div class="scroll">{picture}</div>{table}')


def _classes(report: Report) -> str:
    keys = {
        "label": "label",
        "support": "seconds" if report.kind == "events" else "clips",
        "predicted": "given",
        "precision": "precision",
        "recall": "recall",
        "bounds": "its 95 % interval",
        "f1": "F1",
        "roc_auc": "ROC AUC",
        "average_precision": "average precision",
    }
    if report.multilabel:
        keys["threshold"] = "threshold"
    rows = [row | {"bounds": recall(row).bounds or "–"} for row in report.classes]
    if all(row["bounds"] == "–" for row in rows):
        del keys["bounds"]
    return _table(list(keys.values()), [[row[k] for k in keys] for row in rows])


def _table(head: list[str], rows: list[list[Any]]) -> str:
    numeric = [bool(rows) and all(isinstance(row[c], int | float) for row in rows) for c in range(len(head))]
    marks = [' class="n"' if n else "" for n in numeric]
    lines = ["<tr>" + "".join(f"<th{m}>{_escaped(h)}</th>" for h, m in zip(head, marks, strict=True)) + "</tr>"]
    for row in rows:
        cells = (f"<td{m}>{_shown(v, n)}</td>" for v, m, n in zip(row, marks, numeric, strict=True))
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return '<div class="scroll"><table>\n' + "\n".join(lines) + "\n</table></div>"


def _shown(value: Any, figure: bool) -> str:
    return number(value) if figure and isinstance(value, float) else _escaped(value)


def _flat(info: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in info.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            rows.append((name, ", ".join(map(str, value))))
        else:
            rows.append((name, "–" if value is None else str(value)))
    return rows
