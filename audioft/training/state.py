"""Where a run stands, and whether an epoch is better than the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

SURE = 0.5  # standard errors of a loss on the validation side
LEAST_GAIN = 0.01  # nats: where all clips are told apart with certainty, losses differ by rounding


@dataclass
class State:
    """Where a run stands.

    Attributes:
        step: optimiser steps done.
        epoch: the epoch that the next step belongs to, from 0.
        step_in_epoch: steps of that epoch done.
        best: the best value of the chosen metric so far; None before the first validation.
        best_loss: the validation loss of that epoch.
        best_epoch: the epoch after which it was reached, from 1.
        head_start: by how much an epoch must be better than what the run began with, where that counts as epoch 0.
        stale: validations since then.
        loss, weight: summed over the steps since the last row of metrics.
        skipped: steps whose numbers were not finite, in a row.
        bad: all such steps.
        seconds: spent training so far, over all sessions.
        waited, worked: seconds of all steps so far, waiting for data and computing.
        finished: training has ended.
        failures: recordings that failed in training, as `{index: [stage, reason]}`.
    """

    step: int = 0
    epoch: int = 0
    step_in_epoch: int = 0
    best: float | None = None
    best_loss: float = 0.0
    best_epoch: int | None = None
    head_start: float = 0.0
    stale: int = 0
    loss: float = 0.0
    weight: float = 0.0
    skipped: int = 0
    bad: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    worked: float = 0.0
    finished: bool = False
    failures: dict[str, list[str]] = field(default_factory=dict)

    @property
    def fresh(self) -> bool:
        """Whether nothing has happened yet."""
        return self.step == 0 and self.best_epoch is None

    def skip(self) -> None:
        """A step was skipped, as its numbers were not finite."""
        self.skipped += 1
        self.bad += 1

    def given_up(self, loss: float, norm: float, precision: str) -> str:
        """What is said where too many were, one after the other."""
        return (
            f"the loss was not finite in {self.skipped} steps in a row (step {self.step}: loss {loss}, "
            f"gradient norm {norm}). Lower train.lr{' or set train.precision=fp32' * (precision != 'fp32')}; "
            "the last good checkpoint is kept"
        )

    def is_beaten(self, figures: Mapping[str, float], metric: str, higher_is_better: bool) -> bool:
        """Whether an epoch is better than the best so far: by the metric; of two equal in it, as accuracy on few clips
        often is, by the loss.
        """
        value, loss = figures[metric], figures.get("loss", 0.0)
        if not math.isfinite(value):
            return self.best_epoch is None
        if self.best is None or not math.isfinite(self.best):
            return True
        ahead = value - self.best if higher_is_better else self.best - value
        if self.best_epoch == 0:
            return ahead > self.head_start
        return ahead > 0 or (ahead == 0 and loss < self.best_loss)

    def take_as_best(self, figures: Mapping[str, float], metric: str) -> None:
        """The epoch that is over is the best so far."""
        self.best, self.best_epoch, self.stale = figures.get(metric), self.epoch, 0
        self.best_loss = figures.get("loss", 0.0)


def head_start(figures: Mapping[str, float], metric: str) -> float:
    """By how much an epoch must be better than what gave these figures, with which the run began.

    >>> head_start({"refined_loss": 0.3, "refined_loss_error": 0.1}, "refined_loss")
    0.05
    """
    error = figures.get(f"{metric}_error")
    return 0.0 if error is None else max(LEAST_GAIN, SURE * error)
