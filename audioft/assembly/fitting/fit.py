"""From the parts of a run to the weights it ends with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.assembly import build, recipe
from audioft.assembly.fitting import (
    frozen_cache,
    probe_again,
    probe_choice,
    probe_start,
    run_trainer,
    training_clips,
)
from audioft.assembly.fitting.frozen_states import Cache
from audioft.errors import AudioftError
from audioft.evaluation.predictions import Predictions
from audioft.models import freezing
from audioft.models.heads import linear_start
from audioft.training.callbacks import Callback
from audioft.training.state import State
from audioft.training.trainer import Trainer

Listeners = Callable[[Trainer], Sequence[Callback]]


@dataclass(frozen=True)
class Fitted:
    """How a model was fitted; it has the best weights.

    Attributes:
        trainer: at the end of its training.
        state: where that ended.
        cache: of what was frozen.
        again: whether the probe was fitted once more, see `probe_again`.
        validated: what the probe before said of the validation side, where thresholds are chosen by it.
        filling: seconds that it took to compute what is frozen.
        training: seconds that the steps took, validation with them.
        share: of all steps, those that were made in that time.
    """

    trainer: Trainer
    state: State
    cache: Cache | None
    again: bool
    validated: Predictions | None
    filling: float
    training: float
    share: float


def fit(
    parts: build.Parts,
    folder: Path,
    *,
    chosen: Mapping[str, Any],
    resume: Callable[[Trainer], None] | None = None,
    listeners: Listeners = lambda trainer: (),
    apart: float = 0.0,
) -> Fitted:
    """Fit the model of a run to its training side.

    Args:
        parts: of the run; its config and model are those of what it chose then.
        folder: where its checkpoints are, and what is kept while it lasts.
        chosen: by a run that goes on, see `recipe.kept`; empty for a new one.
        resume: brings the trainer to where the run stood; None for a new run.
        listeners: gives those who are told of steps and epochs, on the main process.
        apart: seconds between two checkpoints after an epoch, at least.

    Raises:
        AudioftError: the weights diverged at once; and as of the trainer.
    """
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
        if parts.processes.main and not chosen.keys() >= {*recipe.OF_THE_MODEL}:
            recipe.keep(parts.asked, parts.config, folder)
        from_probe = probe_start.wanted(parts)
        if from_probe:
            linear_start.standardise(parts.model)
        trainer = run_trainer.make_trainer(parts, folder, inner, cache, apart)
        if resume is not None:
            resume(trainer)
        heard = probe_start.begin(parts, inner, cache, heard) if from_probe and trainer.state.fresh else None
        if parts.processes.main:
            trainer.callbacks = listeners(trainer)
        before, begun = trainer.state.step, time.monotonic()
        state = trainer.fit(validate_first=heard is not None)
        if 1 < state.step <= state.skipped + 1:
            raise AudioftError(
                "the loss was not finite in any step but the first: the weights diverged; lower train.lr"
            )
        again = from_probe and probe_again.wanted(parts, trainer)
        validated = probe_again.fit(parts, trainer, cache, heard) if again else None
        took, share = time.monotonic() - begun, (state.step - before) / max(1, trainer.total_steps)
    return Fitted(trainer, state, cache, again, validated, filled - began, took, share)


def take_best(parts: build.Parts, fitted: Fitted) -> None:
    """Put the best weights into the model, unless it was fitted since."""
    assert fitted.state.best_epoch is not None  # the first epoch that is validated is the best so far
    if not fitted.again:
        fitted.trainer.checkpoints.load_best(parts.model, fitted.state.best_epoch)
    linear_start.fold(parts.model)
