"""One fine-tuning run, from a config to a run folder: the steps behind `audioft.finetune`."""

from __future__ import annotations

import dataclasses
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audioft import build, scored
from audioft.config import Config
from audioft.data import manifest as manifests
from audioft.data.batching import StepPlan
from audioft.data.dataset import TrainingClips
from audioft.evaluation.html import write_html
from audioft.evaluation.metrics import METRICS, compute
from audioft.evaluation.report import Report, make_report
from audioft.evaluation.scoring import log_loss, preparation
from audioft.evaluation.thresholds import choose_thresholds
from audioft.models import folder as model_folder
from audioft.models import freezing
from audioft.models.classifier import AudioClassifier
from audioft.models.folder import ModelCard
from audioft.models.loading import LoadReport
from audioft.progress import Console, spell_seconds
from audioft.run import Run, identity
from audioft.runtime import Processes, choose_precision
from audioft.training.callbacks import Callback, MetricsFile, TensorBoard, Watching
from audioft.training.checkpoint import Checkpoints, State
from audioft.training.objectives import Classification
from audioft.training.optim import adamw, count_parameters, parameter_groups
from audioft.training.schedules import schedules
from audioft.training.trainer import Saving, Trainer


@dataclass
class Parts:
    """What a run is made of, once data and model are there."""

    config: Config
    data: build.Data
    model: AudioClassifier
    loaded: LoadReport
    processes: Processes
    precision: str
    console: Console

    @property
    def multilabel(self) -> bool:
        return self.data.manifest.multilabel

    @property
    def metric(self) -> str:
        return self.config.train.metric or ("map" if self.multilabel else "accuracy")


def run(config: Config, folder: Path, processes: Processes, console: Console, resume: bool) -> Run:
    """Train, evaluate and write everything into `folder`, which `run.prepare` has made ready."""
    data = build.data(config, console, bad_files=folder / "bad_files.csv" if processes.main else None)
    model, loaded = build.classifier(config, len(data.manifest.labels))
    model.to(processes.device)
    precision = choose_precision(config.train.precision, processes.device)
    parts = Parts(config, data, model, loaded, processes, precision, console)
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
        _finish(parts, trainer, folder, state)
    processes.wait()
    return Run(folder)


def introduce(parts: Parts) -> None:
    """Say what will be trained on what."""
    data, console = parts.data, parts.console
    m = data.manifest
    kind = "several labels a clip" if m.multilabel else "one label a clip"
    hours = sum(c.seconds for c in data.checked) / 3600
    console.say(f"data: {len(m.clips)} clips, {hours:.2f} hours, {len(m.labels)} labels ({kind}), from {m.layout}")
    console.say("split: " + ", ".join(f"{side} {len(data.side(side))}" for side in build.SIDES))
    console.say(f"encoder: {parts.loaded}")
    trained, total = count_parameters(parts.model)
    policy = freezing.describe(freezing.at_epoch(freezing.plan(parts.config.freeze), 0))
    console.say(f"parameters: {trained:,} of {total:,} train ({policy})")
    fellows = f", {parts.processes.count} processes" if parts.processes.count > 1 else ""
    console.say(f"computing on {parts.processes.device} in {parts.precision}{fellows}")


