"""Learning rates over a run, as a factor of the peak rate.

Every schedule is a pure function of the step, so a resumed run needs no state of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from audioft.core.registry import Registry

schedules = Registry("schedule", given=("steps",))
Schedule = Callable[[int], float]


def _shares(**values: float) -> list[str]:
    found = [f"{k}: {v} is not a share between 0 and 1" for k, v in values.items() if not 0 <= v <= 1]
    return found or (["warmup: the shares sum to more than 1"] if sum(values.values()) > 1 else [])


class _WithWarmup:
    """A linear rise over the first `warmup` share of the steps, then what a child class says.

    Args:
        steps: of the whole run.
        warmup: share of the steps.
    """

    def __init__(self, steps: int, warmup: float = 0.1):
        self.steps, self.rise = max(1, steps), round(warmup * steps)

    @staticmethod
    def validate(warmup: float) -> list[str]:
        return _shares(warmup=warmup)

    def __call__(self, step: int) -> float:
        """The factor at `step` (from 0), in [0, 1]."""
        if step < self.rise:
            return (step + 1) / (self.rise + 1)
        done = (step - self.rise) / max(1, self.steps - self.rise)
        return self.after(min(1.0, done))

    def after(self, done: float) -> float:
        """The factor when `done`, in [0, 1], of what follows the warm-up has passed."""
        raise AssertionError("a schedule says what follows its warm-up")


@schedules.register("constant")
class Constant(_WithWarmup):
    """Warm-up, then the peak rate to the end."""

    def after(self, done: float) -> float:
        return 1.0


@schedules.register("linear")
class Linear(_WithWarmup):
    """Warm-up, then a straight line down to 0."""

    def after(self, done: float) -> float:
        return 1.0 - done


@schedules.register("cosine")
class Cosine(_WithWarmup):
    """Warm-up, then half a cosine down to 0 (Loshchilov and Hutter 2017, eq. 5 without restarts)."""

    def after(self, done: float) -> float:
        return 0.5 * (1 + math.cos(math.pi * done))


@schedules.register("tri_stage")
class TriStage:
    """Warm-up, hold, exponential decay: the schedule wav2vec 2.0 was fine-tuned with (Baevski et al. 2020, app. B).

    Args:
        steps: of the whole run.
        warmup: share of the steps for the linear rise.
        hold: share of the steps at the peak.
        final: the factor that the decay ends at.
    """

    def __init__(self, steps: int, warmup: float = 0.1, hold: float = 0.4, final: float = 0.05):
        self.rise = round(warmup * steps)
        self.hold = round(hold * steps)
        self.fall = max(1, steps - self.rise - self.hold)
        self.final = final

    @staticmethod
    def validate(warmup: float, hold: float, final: float) -> list[str]:
        found = _shares(warmup=warmup, hold=hold)
        return found if 0 < final <= 1 else [*found, f"final: {final} is not above 0 and at most 1"]

    def __call__(self, step: int) -> float:
        if step < self.rise:
            return (step + 1) / (self.rise + 1)
        if step < self.rise + self.hold:
            return 1.0
        done = min(1.0, (step - self.rise - self.hold) / self.fall)
        return self.final**done
