"""A run that makes a model of a kept probe: nothing is heard, nothing is trained."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Any

import torch

from audioft.assembly import background, kept_probe, reading, side_scores
from audioft.assembly.kept_probe import Kept
from audioft.assembly.recordings import window
from audioft.assembly.run_beginning import prepare
from audioft.assembly.run_folder import Run
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.storage import write_text
from audioft.evaluation.html import Beside, write_html
from audioft.evaluation.report import Report
from audioft.models import folder as model_folder
from audioft.models import heard
from audioft.models.classifier import AudioClassifier
from audioft.models.folder import ModelCard
from audioft.training.callbacks import finite

COPIED = (kept_probe.MANIFEST, kept_probe.REPORT, kept_probe.PREDICTIONS)


def run(config: Config, folder: Path, console: Console, *, resume: bool, overwrite: bool) -> Run:
    """Write the model of the probe at `start.probe` into `folder`, with what was measured of it.

    There is nothing to go on with: a run that was interrupted is done again, and one that is finished stays.

    Raises:
        ConfigError: a setting is another one than the probe was measured with.
        UsageError, ModelError: there is no probe, or not its encoder.
    """
    if resume and _finished(folder):
        console.say(f"{folder} is finished: it holds the model of its probe, and there is nothing to go on with")
        return Run(folder)
    kept = kept_probe.read(str(config.start.probe))
    kept_probe.refuse(kept, config)
    model, notes = kept_probe.classifier(kept, config)
    for note in notes:
        console.say(f"note: {note}")
    prepare(folder, config, resume=resume, overwrite=overwrite)
    write_text(folder / "config.yaml", configs.save(config))  # of one that goes on the probe may lie elsewhere
    for name in COPIED:
        if (kept.place / name).is_file():
            shutil.copyfile(kept.place / name, folder / name)
    report = Report.load(folder / kept_probe.REPORT) if (folder / kept_probe.REPORT).is_file() else None
    about = _about(kept, model, config)
    card = _card(kept, model, config, report)
    unmeasured = (
        f"The probe was measured: {kept.figure}, its layer, pooling and penalty chosen within the clips that it learnt "
        "from. This model was not, as a model; `audioft evaluate THIS_FOLDER DATA` does that on recordings which it "
        "has not learnt from."
    )
    readme = side_scores.model_readme(card, report, about, unmeasured)
    model_folder.save(model, card, folder / "model", readme, None, heard.of_folder(kept.place))
    console.say(f"made from {about['made from']}: {kept.figure}")
    if report is None:
        console.say(f"measure it on recordings that it has not learnt from: audioft evaluate {folder} DATA")
    else:
        write_html(folder / "report.html", report, [], {"title": f"audioft: {folder.name}", **about}, Beside(None, 0))
        console.say(f"\n{report}")
    if (folder / "checkpoints").is_dir() and not any((folder / "checkpoints").iterdir()):
        (folder / "checkpoints").rmdir()
    return Run(folder)


def _finished(folder: Path) -> bool:
    """Whether all of a run is there: its report as a page is written last."""
    measured, page = ((folder / name).is_file() for name in (kept_probe.REPORT, "report.html"))
    return (folder / "model" / "audioft.json").is_file() and (page or not measured)


def _card(kept: Kept, model: AudioClassifier, config: Config, report: Report | None) -> ModelCard:
    measured = {} if report is None else {report.side: finite({k: e.value for k, e in report.metrics.items()})}
    return ModelCard(
        labels=kept.labels,
        multilabel=kept.multilabel,
        window=window(kept.longest, config.data.max_seconds, model.encoder.hearing.expansion),
        thresholds=kept.thresholds,
        background=background.of(config, None, (), kept.labels, kept.multilabel).label,
        encoder={"name": kept.encoder.name, "family": model.encoder.family},
        trained_on={
            "source": Path(str(config.data.source)).name,
            "clips": kept.clips,
            "hours": kept.hours,
            **({} if kept.individuals is None else {"individuals": kept.individuals}),
        },
        measured=measured | {"probe": finite({kept.figure.metric: kept.figure.value})},
        reading=reading.kept(config),
    )


def _about(kept: Kept, model: AudioClassifier, config: Config) -> dict[str, Any]:
    deviation = " and deviation" if kept.pooling == "stats" else ""
    return {
        "made from": f"the probe of {kept.encoder.name}: a linear classifier on the mean{deviation} of the states "
        f"after layer {kept.layer}, penalty {kept.penalty:g}; nothing was trained further",
        "probe": str(kept.figure),
        "data": Path(str(config.data.source)).name,
        "clips": ", ".join(f"{side} {n}" for side, n in kept.clips.items()),
        "encoder": kept.encoder.name,
        **({} if (how := model.encoder.hearing).plain else {"recordings are heard": str(how)}),
        "head": ", ".join(f"{k} {v}" for k, v in model.spec.items()),
        "seed": config.seed,
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
    }
