"""Which epoch a run keeps, and what its validation says of how long it should have been."""

from __future__ import annotations

from audioft.configuration.sections import TrainSection
from audioft.training.state import State
from audioft.training.trainer import LAST

FEWEST = 4  # epochs from which on half of them are a trend


def told(state: State, t: TrainSection, metric: str, *, validated: bool) -> list[str]:
    """Sentences on the epoch whose weights the model has.

    Args:
        state: at the end of the run.
        t: how long it was to train.
        metric: by which the best epoch is chosen.
        validated: whether there was a validation side.
    """
    stopped = state.epoch < t.epochs
    early = f"; stopped after {state.epoch} of {t.epochs} (train.patience={t.patience})" * stopped
    if not validated:
        return [f"kept: epoch {state.best_epoch}, the last one, as there is no validation side to choose by"]
    if metric == LAST:
        return [f"kept: epoch {state.best_epoch}, the last one (train.metric=last)"]
    value = "" if state.best is None else f" {state.best:.4f}"
    if t.epochs == 0:
        return ["kept: the probe, the best linear head of an encoder that stays frozen"]
    if state.best_epoch == 0:
        return [
            f"kept: the probe that the run began with, as no epoch of {state.epoch} was better than its validation "
            f"{metric}{value}{early}"
        ]
    said = [f"kept: epoch {state.best_epoch} of {t.epochs}, the best by validation {metric}{value}{early}"]
    if not stopped and state.epoch >= FEWEST and 2 * state.stale >= state.epoch:
        enough = max(1, min(5, state.stale // 2))
        said.append(
            f"note: the validation was best after epoch {state.best_epoch} and no better in the {state.stale} epochs "
            f"since: train.patience={enough} stops such a run sooner, with the same model; more recordings, augment or "
            "a lower train.lr may go further"
        )
    return said
