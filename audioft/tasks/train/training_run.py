"""One fine-tuning run, from a config to a run folder: the steps behind `audioft.finetune`."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from pathlib import Path

from audioft.assembly import build, event_scores, read_on, recipe, recordings, side_scores
from audioft.assembly.run_beginning import beginning, prepare, worth_keeping
from audioft.assembly.run_folder import Run, as_begun, identity
from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.configuration.values import REFINED
from audioft.core import workers
from audioft.core.progress import Console, spell_seconds
from audioft.core.runtime import Processes, choose_precision
from audioft.data import manifest as manifests
from audioft.data.dataset import TrainingClips
from audioft.data.rows import label_cell
from audioft.errors import AnotherRunError, AudioftError
from audioft.evaluation.metrics import METRICS, compute
from audioft.evaluation.predictions import Predictions, log_loss, refined_loss
from audioft.models import adapting, freezing
from audioft.models.heads import linear_start
from audioft.tasks.train import (
    budget,
    dry_run,
    few_shot_run,
    final_report,
    frozen_cache,
    kept_epoch,
    pace,
    probe_again,
    probe_choice,
    probe_run,
    probe_start,
    throughput,
    training_clips,
)
from audioft.tasks.train.final_report import scoring
from audioft.training.cached import FromBoundary
from audioft.training.callbacks import Callback, MetricsFile, TensorBoard, Watching, lost
from audioft.training.checkpoint import Checkpoints, Saving
from audioft.training.optim import adamw, count_parameters, parameter_groups
from audioft.training.schedules import schedules
from audioft.training.state import State
from audioft.training.trainer import Trainer


def start(
    config: Config, folder: Path, *, resume: bool, overwrite: bool, console: Console, began: float | None = None
) -> Run:
    """A run in a folder that this process holds, that began at a time by `time.monotonic`: see `audioft.finetune`."""
    began = time.monotonic() if began is None else began
    processes = Processes(config.train.device)
    folder = Path(processes.gather([str(folder)])[0])
    console = console if processes.main else Console(quiet=True)
    config = config if resume else read_on.as_start(config, console)
    if config.data.workers and not few_shot.wanted(config):
        workers.refuse([build.chain(config.augment), build.single("mixup", config.mixup)])
    with beginning(folder, new=processes.main and not resume):
        if config.start.probe is not None:
            return _of_a_probe(config, folder, processes, console, resume=resume, overwrite=overwrite)
        if processes.main:
            prepare(folder, config, resume=resume, overwrite=overwrite)
        processes.wait()
        config = as_begun(config, folder) if resume else config
        if few_shot.wanted(config):
            return few_shot_run.run(config, folder, processes, console)
        return run(config, folder, processes, console, resume, began)


def _of_a_probe(
    config: Config, folder: Path, processes: Processes, console: Console, *, resume: bool, overwrite: bool
) -> Run:
    """One process makes the model; the others have nothing to do."""
    made = probe_run.run(config, folder, console, resume=resume, overwrite=overwrite) if processes.main else Run(folder)
    processes.wait()
    return made


def run(config: Config, folder: Path, processes: Processes, console: Console, resume: bool, since: float) -> Run:
    """Train, evaluate and write everything into `folder`, which `prepare` has made ready."""
    precision = choose_precision(config.train.precision, processes.device)
    bad_files = folder / "bad_files.csv" if processes.main else None
    chosen = recipe.kept(folder) if resume else {}
    parts = build.assembled(config, processes, console, precision, bad_files=bad_files, chosen=chosen)
    budget.settle(parts, config, since, folder, chosen)
    dry_run.introduce(parts)
    candidates = probe_choice.open_to(parts, chosen)
    inner = training_clips.clips_of(parts, folder / "decoded")
    heard = None
    if candidates is not None and freezing.counts_from_above(parts.config.freeze):  # as the cache then does, too
        heard, candidates = probe_choice.settle(parts, None, candidates, chosen), None
    began = time.monotonic()
    with frozen_cache.opened(parts, inner, folder / "states") as cache:
        filled = time.monotonic()
        if candidates is not None:
            heard = probe_choice.settle(parts, cache, candidates, chosen)
        if processes.main and not chosen.keys() >= {*recipe.OF_THE_MODEL}:
            recipe.keep(parts.asked, parts.config, folder)
        from_probe = probe_start.wanted(parts)
        if from_probe:
            linear_start.standardise(parts.model)
        trainer = make_trainer(parts, folder, inner, cache)
        if resume:
            _resume(trainer, folder, parts)
        heard = probe_start.begin(parts, inner, cache, heard) if from_probe and trainer.state.fresh else None
        if processes.main:
            parts.data.save(folder / "manifest.csv")
            trainer.callbacks = _callbacks(parts, trainer, folder)
        before, begun = trainer.state.step, time.monotonic()
        state = trainer.fit(validate_first=heard is not None)
        if 1 < state.step <= state.skipped + 1:
            raise AudioftError(
                "the loss was not finite in any step but the first: the weights diverged; lower train.lr"
            )
        again = from_probe and probe_again.wanted(parts, trainer)
        validated = probe_again.fit(parts, trainer, cache, heard) if again else None
        took, share = time.monotonic() - begun, (state.step - before) / max(1, trainer.total_steps)
    if processes.main:
        pace.keep(parts, cache, filling=filled - began, training=took, share=share)
        learnt = _best(parts, trainer, state, again)
        final_report.finish(parts, folder, dataclasses.replace(learnt, validated=validated))  # others need not wait
        for made in ("decoded", "states"):
            shutil.rmtree(folder / made, ignore_errors=True)
    return Run(folder)


def _best(parts: build.Parts, trainer: Trainer, state: State, fitted: bool) -> final_report.Learnt:
    """Put the best weights into the model, unless it was `fitted` since, and tell how it came by them."""
    assert state.best_epoch is not None  # the first epoch that is validated is the best so far
    clips = parts.data.clips("train")
    if not fitted:
        trainer.checkpoints.load_best(parts.model, state.best_epoch)
    linear_start.fold(parts.model)
    waiting = throughput.waiting_told(trainer.waiting, parts.config)
    validated = bool(len(parts.data.side("valid")))
    if state.step:
        parts.console.say(f"the model waited for data {waiting}")
    parts.console.say("\n".join(kept_epoch.told(state, parts.config.train, parts.metric, validated=validated)))
    return final_report.Learnt(
        failures=[(clips[int(i)].key, stage, reason) for i, (stage, reason) in state.failures.items()],
        about={
            "best epoch": f"{state.best_epoch} of {parts.config.train.epochs}, by {parts.metric}",
            "training time": spell_seconds(state.seconds),
            "waiting for data": waiting,
            **({"fitted to": "the train and the validation side"} if fitted else {}),
            **({"steps skipped, not finite": state.bad} if state.bad else {}),
        },
        best_epoch=state.best_epoch,
        fitted_to_both=fitted,
    )


def make_trainer(
    parts: build.Parts, folder: Path, dataset: TrainingClips, cache: frozen_cache.Cache | None = None
) -> Trainer:
    """The trainer of a run, at its beginning; with a cache it computes what is frozen no more."""
    config, data, model = parts.config, parts.data, parts.model
    t = config.train
    index = data.side("train")
    plan = throughput.step_plan(config, data, model.encoder)
    parts.console.say("\n".join(dry_run.steps_told(parts, plan)))
    clips = _told_apart(data)
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
            identity(config, clips, folder),
            t.keep,
            frozen_cache.never_free(parts),
            lambda: worth_keeping(folder),
        ),
        processes=parts.processes,
        validate=(lambda: validate(parts, cache)) if len(data.side("valid")) else None,
        begin_epoch=begin_epoch,
        begin_step=lambda step: loss.at(plan.epoch_of(step)),
        metric=metric,
        higher_is_better=metric in METRICS and METRICS[metric].higher_is_better,
        patience=t.patience,
        accumulate=t.accumulate,
        clip_norm=t.clip_norm,
        precision=parts.precision,
        workers=0 if cache is not None and cache.always else config.data.workers,
        seed=config.seed,
        log_every=t.log_every,
        saving=Saving(t.save_steps, t.save_minutes),
    )


def _told_apart(data: recordings.Data) -> list[tuple[str, ...]]:
    """What makes data the same: place, side, content and labels of each clip, and what happens in each recording."""
    manifest, found = data.manifest, list[tuple[str, ...]]()
    for side in recordings.SIDES:
        for i in data.side(side):
            clip = manifest.clips[i]
            found.append((clip.key, side, data.checked[i].digest, label_cell(clip, manifest.multilabel)))
    for name, events in (manifest.events or {}).items():
        found.append((name, str([(e.start, e.end, e.label) for e in events])))
    return found


def validate(parts: build.Parts, cache: frozen_cache.Cache | None = None) -> dict[str, float]:
    """The figures of the validation side, the same on every process."""
    cut = None if cache is None else cache.cut_of(cache.epoch)
    if cache is not None and cut is not None:
        return figures(side_scores.predictions(parts.data, "valid", cache.score(cut)))
    how = dataclasses.replace(scoring(parts), processes=parts.processes)
    if parts.model.frame_level:
        labels = parts.data.manifest.labels
        return event_scores.validate(parts.model, event_scores.side(parts.data, "valid"), labels, how)
    return figures(side_scores.score_side(parts.model, parts.data, "valid", how).predictions)


def figures(p: Predictions) -> dict[str, float]:
    """Loss and metrics of predictions."""
    given = p.scores, p.targets, p.known, p.multilabel
    refined, error = refined_loss(*given)
    return {"loss": log_loss(*given), REFINED: refined, f"{REFINED}_error": error} | compute(p)


def _resume(trainer: Trainer, folder: Path, parts: build.Parts) -> None:
    console = parts.console
    if not trainer.checkpoints.written():
        console.say("note: the run was stopped before its first checkpoint; beginning at its first step")
        return
    try:
        sentences = trainer.resume()
    except AnotherRunError as e:
        raise AnotherRunError(f"{e}{_changes(folder, parts)}") from None
    for sentence in sentences:
        console.say(f"note: {sentence}")
    if (said := lost(folder / "metrics.jsonl", trainer.state.step)) is not None:
        console.say(f"note: {said}")
    done = "; training had ended: it is measured again" if trainer.state.finished else ""
    console.say(f"resumed after step {trainer.state.step} of {trainer.total_steps}{done}")


def _changes(folder: Path, parts: build.Parts) -> str:
    """How the data differs from that which the run began with; a list to follow a sentence."""
    before = manifests.saved(folder / "manifest.csv")
    with tempfile.TemporaryDirectory() as place:
        parts.data.save(Path(place) / "now.csv")
        now = manifests.saved(Path(place) / "now.csv")
    told = [f"{key} is gone" for key in before.keys() - now.keys()]
    told += [f"{key} is new" for key in now.keys() - before.keys()]
    for key in before.keys() & now.keys():
        pairs = [(c, before[key].get(c), now[key].get(c)) for c in ("sha256", "split", "label", "labels")]
        told += [f"{key} has another {c}" for c, was, is_now in pairs if was != is_now]
    if not told:
        told = [f"{folder / 'config.yaml'} was changed since"]
    more = [f"and {len(told) - 5} more"] if len(told) > 5 else []
    return "".join(f"\n  - {t}" for t in [*sorted(told)[:5], *more])


def _callbacks(parts: build.Parts, trainer: Trainer, folder: Path) -> list[Callback]:
    step = trainer.state.step
    callbacks: list[Callback] = [MetricsFile(folder / "metrics.jsonl", step)]
    if parts.config.train.tensorboard:
        callbacks.append(TensorBoard(folder / "tensorboard", step))
    callbacks.append(Watching(parts.console, trainer.total_steps, step, parts.figure, parts.metric))
    return callbacks
