"""`train.budget`: the best run that fits into a time, by what its steps take on this machine.

More layers are better than fewer, as far as there are clips for them and epochs; more epochs than fewer. What was
chosen is kept with the run, so that it goes on as it began however fast the machine is then. No clock ends a run: where
it stopped would depend on the machine, and a run that goes on would be another one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from audioft.assembly import build, recipe
from audioft.configuration import config as configs
from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.configuration.values import AUTO
from audioft.core import durations, storage
from audioft.core.progress import spell_seconds
from audioft.core.wording import counted
from audioft.errors import ConfigError, UsageError
from audioft.models import freezing
from audioft.tasks.train import estimates, trial
from audioft.tasks.train.estimates import AFTER, Estimate
from audioft.tasks.train.trial import Trial

KEYS = ("freeze", "train.epochs")  # what a budget decides, where a config leaves it to audioft
TOLD = "budget"  # in `recipe.FILE`: what was said of the choice
LEAST_CLIPS = 270  # from which on layers may train: on so many of ESC-10 that did no harm
ENOUGH = 8  # epochs that they then need, where `recipe` would leave the encoder frozen
MEASURING = 0.1  # the share of a budget that measuring may take
MOST_TRIED = 8  # clips of a pass that is measured


def settle(parts: build.Parts, asked: Config, began: float, folder: Path | None, chosen: Mapping[str, Any]) -> None:
    """Let a run have what fits its budget, if it has one; nothing is changed where there is none.

    Args:
        parts: of the run, as `build.assembled` gives them; changed.
        asked: its config before anything was chosen.
        began: by `time.monotonic`, when the run did.
        folder: where the choice is kept; None to keep none.
        chosen: by a run that goes on, see `recipe.kept`.

    Raises:
        UsageError: nothing fits.
    """
    if asked.train.budget is None or few_shot.wanted(asked):
        return
    if TOLD in chosen:
        parts.asked = recipe.fill(asked, _own(chosen))
        parts.console.say(f"as chosen when the run began: {chosen[TOLD]}")
        return
    found, said = _Choice(parts, asked, began).made()
    _take(parts, asked, found)
    parts.console.say(said)
    if folder is not None and parts.processes.main:
        storage.write_json(folder / recipe.FILE, {**found, TOLD: said.splitlines()[-1]})
    parts.processes.wait()


def _own(chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {key: chosen[key] for key in KEYS if key in chosen}


def _take(parts: build.Parts, asked: Config, found: Mapping[str, Any]) -> None:
    """Have the run be as if a config had said what was found."""
    own = recipe.fill(asked, found)
    config = recipe.of_data(own, len(parts.data.side("train")))
    parts.config = recipe.of_model(config, parts.model.encoder.hidden_size)
    parts.asked = own
    freezing.apply(freezing.at_epoch(freezing.plan(parts.config.freeze), 0), parts.model.encoder)


class _Choice:
    """What fits.

    All processes of a run measure, as they do the work together; what the first one finds holds for all.
    """

    def __init__(self, parts: build.Parts, asked: Config, began: float):
        self.parts, self.asked, self.began = parts, asked, began
        self.seconds = durations.seconds_of(asked.train.budget)
        self.load = estimates.load_of(parts)
        self.clips = len(parts.data.side("train"))
        self.epochs = self._most("feature_extractor")
        self.clip = self.load.train / max(1, self.clips)  # seconds of one, as it is computed

    def made(self) -> tuple[dict[str, Any], str]:
        """The settings by their keys, and lines on them: what things take, and what is taken."""
        tried: list[Estimate] = []
        taken = None
        with trial.opened(self.parts) as measured:
            alike = self._pass(measured)
            self._refuse_short(alike)
            for freeze, fewest in self._ways():
                found = self._tried(measured, freeze, alike, first=not tried)
                if found is None:
                    break
                tried.append(found)
                count = self._count(found)
                if count < min(fewest, self._most(freeze)):
                    break  # what trains more takes longer
                taken = found, count
        if taken is None:
            raise UsageError(self._too_long(tried[0]))
        chosen = {"freeze": taken[0].freeze, "train.epochs": taken[1]}
        return chosen, f"{self._measured(tried)}\n{self._taken(*taken)}"

    def _tried(self, measured: Trial, freeze: Any, alike: float, *, first: bool) -> Estimate | None:
        """The estimate of a policy; None where what it would keep takes more room than there is."""
        try:
            found = measured.of(freeze, self._clips(alike))
        except ConfigError:
            if first:
                raise
            return None
        return self._agreed(lambda: estimates.of(self.parts, self.load, freeze, found, alike))

    def _pass(self, measured: Trial) -> float:
        """Seconds that a second takes in a pass."""
        first = self._agreed(lambda: measured.passing(1))  # starts things up, too
        heard = 0.0 if math.isnan(first) else first * self.clip  # seconds a clip
        clips = max(1, min(MOST_TRIED, int(MEASURING * self.seconds / 4 / max(heard, 1e-6))))
        alike = self._agreed(lambda: measured.passing(clips))
        if math.isnan(alike):
            raise UsageError("train.budget: of the clips that were to be timed not one could be heard")
        return alike

    def _agreed(self, value: Callable[[], Any]) -> Any:
        """What the first process finds, of what all do."""
        return self.parts.processes.gather([value()])[0]

    def _elapsed(self) -> float:
        return self._agreed(lambda: time.monotonic() - self.began)

    def _ways(self) -> Iterator[tuple[Any, int]]:
        """What may be frozen, the most first, and how many epochs make it worth while."""
        config = self.parts.config
        if self.asked.freeze != AUTO or config.adapt is not None:
            yield config.freeze, 1
            return
        yield "all", 1
        few = config.freeze == "all"
        if few and (self.clips < LEAST_CLIPS or self.epochs < ENOUGH):
            return
        fewest = ENOUGH if few else recipe.FEWEST_EPOCHS
        if self.parts.model.encoder.num_layers > 2:
            yield {"top": 2}, fewest
        yield "feature_extractor", fewest

    def _clips(self, alike: float) -> int:
        """Of how many clips a step is that is tried: as many as it has, if measuring may take that long."""
        tried = 3 * trial.STEPS + 3  # passes over the clips of a step: forth and back in each, and once for all
        most = MEASURING * self.seconds / (2 * tried * max(alike * self.clip, 1e-6))
        return max(2 * self.parts.processes.count, int(most))

    def _count(self, found: Estimate) -> int:
        """Epochs that fit: all that the config names, or as many as there is time for."""
        wanted = self._most(found.freeze)
        most = found.most(wanted, self.seconds - self._elapsed())
        return most if self.asked.train.epochs == AUTO or most == wanted else 0

    def _most(self, freeze: Any) -> int:
        """Epochs that a run would have without a budget; none where the probe is all that there is to learn."""
        frozen = recipe.fill(self.asked, {"freeze": freeze})
        return int(recipe.of_data(frozen, self.clips).train.epochs)

    def _refuse_short(self, alike: float) -> None:
        """Raise where one pass of the frozen encoder takes longer than there is."""
        load = self.load
        passes = (load.train + load.valid) * alike / self.parts.processes.count + load.test * alike + AFTER
        if (needed := passes + self._elapsed()) > self.seconds:
            sides = sum(len(self.parts.data.side(side)) for side in ("train", "valid", "test"))
            raise UsageError(self._short(f"one pass of the frozen encoder over {counted(sides, 'clip')}", needed))

    def _too_long(self, found: Estimate) -> str:
        epochs = 1 if self.asked.train.epochs == AUTO else self.epochs
        what = f"freeze={configs.spell(found.freeze)} with {counted(epochs, 'epoch')}"
        return self._short(what, found.of(epochs) + self._elapsed())

    def _short(self, what: str, needed: float) -> str:
        unit = 10 if needed < 50 else 60
        enough = durations.spelled(unit * math.ceil(1.1 * needed / unit))
        return (
            f"train.budget: {self.asked.train.budget} is too short: {what} takes about {spell_seconds(needed)} "
            f"on this machine, with what goes before and comes after; give --budget {enough}, or fewer clips"
        )

    def _measured(self, tried: list[Estimate]) -> str:
        own = [f"{_spelled(max(e.epochs.values()))} with {_named(e.freeze)}" for e in tried if e.epochs]
        around = spell_seconds(tried[0].around)
        return f"budget {self.asked.train.budget}: {around} before and after training; an epoch takes {', '.join(own)}"

    def _taken(self, found: Estimate, count: int) -> str:
        whole = spell_seconds(found.of(count) + self._elapsed())
        few = f" (layers train from {LEAST_CLIPS} clips on)" * (self.asked.freeze == AUTO and self.clips < LEAST_CLIPS)
        length = counted(count, "epoch") if count else "the probe alone"
        how = f"{_named(found.freeze)}{few * (found.freeze == 'all')}, {length}"
        return f"taken: {how}, at most about {whole} in all by this estimate"


def _spelled(seconds: float) -> str:
    return spell_seconds(seconds) if seconds >= 1 else "under 1 s"


def _named(freeze: Any) -> str:
    """A policy or plan in a few words."""
    if freeze == "all":
        return "the encoder frozen"
    if freeze == "feature_extractor":
        return "all layers free"
    if isinstance(freeze, Mapping) and set(freeze) == {"top"}:
        return f"the top {freeze['top']} layers free"
    return f"freeze={configs.spell(freeze)}"
