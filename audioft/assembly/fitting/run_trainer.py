"""The trainer of a run."""

from __future__ import annotations

from pathlib import Path

from audioft.assembly import build, recordings
from audioft.assembly.fitting import frozen_cache, throughput, validation
from audioft.assembly.run_beginning import worth_keeping
from audioft.assembly.run_folder import identity
from audioft.data.dataset import TrainingClips
from audioft.data.rows import label_cell
from audioft.evaluation import metrics
from audioft.models import adapting, freezing
from audioft.training.averaging import Averaging
from audioft.training.cached import FromBoundary
from audioft.training.checkpoint import Checkpoints, Saving
from audioft.training.optim import adamw, count_parameters, parameter_groups
from audioft.training.schedules import schedules
from audioft.training.trainer import Trainer


def make_trainer(
    parts: build.Parts,
    folder: Path,
    dataset: TrainingClips,
    cache: frozen_cache.Cache | None = None,
    apart: float = 0.0,
) -> Trainer:
    """The trainer of a run, at its beginning; with a cache it computes what is frozen no more.

    Checkpoints after an epoch lie at least `apart` seconds apart.
    """
    config, data, model = parts.config, parts.data, parts.model
    t = config.train
    index = data.side("train")
    plan = throughput.step_plan(config, data, model.encoder)
    parts.console.say("\n".join(throughput.steps_told(parts, plan)))
    if (t.ema is not None or t.average_last) and not t.epochs:
        parts.console.say("note: nothing is trained, so that train.ema and train.average_last average nothing")
    metric = parts.metric
    freeze = freezing.plan(config.freeze)
    loss = build.loss(config, parts.multilabel, data.targets[index], data.known[index])

    def begin_epoch(epoch: int) -> None:
        if cache is not None:
            cache.epoch = epoch
        policy = freezing.at_epoch(freeze, epoch)
        freezing.apply(policy, model.encoder)
        if epoch in freeze and epoch > 0:
            trained, total = count_parameters(model)
            said = adapting.describe(model.encoder, lambda: freezing.describe(policy))
            parts.console.say(f"epoch {epoch + 1}: {said}, {trained:,} of {total:,} parameters train")

    return Trainer(
        model,
        FromBoundary(loss, build.single("latent", config.latent)),
        dataset if cache is None else cache.clips,
        plan,
        adamw(parameter_groups(model, t.lr, t.head_lr, t.layer_decay, t.weight_decay)),
        schedules.build(t.schedule, steps=plan.total(t.epochs)),
        epochs=t.epochs,
        checkpoints=Checkpoints(
            folder / "checkpoints",
            identity(config, told_apart(data), folder),
            t.keep,
            frozen_cache.never_free(parts),
            lambda: worth_keeping(folder),
        ),
        processes=parts.processes,
        validate=(lambda: validation.figures(parts, cache)) if len(data.side("valid")) else None,
        begin_epoch=begin_epoch,
        begin_step=lambda step: loss.at(plan.epoch_of(step)),
        metric=metric,
        higher_is_better=metrics.rises(metric),
        patience=t.patience,
        accumulate=t.accumulate,
        clip_norm=t.clip_norm,
        precision=parts.precision,
        workers=0 if cache is not None and cache.always else config.data.workers,
        seed=config.seed,
        log_every=t.log_every,
        saving=Saving(t.save_steps, t.save_minutes, apart),
        averaging=Averaging(t.ema, t.average_last),
    )


def told_apart(data: recordings.Data) -> list[tuple[str, ...]]:
    """What makes data the same: place, side, content and labels of each clip, and what happens in each recording."""
    manifest, found = data.manifest, list[tuple[str, ...]]()
    for side in recordings.SIDES:
        for i in data.side(side):
            clip = manifest.clips[i]
            found.append((clip.key, side, data.checked[i].digest, label_cell(clip, manifest.multilabel)))
    for name, events in (manifest.events or {}).items():
        found.append((name, str([(e.start, e.end, e.label) for e in events])))
    return found
