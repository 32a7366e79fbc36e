"""How long a run takes, by what a second of its sound takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audioft.assembly import build
from audioft.assembly.fitting import probe_start, throughput
from audioft.evaluation import canvas
from audioft.tasks.train.trial import Pace, Tried

AFTER = 2.0  # seconds: intervals, pages and files of a finished run
FITTING = 0.005  # seconds a feature that choosing and fitting the probe takes: 2 of 384, 8 of 1,536


@dataclass(frozen=True)
class Load:
    """Seconds of sound, as they are computed, that go through the encoder.

    Attributes:
        train: of an epoch, once each clip.
        padded: of an epoch, with what fills its steps up.
        valid, test: of these sides.
        probe: of the clips that the probe is fitted to; 0 where there is none.
        again: of the sides that are heard once more at the end, for thresholds.
    """

    train: float
    padded: float
    valid: float
    test: float
    probe: float
    again: float


@dataclass(frozen=True)
class Estimate:
    """Seconds that a run takes under a policy.

    Attributes:
        freeze: the policy or plan.
        around: before the first epoch and after the last.
        epochs: of one, from which epoch on.
    """

    freeze: Any
    around: float
    epochs: Mapping[int, float]

    def of(self, epochs: int) -> float:
        """Seconds of a run of so many epochs."""
        return self.around + sum(map(self._epoch, range(epochs)))

    def most(self, epochs: int, seconds: float) -> int:
        """How many epochs fit, of so many; 0 for none."""
        left = itertools.accumulate(
            map(self._epoch, range(epochs)), lambda left, e: left - e, initial=seconds - self.around
        )
        return sum(x >= 0 for x in itertools.islice(left, 1, None))

    def _epoch(self, epoch: int) -> float:
        return self.epochs[max(e for e in self.epochs if e <= epoch)]


def load_of(parts: build.Parts) -> Load:
    """What a run computes."""
    data, config, most = parts.data, parts.config, parts.max_seconds
    laid = canvas.length(parts.model.encoder)
    seconds = data.seconds("train")
    train = canvas.windows(seconds, most, laid, crops=True).computed
    valid, test = (canvas.windows(data.seconds(side), most, laid).computed for side in ("valid", "test"))
    plan = throughput.step_plan(config, data, parts.model.encoder)
    share = plan.padding(0, parts.processes.count, config.train.accumulate)
    sound = sum(min(s, most) for s in seconds)
    frames = parts.model.frame_level
    heard = probe_start.wanted(parts) * min(1.0, probe_start.MOST_CLIPS / max(1, len(seconds)))
    thresholds = parts.multilabel or frames or hasattr(parts.model.head, "embed")
    again = valid * thresholds + (valid + test) * frames  # frames are heard in windows that overlap by half
    return Load(train, max(train, sound / (1 - share)), valid, test or valid, heard * train, again)


def of(parts: build.Parts, load: Load, freeze: Any, tried: Tried, alike: float) -> Estimate:
    """How long a run takes under a policy.

    Args:
        parts: of the run.
        load: what it computes.
        freeze: the policy or plan.
        tried: how that went.
        alike: seconds that a second takes in a pass.
    """
    count = parts.processes.count

    def epoch(pace: Pace) -> float:
        return load.padded * pace.step + load.valid * pace.above / count

    once = sum(pace.once for pace in tried.paces.values())
    around = (tried.views * load.train + load.valid) * once / count + (load.test + load.again) * alike + AFTER
    if load.probe:
        around += 0.0 if tried.pooled else load.probe * alike / count
        around += FITTING * 2 * parts.model.encoder.hidden_size + load.valid * tried.paces[0].above / count
    return Estimate(freeze, around, {e: epoch(pace) for e, pace in tried.paces.items()})
