"""What a student hears, what it is to say, and the trainer that brings it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audioft.assembly import build
from audioft.assembly.distilling.settings import Distilling
from audioft.assembly.fitting import validation
from audioft.assembly.fitting.run_trainer import told_apart
from audioft.assembly.recording_passes import check
from audioft.assembly.run_beginning import worth_keeping
from audioft.assembly.run_folder import identity
from audioft.core.runtime import Processes
from audioft.core.wording import counted
from audioft.data import check as checking
from audioft.data import unlabelled_pool as pool
from audioft.data.batching import StepPlan, loader
from audioft.data.clip import Clip
from audioft.data.dataset import Draw, Preparation, TrainingClips
from audioft.errors import ConfigError
from audioft.evaluation import metrics
from audioft.evaluation.scoring import preparation
from audioft.models import freezing
from audioft.models.classifier import AudioClassifier
from audioft.models.compression.thinned import stands_for
from audioft.models.ensembles.ensemble import Ensemble
from audioft.models.heard import Heard
from audioft.training import clusters
from audioft.training.averaging import Averaging
from audioft.training.checkpoint import Checkpoints, Saving
from audioft.training.clusters import Scale
from audioft.training.distilled import Distillation, LayerHeads, Matched, Student, TaughtBatch, TaughtClips
from audioft.training.masked import grid_of
from audioft.training.optim import adamw, parameter_groups
from audioft.training.schedules import schedules
from audioft.training.teacher_states import TeacherAnswers
from audioft.training.trainer import Trainer

SCALED = 64  # clips by which the teacher's states are scaled


@dataclass
class Made:
    """The parts of a distillation.

    Attributes:
        student: what trains.
        objective: see `Distillation`.
        dataset: what is heard.
        plan: in which steps.
        unlabelled: how many recordings without labels there are.
        processes: that share it.
    """

    student: Student
    objective: Distillation
    dataset: TaughtClips
    plan: StepPlan
    unlabelled: int
    processes: Processes

    def settle(self, folder: Path) -> None:
        """Find the scale of the teacher's states, once a run."""
        matched = self.objective.matched
        if matched is None:
            return
        path, processes = folder / "targets.safetensors", self.processes
        if processes.main and not path.is_file():
            every = max(1, len(self.dataset) // SCALED)
            draws = [[Draw(i, 0)] for i in range(0, len(self.dataset), every)]
            found = [b for b in loader(self.dataset, draws, 0) if isinstance(b, TaughtBatch) and len(b)]
            states = [s for b in found for s in self.objective.teacher(b.taught)[1]]
            clusters.save(path, None, states=Scale.of(torch.cat(states)))
        processes.wait()
        _, scales = clusters.load(path)
        self.objective.matched = replace(matched, scale=scales["states"])


def assemble(
    parts: build.Parts,
    how: Distilling,
    unlabelled: tuple[list[Clip], list[float]],
    teacher: AudioClassifier,
    place: Path,
) -> Made:
    """The parts of a distillation; nothing is computed yet.

    Args:
        parts: of the run.
        how: see there.
        unlabelled: see `without_labels`.
        teacher: the model.
        place: of what teachers say.

    Raises:
        ConfigError: layers are paired that are not there.
    """
    model, data = parts.model, parts.data
    index = data.side("train")
    pairs = _pairs(how, model, teacher)
    teacher.to(parts.processes.device)
    answers = TeacherAnswers(teacher, [theirs for _, theirs in pairs], place, parts.native)
    more, seconds = unlabelled
    targets, known = data.targets[index], data.known[index]
    blank = np.zeros((len(more), targets.shape[1]))
    inner = TrainingClips(
        [*data.clips("train"), *more],
        [*data.seconds("train"), *seconds],
        np.concatenate([targets, blank.astype(targets.dtype)]),
        np.concatenate([known, blank.astype(bool)]),
        Preparation(model.encoder.hearing, normalise=False, min_samples=0),
        parts.max_seconds,
        parts.config.seed,
        build.chain(parts.config.augment, model.encoder.hearing),
        build.single("mixup", parts.config.mixup),
        parts.multilabel,
    )
    loss = build.loss(parts.config, parts.multilabel, targets, known)
    heads, matched = None, None
    if pairs:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(parts.config.seed)
            heads = LayerHeads(model.encoder, teacher.encoder.hidden_size, len(pairs))
        none = Scale(torch.zeros(1), torch.ones(1))
        matched = Matched(tuple(own for own, _ in pairs), none, grid_of(model.encoder), grid_of(teacher.encoder))
    objective = Distillation(loss, answers, how.temperature, parts.multilabel, how.hard, how.soft, how.states, matched)
    student = Student(model, heads).to(parts.processes.device)
    dataset = TaughtClips(inner, preparation(model), preparation(teacher), how.views)
    return Made(student, objective, dataset, _plan(parts, how, len(index), len(more)), len(more), parts.processes)


def _pairs(how: Distilling, model: AudioClassifier, teacher: AudioClassifier) -> tuple[tuple[int, int], ...]:
    """The student's layers and those of the teacher that they learn from; none where no states are learnt."""
    if not how.states:
        return ()
    if isinstance(teacher, Ensemble) or not teacher.encoder.backbone.timed or not model.encoder.backbone.timed:
        if how.pairs:
            raise ConfigError("distilling.pairs: the teacher has no states that follow one another in time")
        return ()
    own, theirs = model.encoder.num_layers, teacher.encoder.num_layers
    if how.pairs is None:
        return tuple(stands_for(theirs, own)) if own <= theirs else ((own, theirs),)
    beyond = [pair for pair in how.pairs if not (0 <= pair[0] <= own and 0 <= pair[1] <= theirs)]
    if beyond:
        raise ConfigError(f"distilling.pairs: {beyond}, but the student has {own} layers and the teacher {theirs}")
    return how.pairs


def without_labels(parts: build.Parts, sources: Sequence[str], known: Heard) -> tuple[list[Clip], list[float]]:
    """Recordings to be heard without their labels, and the seconds of each: none that has labels, or is tested on.

    Args:
        parts: of the run.
        sources: folders, tables and recordings.
        known: what the teacher has heard.

    Raises:
        DataError: there are none, or too many bad ones.
    """
    if not sources:
        return [], []
    config, hearing = parts.config, parts.model.encoder.hearing
    found = pool.gather([pool.Source(s) for s in sources], config.data.allow_outside, config.data.audio_root)
    for note in found.notes:
        parts.console.say(f"note: {note}")
    checked = check(found.clips, parts.console, config.data.workers, hearing)
    checking.enforce(found.clips, checked, config.data.max_bad)
    own = {k.digest for k in parts.data.checked}
    clips, seconds, left = list[Clip](), list[float](), 0
    for clip, k in zip(found.clips, checked, strict=True):
        if k.problem is not None:
            continue
        if k.digest in own or known.side(k.digest, "") == "test":
            left += 1
            continue
        clips.append(clip)
        seconds.append(k.seconds)
    if left:
        parts.console.say(
            f"note: {counted(left, 'recording')} without labels left out: among the labelled ones, or tested on"
        )
    return clips, seconds


def _plan(parts: build.Parts, how: Distilling, labelled: int, unlabelled: int) -> StepPlan:
    """An epoch is once the labelled clips, and in between a share of those without labels."""
    t = parts.config.train
    if not unlabelled:
        return StepPlan(labelled, t.batch_size, parts.config.seed)
    each = how.unlabelled / (1 - how.unlabelled) * labelled / unlabelled
    weights = np.concatenate([np.ones(labelled), np.full(unlabelled, each)])
    return StepPlan(len(weights), t.batch_size, parts.config.seed, weights, round(float(weights.sum())))


def make_trainer(parts: build.Parts, made: Made, folder: Path, told: Mapping[str, Any]) -> Trainer:
    """The trainer, at its beginning.

    Args:
        parts, made: see there.
        folder: of the run.
        told: what makes it the same distillation.
    """
    config, model, t = parts.config, made.student, parts.config.train
    freeze = freezing.plan(config.freeze)
    clips = [*told_apart(parts.data), *((c.key, "unlabelled") for c in made.dataset.inner.clips)]
    about = {k: v for k, v in told.items() if k != "gigabytes"}
    clips.append(("teacher", made.objective.teacher.owner, str(sorted(about.items()))))
    loss, metric = made.objective.loss, parts.metric
    return Trainer(
        model,
        made.objective,
        made.dataset,
        made.plan,
        adamw(parameter_groups(model, t.lr, t.head_lr, t.layer_decay, t.weight_decay)),
        schedules.build(t.schedule, steps=made.plan.total(t.epochs)),
        epochs=t.epochs,
        checkpoints=Checkpoints(
            folder / "checkpoints", identity(config, clips, folder), t.keep, begun=lambda: worth_keeping(folder)
        ),
        processes=parts.processes,
        validate=(lambda: validation.figures(parts)) if len(parts.data.side("valid")) else None,
        begin_epoch=lambda epoch: freezing.apply(freezing.at_epoch(freeze, epoch), model.encoder),
        begin_step=lambda step: loss.at(made.plan.epoch_of(step)),
        metric=metric,
        higher_is_better=metrics.rises(metric),
        patience=0,
        accumulate=t.accumulate,
        clip_norm=t.clip_norm,
        precision=parts.precision,
        workers=config.data.workers,
        seed=config.seed,
        log_every=t.log_every,
        saving=Saving(t.save_steps, t.save_minutes),
        averaging=Averaging(t.ema, t.average_last),
    )
