"""The first model: prototypes of a few clips of each label, in one pass; a floor for all that comes after it."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import audioft
from audioft.assembly.run_folder import Run
from audioft.configuration.config import Config
from audioft.core.wording import counted
from audioft.data.splits import TooFewClips
from audioft.errors import ModelError
from audioft.evaluation.report import Report
from audioft.tasks.auto import look, tables
from audioft.tasks.auto.kept import Best, Done
from audioft.tasks.auto.work import Work

NAME = "first"
UNCHECKED = 0.5  # share of recordings that may be bad, before all of them are checked


def make(work: Work) -> Done:
    """The step."""
    checked = "data" in work.kept.steps
    data = work.data() if checked else look.unchecked(work)
    count = tables.write_first(data, work.folder, work.config.seed)
    own = tables.settings(work.config, data) if checked else tables.settings(_lenient(work.config), data)
    lost: list[str] = []
    for encoder in ["mini"] if "mini" in work.encoders else work.encoders:
        try:
            run, call = _fitted(work, encoder, own)
            break
        except ModelError as e:
            lost.append(f"{encoder}: {e}")
    else:
        raise ModelError("; ".join(lost))
    report = run.report if (run.folder / "report.json").is_file() else None
    figure = "map" if data.manifest.multilabel else "accuracy"
    best = Best(f"prototypes on {encoder}", figure, *_figure(report, figure), measured=_measured(report))
    if work.kept.best is None:
        work.take(best, run.model)
    few = f"of {counted(count, 'clip')}, at most {tables.EACH} a label"
    return Done(
        "A first model", [f"{best}: {few}; it labels recordings already"], lost, [call], found={"encoder": encoder}
    )


def _fitted(work: Work, encoder: str, own: list[str]) -> tuple[Run, str]:
    """The run, and its call; without a validation side where there are too few clips for one."""
    table, out = work.at(tables.FIRST), work.folder / NAME
    for valid in ("0.2", "null"):
        settings = [*own, f"data.valid={valid}", "data.test=null"]
        call = work.call("train", table, few_shot=True, encoder=encoder, out=out, settings=settings)
        how: dict[str, Any] = {"few_shot": True, "encoder": encoder, "overrides": settings}
        with contextlib.suppress(*((TooFewClips,) if valid != "null" else ())):
            return audioft.finetune(table, out=out, overwrite=out.exists(), console=work.brief, **how), call
    raise AssertionError


def _lenient(config: Config) -> Config:
    """Of recordings that nobody has checked: a bad one is left out, as there may be many among a few."""
    return config.model_copy(update={"data": config.data.model_copy(update={"max_bad": UNCHECKED})})


def _figure(report: Report | None, figure: str) -> tuple[float, float, float]:
    found = None if report is None else report.metrics.get(figure)
    return (math.nan,) * 3 if found is None else (found.value, found.low, found.high)


def _measured(report: Report | None) -> str:
    if report is None or report.side == "train":
        return ""
    return f"on {counted(report.clips, 'clip')} that it did not learn from"
