"""A search from its settings to its model: the steps behind `audioft.search`."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audioft.assembly import folds as sides_of
from audioft.assembly import read_on, recipe, recordings
from audioft.assembly.kept_probe import Kept
from audioft.assembly.run_folder import Run
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core import storage
from audioft.core.places import PathLike
from audioft.core.progress import Console, about
from audioft.core.runtime import Processes
from audioft.errors import AudioftError, UsageError
from audioft.tasks.search import drawing, objectives, outcome, page, probed, pruning, refit, space, study_folder, trial
from audioft.tasks.search import storage as storages
from audioft.tasks.search.drawing import Drawing
from audioft.tasks.search.importance import importance
from audioft.tasks.search.ledger import Entry, Ledger
from audioft.tasks.search.pruning import Pruning
from audioft.tasks.search.result import Search, front
from audioft.tasks.search.result import about as told_about
from audioft.tasks.search.study import Study, work
from audioft.tasks.search.study_folder import About
from audioft.tasks.search.trial import Around, TimeIsUp

AHEAD = 4  # trials that may be under way beside each other, unless more processes are asked for


@dataclass(frozen=True)
class Asked:
    """What was asked of a search.

    Attributes:
        space: a file, a mapping, or None for the one that ships.
        trials: how many.
        minutes: within which the model is to be there; None for no hurry.
        metric, objectives, folds, sampler, pruner: see `audioft.search`; None for the default, or what the study has.
        seeds: under how many of them the best settings and the first are compared.
        take: `certain` takes other settings only where they are better beyond chance; `best` those of the best trial.
        refit: `train`, or `both` for the training and the validation side.
        jobs: processes on this machine.
        storage: of several machines.
        probe: whose encoder it is, and which suggests a trial.
    """

    space: PathLike | Mapping[str, Any] | None = None
    trials: int = 30
    minutes: float | None = None
    metric: str | None = None
    objectives: tuple[str, ...] | None = None
    folds: int | None = None
    sampler: str | None = None
    pruner: str | None = None
    seeds: int = 3
    take: str = "certain"
    refit: str = "train"
    jobs: int = 1
    storage: str | None = None
    probe: Kept | None = None


def search(config: Config, folder: Path, asked: Asked, console: Console, *, resume: bool) -> Search:
    """See `audioft.search`."""
    until = math.inf if asked.minutes is None else time.monotonic() + 60 * asked.minutes
    study, data = opened(config, folder, asked, console, resume=resume, until=until)
    _promise(study, asked, data, console)
    with helpers(folder, asked, console):
        work(study, console)
    return _concluded(study, data, asked, console)


def help_with(config: Config, folder: Path, asked: Asked, console: Console) -> None:
    """Do trials of a study that another process concludes."""
    until = math.inf if asked.minutes is None else time.monotonic() + 60 * asked.minutes
    study, _ = opened(config, folder, asked, console, resume=True, until=until)
    work(study, console)


def opened(
    config: Config, folder: Path, asked: Asked, console: Console, *, resume: bool, until: float
) -> tuple[Study, recordings.Data]:
    """A study, begun or gone on with, and its data."""
    _refuse(config)
    searched = space.read(
        folder / study_folder.SPACE if resume else asked.space or space.default(), lambda s: configs.load(config, s)
    )
    config = config if resume else read_on.as_start(config, console)
    bad_files = None if resume else folder / "bad_files.csv"
    data = recordings.load(config, console, bad_files=bad_files)
    digest = study_folder.digest(data)
    if resume:
        given = {n: getattr(asked, n) for n in ("metric", "objectives", "folds", "sampler", "pruner")}
        study_folder.refuse_other(folder, given, digest)
        made = study_folder.kept(folder)
    multilabel, frames = data.manifest.multilabel, config.events.use == "frames"
    names, figure = asked.objectives or ("score",), asked.metric or "auto"
    if resume:
        names, figure = made.objectives, made.metric
    wanted = objectives.of(names, figure, multilabel=multilabel, frames=frames)
    sides = sides_of.of(data, made.folds if resume else asked.folds, config.seed)
    if not resume:
        suggested = None if asked.probe is None else probed.start(asked.probe, searched, config, data, console)
        pruner = pruning.fitting(asked.pruner or "auto", len(sides), len(wanted.names))
        ahead = max(AHEAD, asked.jobs)
        made = About(
            metric=wanted.figure,
            objectives=wanted.names,
            folds=len(sides),
            sampler=asked.sampler or "tpe",
            pruner=pruner,
            seed=config.seed,
            ahead=ahead,
            data=digest,
            name=folder.resolve().name,
            storage=None if asked.storage is None else storages.shown(asked.storage),
            probed=suggested,
        )
    around = Around(sides, Processes(config.train.device), wanted.figure)
    starts = drawing.starts(searched, recipe.of_data(config, _learnt(data)).freeze, made.probed)
    how = Drawing(searched, made.sampler, wanted.directions, made.seed, made.ahead, starts)
    early = Pruning(made.pruner, wanted.higher, made.ahead, len(starts), recipe.MOST_EPOCHS)
    url = storages.going_on(folder, made.storage, asked.storage) if resume else asked.storage
    ledger = Ledger(folder, url, searched, wanted.directions, made.name)
    ledger.agree(study_folder.in_common(config, searched, made))
    if not resume:
        study_folder.begin(folder, config, searched, made)
    return Study(folder, config, wanted, how, early, ledger, around, asked.trials, until), data


def _refuse(config: Config) -> None:
    if config.start.probe is not None:
        raise UsageError("start.probe makes a model in seconds and trains nothing: there is nothing to search")
    if config.train.budget is not None:
        raise UsageError("train.budget is of one run; a search takes --minutes")
    if int(os.environ.get("WORLD_SIZE") or "1") > 1:
        raise UsageError("a search is not started by torchrun: --jobs N does several trials beside each other")


def _promise(study: Study, asked: Asked, data: recordings.Data, console: Console) -> None:
    """Say what will be done."""
    n = len(study.around.folds)
    sides = f"each on {n} folds of {_learnt(data)} clips" if n > 1 else f"each on {len(data.side('valid'))} clips"
    size = study.drawing.space.size
    many = "" if math.isinf(size) else f" of {size:g} settings there are"
    limit = "" if asked.minutes is None else f", within {about(60 * asked.minutes)}"
    tested = f"; the {len(data.side('test'))} of the test side are left alone" if len(data.side("test")) else ""
    console.say(f"search: up to {study.most} trials{many}, {sides}, by {study.objectives.figure}{limit}{tested}")


def _learnt(data: recordings.Data) -> int:
    return len(sides_of.learnt(data))


@contextlib.contextmanager
def helpers(folder: Path, asked: Asked, console: Console) -> Iterator[None]:
    """Inside, further processes do trials of the same study; they end with the block."""
    import torch

    if asked.jobs < 2:
        yield
        return
    threads = max(1, torch.get_num_threads() // asked.jobs)
    torch.set_num_threads(threads)
    told = json.dumps({"trials": asked.trials, "minutes": asked.minutes, "storage": asked.storage})
    command = [sys.executable, "-m", "audioft.tasks.search.helper", str(folder), told]
    around = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    running = [subprocess.Popen(command, env=around) for _ in range(asked.jobs - 1)]
    try:
        yield
        for process in running:
            process.wait()
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
                process.wait()


def _concluded(study: Study, data: recordings.Data, asked: Asked, console: Console) -> Search:
    """Choose, train the model, write everything."""
    entries = study.ledger.entries()
    study.ledger.fetch(entries)
    best, first = study.best(entries), entries[0] if entries else None
    compared = {e.number: e for e in (first, best) if e is not None and e.state == "complete"}
    spread = _seeds(study, list(compared.values()), asked)
    done = [e.number for e in entries if e.state == "complete"]
    held = outcome.all_said(study.folder, done, study.around.folds, study.objectives.figure)
    first_said = held and held[0].number == 0
    gained = outcome.gain(held, study.objectives.figure, study.drawing.seed) if first_said else None
    chosen, why = _chosen(study, entries, gained, asked)
    sides = study.around.folds
    how = f"{study.drawing.sampler} sampler, pruner {study.pruning.name}"
    clips = _learnt(data) if len(sides) > 1 else len(data.side("valid"))
    told = told_about(entries, study.objectives, str(study.base.data.source), len(sides), clips, how)
    shown = front(entries, study.objectives) if len(study.objectives.names) > 1 else ()
    said = {s.number: s.predictions for s in held}
    settled = {n: refit.settled(study.config(entries[n].settings), entries[n], asked.refit) for n in said}
    results = told, gained, spread, chosen, why, shown, None
    found = Search(study.folder, tuple(entries), study.objectives, *results, said, settled)
    shares = importance(entries, study.drawing.space, study.drawing.seed)
    _write(found, study, shares)  # what was found is there, whatever becomes of the model
    run = _final(study, chosen, asked, console)
    found = replace(found, run=run)
    _write(found, study, shares)
    return found


def _write(found: Search, study: Study, shares: Mapping[str, float]) -> None:
    """Tables and page, with what each setting explains."""
    found.write()
    command = f"audioft train --config {study.folder / 'best.yaml'}"
    html = page.as_html(found, study.drawing.space, shares, command)
    storage.write_bytes(study.folder / "search.html", html.encode("utf-8", "replace"))


def _seeds(study: Study, entries: list[Entry], asked: Asked) -> dict[int, tuple[float, ...]]:
    """The scores of some trials under several seeds; fewer where time is up."""
    found: dict[int, tuple[float, ...]] = {}
    for entry in entries:
        values = [entry.values[0]]
        for n in range(1, asked.seeds):
            place = study.folder / "seeds" / f"{entry.number:04d}-{n}"
            config = study.config(entry.settings, study.base.seed + n)
            try:
                folds = trial.run(config, study.around, place, lambda step, value, costs: None, each_epoch=False)
            except (TimeIsUp, AudioftError):
                break
            values.append(study.objectives.values(folds)[0])
        if len(values) > 1:
            found[entry.number] = tuple(values)
    return found


def _chosen(study: Study, entries: list[Entry], gained: outcome.Gain | None, asked: Asked) -> tuple[Entry | None, str]:
    """The trial whose settings are taken, and why."""
    best = study.best(entries)
    if best is None:
        return None, "No trial ended in time: the probe of the frozen encoder is taken, the quickest model there is."
    first = entries[0]
    if best.number == 0:
        return best, "Taken: the settings that the search began with."
    if first.state != "complete":
        return best, f"Taken: trial {best.number}; the settings that the search began with failed."
    if asked.take == "best" or gained is None or gained.beyond_chance:
        return best, f"Taken: trial {best.number}."
    return first, (
        f"Taken: the settings that the search began with (--take best takes trial {best.number} all the same)."
    )


def _final(study: Study, chosen: Entry | None, asked: Asked, console: Console) -> Run:
    """The model of the chosen settings, trained once and tested once; what is there is not made again."""
    import audioft

    settings = {"freeze": "all", "model.start": "probe"}
    config = (
        trial.settings_of(study.base, {}, settings)
        if chosen is None
        else refit.settled(study.config(chosen.settings), chosen, asked.refit)
    )
    run = study.folder / "run"
    storage.write_text(study.folder / "best.yaml", configs.save(config))
    going_on = (run / "config.yaml").is_file() and configs.load(run / "config.yaml") == config
    if going_on and (run / "report.json").is_file():
        return Run(run)
    if run.exists() and not going_on:
        shutil.rmtree(run)
    console.say(f"\nthe model of {'the probe' if chosen is None else f'trial {chosen.number}'}, tested once:")
    return audioft.finetune(config=config, out=run, resume=going_on, console=console)
