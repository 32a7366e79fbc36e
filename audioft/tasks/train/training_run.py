"""One fine-tuning run, from a config to a run folder: the steps behind `audioft.finetune`."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from audioft.assembly import build, read_on, recipe
from audioft.assembly.fitting import fit, throughput
from audioft.assembly.run_beginning import beginning, prepare
from audioft.assembly.run_folder import Run, as_begun
from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.core import workers
from audioft.core.progress import Console, spell_seconds
from audioft.core.runtime import Processes, choose_precision
from audioft.data import manifest as manifests
from audioft.errors import AnotherRunError
from audioft.tasks.train import budget, dry_run, few_shot_run, final_report, kept_epoch, pace, probe_run
from audioft.training.callbacks import Callback, MetricsFile, TensorBoard, Watching, lost
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
    fitted = fit.fit(
        parts,
        folder,
        chosen=chosen,
        resume=(lambda trainer: _resume(trainer, folder, parts)) if resume else None,
        listeners=lambda trainer: _listeners(parts, trainer, folder),
    )
    if processes.main:
        pace.keep(parts, fitted.cache, filling=fitted.filling, training=fitted.training, share=fitted.share)
        final_report.finish(parts, folder, _learnt(parts, fitted))  # others need not wait
        for made in ("decoded", "states"):
            shutil.rmtree(folder / made, ignore_errors=True)
    return Run(folder)


def _learnt(parts: build.Parts, fitted: fit.Fitted) -> final_report.Learnt:
    """Put the best weights into the model, and tell how it came by them."""
    clips, state, trainer = parts.data.clips("train"), fitted.state, fitted.trainer
    fit.take_best(parts, fitted)
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
            **({"fitted to": "the train and the validation side"} if fitted.again else {}),
            **({"steps skipped, not finite": state.bad} if state.bad else {}),
        },
        best_epoch=state.best_epoch,
        fitted_to_both=fitted.again,
        validated=fitted.validated,
    )


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


def _listeners(parts: build.Parts, trainer: Trainer, folder: Path) -> list[Callback]:
    parts.data.save(folder / "manifest.csv")
    step = trainer.state.step
    callbacks: list[Callback] = [MetricsFile(folder / "metrics.jsonl", step)]
    if parts.config.train.tensorboard:
        callbacks.append(TensorBoard(folder / "tensorboard", step))
    callbacks.append(Watching(parts.console, trainer.total_steps, step, parts.figure, parts.metric))
    return callbacks
