"""The end of a run: best weights, thresholds, one look at the test side, and everything that is written of it."""

from __future__ import annotations

import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audioft import build, scored
from audioft.build import Parts
from audioft.evaluation.html import write_html
from audioft.evaluation.report import Report, make_report
from audioft.evaluation.thresholds import choose_thresholds
from audioft.models import folder as model_folder
from audioft.models.folder import ModelCard
from audioft.progress import spell_seconds
from audioft.run import Run
from audioft.training.checkpoint import State
from audioft.training.optim import count_parameters
from audioft.training.trainer import Trainer, finite


def finish(parts: Parts, trainer: Trainer, folder: Path, state: State) -> None:
    """Best weights, thresholds from the validation side, one look at the test side, everything written."""
    config, data, console = parts.config, parts.data, parts.console
    best = trainer.checkpoints.load_best(parts.model)
    thresholds = None
    options: dict[str, Any] = {
        "window": config.data.max_seconds,
        "batch_seconds": config.evaluate.batch_seconds,
        "precision": config.evaluate.precision,
    }
    if parts.multilabel and len(data.side("valid")):
        thresholds = choose_thresholds(scored.score_side(parts.model, data, "valid", **options).predictions)
    report, found = None, None
    side = "test" if len(data.side("test")) else "valid" if len(data.side("valid")) else None
    if side is not None:
        notes = (
            [] if side == "test" else ["there is no test side: this is the validation side, which also chose the epoch"]
        )
        if parts.multilabel and side == "valid":
            notes.append("and the thresholds, so F1 is too good")
        found = scored.score_side(parts.model, data, side, **options, console=console)
        notes += [f"{len(found.failures)} clips could not be scored"] if found.failures else []
        report = make_report(found.predictions, side, thresholds, config.evaluate.resamples, config.seed, notes)
        report.save(folder / "report.json")
        found.predictions.write(folder / "predictions.csv", thresholds)
    scored.append_bad_files(folder / "bad_files.csv", _failures(parts, state, found))
    about = _about(parts, best, state)
    card = _card(parts, thresholds, best, report)
    model_folder.save(parts.model, card, folder / "model", scored.model_readme(card, report, about))
    if report is not None:
        write_html(folder / "report.html", report, Run(folder).history, {"title": f"audioft: {folder.name}", **about})
        console.say(f"\n{report}")


def _failures(parts: Parts, state: State, found: scored.Scored | None) -> list[tuple[str, str, str]]:
    clips = parts.data.clips("train")
    rows = [(clips[int(i)].key, stage, reason) for i, (stage, reason) in state.failures.items()]
    return rows + [(c.key, e.stage, e.reason) for c, e in (found.failures if found else [])]


def _card(parts: Parts, thresholds: np.ndarray | None, best: dict, report: Report | None) -> ModelCard:
    data = parts.data
    sides = {side: len(data.side(side)) for side in build.SIDES}
    measured = {} if report is None else {report.side: finite({k: e.value for k, e in report.metrics.items()})}
    return ModelCard(
        labels=data.manifest.labels,
        multilabel=parts.multilabel,
        window=window(parts),
        thresholds=None if thresholds is None else tuple(float(t) for t in thresholds),
        encoder={"name": parts.loaded.name, "family": parts.model.encoder.family},
        trained_on={
            "source": Path(str(parts.config.data.source)).name,
            "clips": sides,
            "hours": round(sum(data.seconds("train")) / 3600, 4),
            "best_epoch": best["epoch"],
        },
        measured=measured,
    )


def window(parts: Parts) -> float:
    """Seconds of the longest clip of the data, at most `data.max_seconds`: what the model knows a clip to be."""
    longest = max(c.seconds for c in parts.data.checked)
    # up to whole hundredths, so that no clip is longer by a sample when it is resampled
    return min(parts.config.data.max_seconds, math.ceil(100 * longest - 1e-9) / 100)


def _about(parts: Parts, best: dict, state: State) -> dict[str, Any]:
    trained, total = count_parameters(parts.model)
    return {
        "data": Path(str(parts.config.data.source)).name,
        "clips": ", ".join(f"{side} {len(parts.data.side(side))}" for side in build.SIDES),
        "bad recordings": len(parts.data.bad),
        "encoder": parts.loaded.name,
        "head": ", ".join(f"{k} {v}" for k, v in parts.model.spec.items()),
        "parameters": f"{trained:,} of {total:,} trained at the end",
        "best epoch": f"{best['epoch']} of {parts.config.train.epochs}, by {parts.metric}",
        "training time": spell_seconds(state.seconds),
        "computed on": f"{parts.processes.device}, {parts.precision}, {parts.processes.count} process(es)",
        "seed": parts.config.seed,
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
    }
