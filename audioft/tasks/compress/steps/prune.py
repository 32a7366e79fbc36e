"""Layers, attention heads and feed-forward units that matter least are taken away, and the rest is trained again."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from audioft.assembly import build, recipe, run_beginning
from audioft.assembly.fitting import fit, validation
from audioft.core import storage
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.evaluation import metrics
from audioft.models import folder as model_folder
from audioft.models.classifier import AudioClassifier
from audioft.models.compression import importance, int8, layout
from audioft.models.compression.importance import Cut
from audioft.tasks.compress.steps.base import Made
from audioft.tasks.compress.work import Work
from audioft.training.callbacks import Callback, MetricsFile, Watching
from audioft.training.trainer import Trainer

SHARE = 1 / 6  #: of the weights of the original's layers that goes at a stage
AT_ONCE = 0.125  #: of the units, or of the heads, that go at once
LEAST = 0.1  #: of the weights of the original's layers, which stay
RISE = 0.01  #: of the loss, as it is of what hardly matters, so that what saves most goes first there
BEGUN, RUN = "begun", "run"


class Prune:
    """See `base.Step`."""

    name, makes = "prune", "fewer layers, heads and units"
    trains, last = True, False

    def make(self, model: AudioClassifier, stage: int, work: Work, folder: Path) -> Made | None:
        if any(isinstance(m, int8.Int8Linear) for m in model.modules()):
            raise UsageError("prune: layers in 8 bits cannot be trained; prune first, then quantise")
        whole = importance.weights(work.parts.model)
        if importance.weights(model) - SHARE * whole < LEAST * whole:
            return None
        begun, about = folder / BEGUN, folder / "taken.json"
        if about.is_file():
            pruned, taken = model_folder.load(begun)[0], storage.read_json(about, UsageError)["taken"]
        else:
            pruned, taken = _narrowed(model, importance.weights(model) - SHARE * whole, work)
            if not taken:
                return None
            model_folder.save(pruned, work.card, begun, "")
            storage.write_json(about, {"taken": taken})
        said = [f"taken away: {', '.join(taken)}"]
        if stays := layout.heads_stay(pruned.encoder):
            said.append(stays)
        pruned, trained = trained_again(pruned, work, folder / RUN)
        return Made(pruned, [*said, trained], {"taken": taken, "trained": trained})


def _narrowed(model: AudioClassifier, most: float, work: Work) -> tuple[AudioClassifier, list[str]]:
    """A copy with no more than so many weights in its layers, and what was taken away."""
    small, taken = copy.deepcopy(model).eval(), list[str]()
    while importance.weights(small) > most:
        total = importance.how_many(small)
        with work.console.job("measuring what matters", total) as job:
            found = importance.cuts(small, work.calibration, work.multilabel, AT_ONCE, job.at)
        before = importance.mean_loss(small, work.calibration, work.multilabel)
        found = [c for c in found if c.saved > 0]
        if not found:
            break
        best = _best(found, before)
        best.take(small)
        taken.append(best.what)
    return small, taken


def _best(found: Sequence[Cut], before: float) -> Cut:
    """What saves most for what it costs."""
    return max(found, key=lambda c: c.saved / max(c.loss - before, RISE))


def trained_again(model: AudioClassifier, work: Work, folder: Path) -> tuple[AudioClassifier, str]:
    """A model after training on the training side, by its best epoch; as it was where no epoch was better.

    Args:
        model: what to train; not changed.
        work: its data and settings.
        folder: of the run; one that was stopped is gone on with.
    """
    config = work.parts.config
    parts = dataclasses.replace(work.parts, model=copy.deepcopy(model), console=Console(quiet=True))
    if not config.train.epochs:
        return model, "not trained again"
    going_on = (folder / "config.yaml").is_file()
    run_beginning.prepare(folder, config, resume=going_on, overwrite=False)
    before = validation.figures(parts)
    fitted = fit.fit(
        parts,
        folder,
        chosen=recipe.kept(folder),
        resume=_resume if going_on else None,
        listeners=lambda trainer: _listeners(trainer, work, parts, folder),
    )
    fit.take_best(parts, fitted)
    after, name = validation.figures(parts), parts.metric
    higher = metrics.rises(name)
    if (after[name] < before[name]) if higher else (after[name] > before[name]):
        return model, f"trained again, which was no better ({name} {before[name]:.3f} before, {after[name]:.3f} after)"
    told = f"best epoch {fitted.state.best_epoch} of {config.train.epochs}"
    return parts.model.eval(), f"trained again: {name} from {before[name]:.3f} to {after[name]:.3f}, {told}"


def _resume(trainer: Trainer) -> None:
    if trainer.checkpoints.written():
        trainer.resume()


def _listeners(trainer: Trainer, work: Work, parts: build.Parts, folder: Path) -> list[Callback]:
    step = trainer.state.step
    shown = Watching(work.console, trainer.total_steps, step, parts.figure, parts.metric, job="training again")
    return [MetricsFile(folder / "metrics.jsonl", step), shown]
