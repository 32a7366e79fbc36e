"""One trial: the run of its settings on each fold, each of them gone on with where it was cut off."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly import build, recipe, run_beginning
from audioft.assembly.fitting import fit, validation
from audioft.assembly.recordings import Data
from audioft.assembly.shared import Shared
from audioft.assembly.side_scores import Descriptions
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.configuration.values import REFINED
from audioft.core import storage
from audioft.core.progress import Relay
from audioft.core.runtime import Processes, choose_precision
from audioft.errors import CheckpointError
from audioft.evaluation.predictions import losses, tempered
from audioft.training.callbacks import Callback
from audioft.training.trainer import Trainer

Report = Callable[[int, float, dict[int, float] | None], None]  # a step, its figure, and what each clip so far costs
APART = 10.0  # seconds between two checkpoints of a trial
FIGURES = ("accuracy", "map", "refined_loss")  # that are told, whatever is searched by


class Pruned(Exception):
    """A trial is worth no more."""


class TimeIsUp(Exception):
    """The time of the search is over; what is done of the trial stays."""


@dataclass
class Around:
    """What all trials of a process share.

    Attributes:
        folds: the data of each.
        processes: the device.
        metric: what is searched by.
        shared: what they need not compute again.
        deadline: by `time.monotonic`, at which a trial is left; infinite for none.
        progress: is told how far a trial is.
    """

    folds: list[Data]
    processes: Processes
    metric: str
    shared: Shared = field(default_factory=Shared)
    deadline: float = math.inf
    progress: Callable[[str], None] = lambda note: None


@dataclass(frozen=True)
class Fold:
    """What a fold of a trial gave.

    Attributes:
        value: of what is searched by.
        figures: of its validation side, by name.
        clips: how many it has.
        best_epoch: whose weights were measured.
        seconds: that fitting took, of all processes that worked on it.
        megabytes: of the model's weights, 1e6 bytes.
    """

    value: float
    figures: dict[str, float]
    clips: int
    best_epoch: int
    seconds: float
    megabytes: float


def run(config: Config, around: Around, folder: Path, report: Report, each_epoch: bool) -> list[Fold]:
    """Fit a model on every fold; what is there of a fold is not done again.

    Args:
        config: of the trial.
        around: see `Around`.
        folder: of the trial; a folder a fold, until that is done, then `fold-N.json` and `fold-N.npz`.
        report: is told the figure of each fold, or with `each_epoch` of each epoch; may raise `Pruned`.
        each_epoch: the latter.

    Raises:
        Pruned, TimeIsUp: see there.
        AudioftError: the settings cannot be trained with.
    """
    found: list[Fold] = []
    costs: dict[int, float] = {}
    for i, data in enumerate(around.folds):
        done = folder / f"fold-{i}.json"
        if done.is_file():
            fold = Fold(**storage.read_json(done, CheckpointError))
        else:
            told = dataclasses.replace(around, progress=_of_fold(around, i))
            fold = _fold(config, data, told, folder / f"fold-{i}", report if each_epoch else None)
            storage.write_json(done, vars(fold))
            shutil.rmtree(folder / f"fold-{i}", ignore_errors=True)
        found.append(fold)
        if not each_epoch:
            costs |= _costs(data, folder / f"fold-{i}.npz", around.metric)
            report(i, fold.value, costs)
    return found


def _of_fold(around: Around, i: int) -> Callable[[str], None]:
    return lambda note: around.progress(f"fold {i + 1} of {len(around.folds)}, {note}")


def _costs(data: Data, place: Path, metric: str) -> dict[int, float]:
    """What each clip of a fold costs, the mean over those of a group, by the first of them; less is better.

    Of what is right or wrong that is whether it is wrong, of all else the log loss.
    """
    if not place.is_file():
        return {}
    with np.load(place) as held:
        rows, scores = held["rows"], held["scores"]
    if metric == "accuracy":
        each = 1.0 - (scores.argmax(1) == data.targets[rows].argmax(1))
    else:
        each = clip_losses(data, rows, scores, metric)
    clips, found = data.manifest.clips, dict[str, list[tuple[int, float]]]()
    for row, cost in zip(rows.tolist(), each.tolist(), strict=True):
        if math.isfinite(cost):
            found.setdefault(clips[row].group or clips[row].key, []).append((row, cost))
    return {min(own)[0]: float(np.mean([cost for _, cost in own])) for own in found.values()}


def clip_losses(data: Data, rows: np.ndarray, scores: np.ndarray, metric: str) -> np.ndarray:
    """The log loss `(N,)` of clips at `rows` with scores `(N, C)`; tempered, if that is searched by."""
    given = data.targets[rows], data.known[rows], data.manifest.multilabel
    return losses(tempered(scores, *given) if metric == REFINED else scores, *given)


def _fold(config: Config, data: Data, around: Around, folder: Path, report: Report | None) -> Fold:
    """Fit the model of one fold, and score its validation side."""
    if time.monotonic() > around.deadline:
        raise TimeIsUp
    going_on = (folder / "config.yaml").is_file()
    if not going_on:  # what a process leaves that was killed as it began
        shutil.rmtree(folder, ignore_errors=True)
    run_beginning.prepare(folder, config, resume=going_on, overwrite=False)
    precision = choose_precision(config.train.precision, around.processes.device)
    chosen = recipe.kept(folder)
    parts = build.assembled(
        config, around.processes, Relay(around.progress), precision, chosen=chosen, data=data, shared=around.shared
    )
    metric = around.metric
    listeners: list[Callback] = [Clock(around), *([] if report is None else [Epochs(metric, report)])]
    before = _seconds(folder)
    began = time.monotonic()
    fitted = fit.fit(
        parts,
        folder,
        chosen=chosen,
        resume=_resume if going_on else None,
        listeners=lambda trainer: listeners,
        apart=APART,
    )
    fit.take_best(parts, fitted)
    seconds = before + time.monotonic() - began
    figures = _scored(parts, fitted, folder)
    weights = sum(t.numel() * t.element_size() for t in parts.model.state_dict().values())
    kept = {k: v for k, v in figures.items() if k in (*FIGURES, "loss", metric)}
    best = fitted.state.best_epoch or 0
    return Fold(figures[metric], kept, len(data.side("valid")), best, round(seconds, 2), round(weights / 1e6, 3))


def _scored(parts: build.Parts, fitted: fit.Fitted, folder: Path) -> dict[str, float]:
    """The figures of the validation side; what is said of each clip is kept beside them."""
    if parts.model.frame_level:
        return validation.figures(parts, fitted.cache)
    said = validation.validated(parts, fitted.cache)
    assert isinstance(said.clips, Descriptions)  # those that could be heard
    places = {clip.key: i for i, clip in enumerate(parts.data.manifest.clips)}
    rows = np.array([places[clip.key] for clip in said.clips.clips])
    held = io.BytesIO()
    np.savez_compressed(held, rows=rows, scores=said.scores)
    storage.write_bytes(folder.with_suffix(".npz"), held.getvalue())
    return validation.figures_of(said)


def _resume(trainer: Trainer) -> None:
    if trainer.checkpoints.written():
        trainer.resume()


def _seconds(folder: Path) -> float:
    """Seconds of training before a run was cut off, by its last checkpoint."""
    states = sorted((folder / "checkpoints").glob("step-*/state.json"))
    try:
        return float(json.loads(states[-1].read_text())["seconds"]) if states else 0.0
    except (OSError, ValueError, KeyError):
        return 0.0


class Clock(Callback):
    """Leaves a run when time is up, and tells how far it is."""

    def __init__(self, around: Around):
        self.around = around

    def step(self, done: int, total: int, note: str) -> None:
        if time.monotonic() > self.around.deadline:
            raise TimeIsUp
        self.around.progress(f"step {done} of {total}")


class Epochs(Callback):
    """Reports the figure of each validation."""

    def __init__(self, metric: str, report: Report):
        self.metric, self.report = metric, report

    def row(self, row: Mapping[str, Any]) -> None:
        if row["kind"] == "valid" and isinstance(row.get(self.metric), float):
            self.report(round(row["epoch"]), row[self.metric], None)


def settings_of(base: Config, fixed: Mapping[str, Any], settings: Mapping[str, Any], seed: int | None = None) -> Config:
    """The config of a trial: what the study began with, what its space fixes, and what was drawn."""
    own = {**fixed, **settings, **({} if seed is None else {"seed": seed})}
    return configs.load(base, own)


def mean_figures(folds: list[Fold]) -> dict[str, float]:
    """The figures of a trial, each the mean over the clips of all folds."""
    clips = np.array([f.clips for f in folds], float)
    names = [k for k in folds[0].figures if all(k in f.figures for f in folds)]
    return {k: float(np.average([f.figures[k] for f in folds], weights=clips)) for k in names}
