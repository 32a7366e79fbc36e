"""One fine-tuning run, from a config to a run folder: the steps behind `audioft.finetune`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from audioft import build, few_shot_settings, finishing, listening, recordings, scored, starting
from audioft.config import Config
from audioft.data import manifest as manifests
from audioft.data.batching import StepPlan
from audioft.data.dataset import TrainingClips
from audioft.data.decoded import within_long
from audioft.data.frames import FrameGrid, TrainingWindows
from audioft.evaluation.metrics import METRICS, compute
from audioft.evaluation.scoring import log_loss, preparation
from audioft.models import adapting, freezing
from audioft.models.classifier import AudioClassifier
from audioft.models.loading import LoadReport
from audioft.progress import Console, spell_seconds
from audioft.run import Run, identity, prepare
from audioft.runtime import Processes, choose_precision, explain_precision
from audioft.training.callbacks import Callback, MetricsFile, TensorBoard, Watching
from audioft.training.checkpoint import Checkpoints, State
from audioft.training.objectives import Classification
from audioft.training.optim import adamw, count_parameters, parameter_groups
from audioft.training.schedules import schedules
from audioft.training.trainer import Saving, Trainer


def make_ready(folder: Path, config: Config, *, resume: bool, overwrite: bool) -> None:
    """Make the folder ready for a run; a run in it is replaced only once data and model are known to be right."""
    if overwrite and folder.is_dir():
        data, _, _ = _from_headers(config, Console(quiet=True))
        build.loss(config, data.manifest.multilabel, data.targets, data.known)
    prepare(folder, config, resume=resume, overwrite=overwrite)


def run(config: Config, folder: Path, processes: Processes, console: Console, resume: bool) -> Run:
    """Train, evaluate and write everything into `folder`, which `make_ready` has made ready."""
    start = starting.load(config)
    data = recordings.load(config, console, start=start, bad_files=folder / "bad_files.csv" if processes.main else None)
    build.loss(
        config, data.manifest.multilabel, data.targets, data.known
    )  # whether it fits the labels, before the model
    model, loaded = build.classifier(config, data.manifest.labels, data.manifest.multilabel, start)
    model.to(processes.device)
    precision = choose_precision(config.train.precision, processes.device)
    parts = build.Parts(config, data, model, loaded, processes, precision, console)
    introduce(parts)
    if processes.main:
        manifests.save(data.manifest, data.split, folder / "manifest.csv", data.checked)
    trainer = make_trainer(parts, folder)
    if resume:
        _resume(trainer, console)
    if processes.main:
        trainer.callbacks = _callbacks(parts, trainer, folder)
    state = trainer.fit()
    if processes.main:
        finishing.finish(parts, folder, _best(parts, trainer, state))  # the others need not wait for it
        shutil.rmtree(folder / "decoded", ignore_errors=True)
    return Run(folder)


def _best(parts: build.Parts, trainer: Trainer, state: State) -> finishing.Learnt:
    """Put the best weights into the model, and tell how it came by them."""
    best, clips = trainer.checkpoints.load_best(parts.model), parts.data.clips("train")
    return finishing.Learnt(
        failures=[(clips[int(i)].key, stage, reason) for i, (stage, reason) in state.failures.items()],
        about={
            "best epoch": f"{best['epoch']} of {parts.config.train.epochs}, by {parts.metric}",
            "training time": spell_seconds(state.seconds),
        },
        best_epoch=best["epoch"],
    )


def introduce(parts: build.Parts) -> None:
    """Say what will be trained on what."""
    data, console = parts.data, parts.console
    m = data.manifest
    kind = "several labels a clip" if m.multilabel else "one label a clip"
    hours = sum(c.seconds for c in data.checked) / 3600
    console.say(f"data: {len(m.clips)} clips, {hours:.2f} hours, {len(m.labels)} labels ({kind}), from {m.layout}")
    console.say("split: " + ", ".join(f"{side} {len(data.side(side))}" for side in recordings.SIDES))
    console.say(f"encoder: {parts.loaded}")
    trained, total = count_parameters(parts.model)
    policy = freezing.at_epoch(freezing.plan(parts.config.freeze), 0)
    said = adapting.describe(parts.model.encoder, lambda: freezing.describe(policy))
    console.say(f"parameters: {trained:,} of {total:,} train ({said})")
    fellows = f", {parts.processes.count} processes" if parts.processes.count > 1 else ""
    precision = explain_precision(parts.config.train.precision, parts.processes.device)
    console.say(f"computing on {parts.processes.device} in {precision}{fellows}")


def plan(config: Config, console: Console, examples: Path | None) -> None:
    """What a run would do, from headers alone: the split by label, what trains, how many steps; and examples."""
    data, model, loaded = _from_headers(config, console)
    processes = Processes(config.train.device)
    precision = choose_precision(config.train.precision, processes.device)
    parts = build.Parts(config, data, model, loaded, processes, precision, console)
    introduce(parts)
    for part, parameters in model.encoder.parts():
        size = sum(p.numel() for p in parameters)
        free = sum(p.numel() for p in parameters if p.requires_grad)
        told = "frozen" if not free else "trains" if free == size else f"{free:,} train"
        console.say(f"  {part:<18} {size:>12,}  {told}")
    few = few_shot_settings.wanted(config)
    size = sum(t.numel() for t in (*model.head_parameters(), *model.head.buffers()))
    console.say(f"  {'head':<18} {size:>12,}  {'is fitted' if few else 'trains'}")
    steps = -(-len(data.side("train")) // config.train.batch_size)
    console.say("steps: none, one pass over the clips" if few else f"steps: {config.train.epochs} epochs of {steps}")
    width = max(len(x) for x in ("label", *data.manifest.labels))
    unsure = not data.known.all()
    console.say(f"{'label':<{width}} " + "".join(f"{side:>8}" for side in recordings.SIDES) + " unknown" * unsure)
    present = (data.targets * data.known) > 0
    for column, label in enumerate(data.manifest.labels):
        counts = [int(present[data.side(side), column].sum()) for side in recordings.SIDES]
        counts += [int((~data.known[:, column]).sum())] if unsure else []
        console.say(f"{label:<{width}} " + "".join(f"{n:>8}" for n in counts))
    if examples is not None:
        from audioft.augmentation.examples import write_examples

        chain = build.chain(config)
        if chain is None:
            console.say(
                "note: no augmentations are set, so no examples are written; try --config configs/quick_cpu.yaml"
            )
            return
        picture = write_examples(
            examples,
            chain,
            data.clips("train"),
            model.encoder.sample_rate,
            config.data.max_seconds,
            config.seed,
        )
        console.say(f"examples: {picture}")


def _from_headers(config: Config, console: Console) -> tuple[recordings.Data, AudioClassifier, LoadReport]:
    """The data as its headers tell it, and the model that a run would begin with."""
    start = starting.load(config)
    data = recordings.load(config, console, start=start, headers_only=True)
    return data, *build.classifier(config, data.manifest.labels, data.manifest.multilabel, start)


def make_trainer(parts: build.Parts, folder: Path) -> Trainer:
    """The trainer of a run, at its beginning."""
    config, data, model = parts.config, parts.data, parts.model
    t = config.train
    index = data.side("train")
    dataset = _dataset(parts, folder / "decoded")
    weights = build.sampling_weights(config, data.targets[index], data.known[index])
    plan = StepPlan(len(dataset), t.batch_size, config.seed, weights)
    clips = [
        (data.manifest.clips[i].key, side, data.checked[i].digest) for side in recordings.SIDES for i in data.side(side)
    ]
    metric = parts.metric
    freeze = freezing.plan(config.freeze)
    loss = build.loss(config, parts.multilabel, data.targets[index], data.known[index])

    def begin_epoch(epoch: int) -> None:
        policy = freezing.at_epoch(freeze, epoch)
        freezing.apply(policy, model.encoder)
        if epoch in freeze and epoch > 0:
            trained, total = count_parameters(model)
            said = adapting.describe(model.encoder, lambda: freezing.describe(policy))
            parts.console.say(f"epoch {epoch + 1}: {said}, {trained:,} of {total:,} parameters train")

    return Trainer(
        model,
        Classification(loss, build.single("latent", config.latent)),
        dataset,
        plan,
        adamw(parameter_groups(model, t.lr, t.head_lr, t.layer_decay, t.weight_decay)),
        schedules.build(t.schedule, steps=t.epochs * plan.steps),
        epochs=t.epochs,
        checkpoints=Checkpoints(folder / "checkpoints", identity(config, clips), t.keep),
        processes=parts.processes,
        validate=(lambda: validate(parts)) if len(data.side("valid")) else None,
        begin_epoch=begin_epoch,
        begin_step=lambda step: loss.at(step / plan.steps),
        metric=metric,
        higher_is_better=metric in METRICS and METRICS[metric].higher_is_better,
        patience=t.patience,
        accumulate=t.accumulate,
        clip_norm=t.clip_norm,
        precision=parts.precision,
        workers=config.data.workers,
        seed=config.seed,
        log_every=t.log_every,
        saving=Saving(t.save_steps, t.save_minutes),
    )


def _dataset(parts: build.Parts, place: Path) -> TrainingClips:
    """What is trained on: clips, or windows with a target for each frame; long recordings decoded into `place`."""
    config, data, model = parts.config, parts.data, parts.model
    clips = data.clips("train")
    with parts.console.job("decoding long recordings", len(clips)) as job:
        if parts.processes.main:
            quick = within_long(clips, place, model.encoder.sample_rate, job.at)
    parts.processes.wait()
    if not parts.processes.main:  # all files are there by now
        quick = within_long(clips, place, model.encoder.sample_rate, lambda done: None)
    index = data.side("train")
    how: dict[str, Any] = {
        "seconds": data.seconds("train"),
        "targets": data.targets[index],
        "known": data.known[index],
        "prepare": preparation(model),
        "max_seconds": config.data.max_seconds,
        "seed": config.seed,
        "augment": build.chain(config),
        "mixup": build.single("mixup", config.mixup),
        "multilabel": parts.multilabel,
    }
    if not model.frame_level:
        return TrainingClips(quick, **how)
    assert data.manifest.events is not None
    grid = FrameGrid(model.encoder.convolutions, model.encoder.sample_rate)
    return TrainingWindows(quick, data.manifest.events, data.manifest.labels, grid, **how)


def validate(parts: build.Parts) -> dict[str, float]:
    """The figures of the validation side, the same on every process."""
    e = parts.config.evaluate
    if parts.model.frame_level:
        return listening.validate(
            parts.model,
            listening.side(parts.data, "valid"),
            parts.data.manifest.labels,
            window=parts.config.data.max_seconds,
            batch_seconds=e.batch_seconds,
            precision=parts.precision,
            processes=parts.processes,
        )
    found = scored.score_side(
        parts.model,
        parts.data,
        "valid",
        window=parts.config.data.max_seconds,
        batch_seconds=e.batch_seconds,
        precision=parts.precision,
        processes=parts.processes,
    )
    p = found.predictions
    return {"loss": log_loss(p.scores, p.targets, p.known, p.multilabel)} | compute(p)


def _resume(trainer: Trainer, console: Console) -> None:
    if not trainer.checkpoints.written():
        console.say("note: the run was stopped before its first checkpoint; beginning at its first step")
        return
    for sentence in trainer.resume():
        console.say(f"note: {sentence}")
    console.say(f"resumed after step {trainer.state.step} of {trainer.total_steps}")


def _callbacks(parts: build.Parts, trainer: Trainer, folder: Path) -> list[Callback]:
    step = trainer.state.step
    callbacks: list[Callback] = [MetricsFile(folder / "metrics.jsonl", step)]
    if parts.config.train.tensorboard:
        callbacks.append(TensorBoard(folder / "tensorboard", step))
    callbacks.append(Watching(parts.console, trainer.total_steps, step, parts.metric))
    return callbacks
