"""A run in a few lines: how far it is, what it came to, and where its files are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from audioft.core.wording import counted
from audioft.errors import AudioftError
from audioft.evaluation.page.elements import escaped, named
from audioft.evaluation.page.overview import said, tiles
from audioft.evaluation.page.style import fragment
from audioft.evaluation.report import Report

_FILES = ("report.html", "predictions.csv", "bad_files.csv", "metrics.jsonl", "config.yaml", "model")


def state(folder: Path, history: Sequence[Mapping[str, Any]]) -> str:
    """How far a run is, from what is in its folder and the rows of its metrics; nothing large is read."""
    if (folder / "report.json").is_file() and (folder / "model").is_dir():
        return "finished"
    if (folder / "model").is_dir():
        return "finished, not measured"
    if not (folder / "config.yaml").is_file():
        return "no run is there"
    done = sum(row["kind"] == "valid" for row in history)
    return f"not finished, {counted(done, 'epoch')} done"


def card(folder: Path, history: Sequence[Mapping[str, Any]]) -> str:
    """The run as a piece of a notebook."""
    body = f"<p>run {named(folder)}: {escaped(state(folder, history))}</p>"
    try:
        report = Report.load(folder / "report.json") if (folder / "report.json").is_file() else None
    except AudioftError as e:
        report, body = None, f"{body}<p>{escaped(e)}</p>"
    if report is not None:
        body += said(report) + tiles(report)
    links = " ".join(_link(folder, name) for name in _FILES if (folder / name).exists())
    return fragment(f"{body}<p>{links}</p>")


def _link(folder: Path, name: str) -> str:
    """A link as a notebook's server follows it: from the folder that the notebook runs in, and not out of it."""
    inner = os.path.relpath(folder / name)
    if inner.startswith(os.pardir) or os.path.isabs(inner):
        return escaped(name)
    address = quote(os.fsencode(inner.replace(os.sep, "/")))
    return f'<a href="{escaped(address)}" target="_blank" rel="noopener">{escaped(name)}</a>'