def plan(config: Config, console: Console, examples: Path | None) -> None:
    """What a run would do, from headers alone: the split by label, what trains, how many steps; and examples."""
    data = build.data(config, console, headers_only=True)
    model, loaded = build.classifier(config, len(data.manifest.labels))
    processes = Processes(config.train.device)
    precision = choose_precision(config.train.precision, processes.device)
    parts = Parts(config, data, model, loaded, processes, precision, console)
    introduce(parts)
    for part, parameters in model.encoder.parts():
        size = sum(p.numel() for p in parameters)
        console.say(f"  {part:<18} {size:>12,}  {'frozen' if part in model.encoder.frozen else 'trains'}")
    console.say(f"  {'head':<18} {sum(p.numel() for p in model.head_parameters()):>12,}  trains")
    steps = -(-len(data.side("train")) // config.train.batch_size)
    console.say(f"steps: {config.train.epochs} epochs of {steps}")
    width = max(len(x) for x in ("label", *data.manifest.labels))
    console.say(f"{'label':<{width}} " + "".join(f"{side:>8}" for side in build.SIDES))
    present = (data.targets * data.known) > 0
    for column, label in enumerate(data.manifest.labels):
        counts = [int(present[data.side(side), column].sum()) for side in build.SIDES]
        console.say(f"{label:<{width}} " + "".join(f"{n:>8}" for n in counts))
    if examples is not None:
        from audioft.augmentation.examples import write_examples

        chain = build.chain(config)
        if chain is None:
            console.say("note: no augmentations are set (augment: [...]), so no examples are written")
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


def make_trainer(parts: Parts, folder: Path) -> Trainer:
    """The trainer of a run, at its beginning."""
    config, data, model = parts.config, parts.data, parts.model
    t = config.train
    index = data.side("train")
    dataset = TrainingClips(
        clips=data.clips("train"),
        seconds=data.seconds("train"),
        targets=data.targets[index],
        known=data.known[index],
        prepare=preparation(model),
        max_seconds=config.data.max_seconds,
        seed=config.seed,
        augment=build.chain(config),
        mixup=build.single("mixup", config.mixup),
        multilabel=parts.multilabel,
    )
    weights = build.sampling_weights(config, data.targets[index], data.known[index])
    plan = StepPlan(len(dataset), t.batch_size, config.seed, weights)
    clips = [
        (data.manifest.clips[i].key, side, data.checked[i].digest) for side in build.SIDES for i in data.side(side)
    ]
    metric = parts.metric
    freeze = freezing.plan(config.freeze)

    def begin_epoch(epoch: int) -> None:
        policy = freezing.at_epoch(freeze, epoch)
        freezing.apply(policy, model.encoder)
        if epoch in freeze and epoch > 0:
            trained, total = count_parameters(model)
            parts.console.say(
                f"epoch {epoch + 1}: {freezing.describe(policy)}, {trained:,} of {total:,} parameters train"
            )

    return Trainer(
        model,
        Classification(
            build.loss(config, parts.multilabel, data.targets[index], data.known[index]),
            build.single("latent", config.latent),
        ),
        dataset,
        plan,
        adamw(parameter_groups(model, t.lr, t.head_lr, t.layer_decay, t.weight_decay)),
        schedules.build(t.schedule, steps=t.epochs * plan.steps),
        epochs=t.epochs,
        checkpoints=Checkpoints(folder / "checkpoints", identity(config, clips), t.keep),
        processes=parts.processes,
        validate=(lambda: validate(parts)) if len(data.side("valid")) else None,
        begin_epoch=begin_epoch,
        metric=metric,
        higher_is_better=metric != "loss" and METRICS[metric].higher_is_better,
        patience=t.patience,
        accumulate=t.accumulate,
        clip_norm=t.clip_norm,
        precision=parts.precision,
        workers=config.data.workers,
        seed=config.seed,
        log_every=t.log_every,
        saving=Saving(t.save_steps, t.save_minutes),
    )


def validate(parts: Parts) -> dict[str, float]:
    """The figures of the validation side, the same on every process."""
    e = parts.config.evaluate
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
    for sentence in trainer.resume():
        console.say(f"note: {sentence}")
    console.say(f"resumed after step {trainer.state.step} of {trainer.total_steps}")


def _callbacks(parts: Parts, trainer: Trainer, folder: Path) -> list[Callback]:
    step = trainer.state.step
    callbacks: list[Callback] = [MetricsFile(folder / "metrics.jsonl", step)]
    if parts.config.train.tensorboard:
        callbacks.append(TensorBoard(folder / "tensorboard", step))
    callbacks.append(Watching(parts.console, trainer.total_steps, step, parts.metric))
    return callbacks


def _finish(parts: Parts, trainer: Trainer, folder: Path, state: State) -> None:
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
    about = _about(parts, best, state, report)
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
    measured = {} if report is None else {report.side: {k: _finite(e.value) for k, e in report.metrics.items()}}
    return ModelCard(
        labels=data.manifest.labels,
        multilabel=parts.multilabel,
        window=parts.config.data.max_seconds,
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


def _about(parts: Parts, best: dict, state: State, report: Report | None) -> dict[str, Any]:
    trained, total = count_parameters(parts.model)
    return {
        "data": f"{parts.config.data.source}",
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
        "settings": {k: v for k, v in dataclasses.asdict(report).items() if k in ("side", "resamples")}
        if report
        else {},
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
