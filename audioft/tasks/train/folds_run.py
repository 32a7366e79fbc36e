"""A run in folds: a model a fold, what each says of the clips that it has not learnt, and all of them as one model."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np

from audioft.assembly import folds, read_on, recipe, recordings, side_scores, slices, starting_model
from audioft.assembly.joining import given, join, plan
from audioft.assembly.joining.out_of_fold import FILE
from audioft.assembly.recordings import Data
from audioft.assembly.run_beginning import beginning, prepare, worth_keeping
from audioft.assembly.run_folder import Run, as_begun
from audioft.assembly.run_places import FOLDS
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.data.sides import Split
from audioft.errors import UsageError
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import Beside, write_html
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.thresholds import choose_thresholds
from audioft.inference.predictor import Predictor
from audioft.tasks.train import training_run


def refuse(config: Config) -> None:
    """Raise where a run in folds is asked for beside what does not go with it.

    Raises:
        UsageError: says what.
    """
    others: dict[str, object] = {"train.budget (--budget)": config.train.budget, "data.fold": config.data.fold}
    others |= {"start.probe (--from-probe)": config.start.probe, "events.use=frames": config.events.use == "frames"}
    if found := [name for name, value in others.items() if value]:
        raise UsageError(f"train.folds (--folds) does not go with {found[0]}; leave out one of them")


def start(config: Config, folder: Path, *, resume: bool, overwrite: bool, console: Console) -> Run:
    """A run in folds in a folder that this process holds: see `audioft.finetune`."""
    refuse(config)
    processes = Processes(config.train.device)
    if processes.count > 1:
        raise UsageError("--folds trains one model after the other; start it as one process")
    config = config if resume else read_on.as_start(config, console)
    with beginning(folder, new=not resume):
        prepare(folder, config, resume=resume, overwrite=overwrite)
        config = as_begun(config, folder) if resume else config
        data = recordings.load(config, console, start=starting_model.load(config), bad_files=folder / "bad_files.csv")
        count = int(config.train.folds or 0)
        sides = folds.several(data, count, config.seed)
        nobody, own = folds.NOBODY, folds.learnt(data)
        dataclasses.replace(data, split=Split(own, nobody, data.side("test"))).save(folder / "manifest.csv")
        for number in range(1, count + 1):
            _train(config, folder, number, console)
            worth_keeping(folder)
        _join(config, folder, data, sides, processes, console)
        if (folder / "checkpoints").is_dir() and not any((folder / "checkpoints").iterdir()):
            (folder / "checkpoints").rmdir()
    return Run(folder)


def of_fold(config: Config, number: int) -> Config:
    """The config of the run of a fold, counted from 1: an ordinary one."""
    config = recipe.put(config, "data.fold", f"{number}/{config.train.folds}")
    return recipe.put(config, "train.folds", None)


def _train(config: Config, folder: Path, number: int, console: Console) -> None:
    """The run of a fold, gone on with where it was; not again where it has its model."""
    place = folder / FOLDS / str(number)
    console.say(f"\n=== fold {number} of {config.train.folds}")
    if (place / "model" / "audioft.json").is_file():
        console.say(f"{place} is finished")
        return
    begun = (place / "config.yaml").is_file()
    training_run.start(of_fold(config, number), place, resume=begun, overwrite=False, console=console)


def _join(config: Config, folder: Path, data: Data, sides: list[Data], processes: Processes, console: Console) -> None:
    console.say(f"\n=== {len(sides)} models as one")
    places = [folder / FOLDS / str(i + 1) for i in range(len(sides))]
    held = _out_of_fold(config, data, sides, places, processes, console)
    thresholds = tuple(float(t) for t in choose_thresholds(held)) if held.multilabel else None
    held.write(folder / FILE, thresholds)
    tested = dataclasses.replace(data, split=Split(folds.NOBODY, folds.NOBODY, data.side("test")))
    members = [dataclasses.replace(g, name=f"fold {i + 1}") for i, g in enumerate(given.opened(places))]
    how = plan.Joining(
        members,
        data.manifest.labels,
        "average",
        tested,
        console=console,
        device=processes.device,
        seed=config.seed,
        resamples=config.evaluate.resamples,
        notes=[*data.told_before("test"), *data.before.notes],
    )
    made = join.join(how, folder / "model", thresholds)
    shown, report = made.scored.predictions if made.scored else held, made.report
    if report is None:
        notes = ["there is no test side: each clip was scored by the model of the fold that it was left out of"]
        report = make_report(held, "valid", thresholds, config.evaluate.resamples, config.seed, notes)
    report = dataclasses.replace(report, slices=slices.in_clips(shown, thresholds, seed=config.seed))
    shown.write(folder / "predictions.csv", thresholds)
    report.save(folder / "report.json")
    mistakes = side_scores.mistakes(shown, thresholds, data.hearing)
    bad = side_scores.bad_files(folder / "bad_files.csv")
    about = {"title": f"audioft: {folder.name}", "models": f"{len(sides)}, one a fold", "data": str(config.data.source)}
    write_html(folder / "report.html", report, [], about, Beside(mistakes, config.evaluate.players, bad))
    console.say(f"\n{report}\n\n{made.joined}")


def _out_of_fold(
    config: Config, data: Data, sides: list[Data], places: list[Path], processes: Processes, console: Console
) -> Predictions:
    """What was said of each clip by the model of the fold that it was left out of, in the order of the clips."""
    how = config.evaluate
    device = str(processes.device)
    found = []
    for side, place in zip(sides, places, strict=True):
        model = Predictor(place, device=device, precision=how.precision, batch_seconds=how.batch_seconds)
        scoring = side_scores.Scoring(
            data.manifest.multilabel,
            model.window,
            batch_seconds=how.batch_seconds,
            precision=how.precision,
            console=console,
        )
        found.append(side_scores.score_side(model.scoring, side, "valid", scoring).predictions)
    return functools.reduce(_joined, found)


def _joined(a: Predictions, b: Predictions) -> Predictions:
    arrays = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("scores", "targets", "known")}
    clips = side_scores.Descriptions([*a.clips.clips, *b.clips.clips])  # type: ignore[attr-defined]
    return Predictions(a.labels, a.multilabel, clips=clips, **arrays)
