"""What a run would take on this machine: some of its own steps, made with a copy of its model that is thrown away.

The run itself stays as it was, to the bit: its weights are not touched, its optimiser is made later, and the global
generators have the state that they had.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audioft.assembly import build, recipe
from audioft.assembly.fitting import frozen_cache, throughput, training_clips
from audioft.assembly.fitting.frozen_states import TOGETHER, Cache
from audioft.core.progress import Console
from audioft.core.runtime import evaluating
from audioft.data.batching import StepPlan, loader, pieces
from audioft.data.dataset import Draw
from audioft.errors import AudioError
from audioft.evaluation import canvas
from audioft.evaluation.labelling.window_scores import BATCH_SECONDS
from audioft.evaluation.scoring import autocast
from audioft.models import freezing
from audioft.models.boundary import Boundary, go_on
from audioft.training.cached import FromBoundary
from audioft.training.checkpoint import Checkpoints
from audioft.training.optim import adamw, parameter_groups
from audioft.training.trainer import Trainer

STEPS = 2  # that are timed, after one that is not
WARM = 2  # clips of that one


@dataclass(frozen=True)
class Pace:
    """Seconds that a second of what is computed takes, all processes together.

    Attributes:
        once: below what trains, where that is kept for all epochs.
        step: in training.
        above: in a validation.
    """

    once: float
    step: float
    above: float


@dataclass(frozen=True)
class Tried:
    """A freezing policy, or a plan of them, as it was tried.

    Attributes:
        paces: from which epoch on which holds.
        views: how many of a clip are kept of what is frozen; 0 for none.
        pooled: whether what is kept is all that the probe needs.
    """

    paces: dict[int, Pace]
    views: int
    pooled: bool


class Trial:
    """A copy of a run, to be timed.

    Args:
        parts: of the run.
        place: for what the trials write.
    """

    def __init__(self, parts: build.Parts, place: Path):
        self.parts = replace(parts, model=copy.deepcopy(parts.model), console=Console(quiet=True))
        self.place = place
        self.inner = training_clips.of(self.parts, parts.data.clips("train"))
        self.plan = throughput.step_plan(parts.config, parts.data, parts.model.encoder)
        self.canvas = canvas.length(parts.model.encoder)

    def passing(self, clips: int) -> float:
        """Seconds that a second takes in a pass over clips whose encoder is as it is; nan if all of them fail.

        All processes measure the same clips: a machine that they share is as busy then as in the run.
        """
        model, device = self.parts.model, self.parts.processes.device
        precision = self.parts.config.evaluate.precision
        plain = copy.copy(self.inner)
        plain.augment = plain.mixup = None
        draws = list(itertools.islice(itertools.chain.from_iterable(self.plan.each(0)), clips))
        most = self.parts.config.evaluate.batch_seconds or BATCH_SECONDS.get(device.type, 60.0)
        each = max(1, int(most / max(map(self._seconds, draws))))
        groups = [draws[i : i + each] for i in range(0, len(draws), each)]
        began, heard = time.perf_counter(), 0.0
        for group, batch in zip(groups, loader(plain, groups, 0), strict=True):
            if len(batch):
                with evaluating(model), torch.inference_mode(), autocast(device, precision):
                    model(batch.waveforms.to(device), batch.lengths.to(device)).float().cpu()
            heard += sum(map(self._seconds, group)) if len(batch) else 0.0
        return (time.perf_counter() - began) / heard if heard else float("nan")

    def of(self, freeze: Any, clips: int) -> Tried:
        """Try a policy, or each of a plan, with steps of at most so many clips.

        Raises:
            ConfigError: it does not go with what is to be kept.
        """
        config = recipe.put(self.parts.config, "freeze", freeze)
        parts = replace(self.parts, config=config)
        with tempfile.TemporaryDirectory(dir=self.place) as place:
            cache = frozen_cache.planned(parts, self.inner, lambda: Path(place))
            stages = [e for e in freezing.plan(freeze) if e < max(1, config.train.epochs)]
            paces, crossed = {}, set[Boundary | None]()
            for epoch in stages:
                own = self._stage(parts, cache, epoch, clips)
                cut = None if cache is None else cache.cut_of(epoch)
                paces[epoch] = replace(own, once=0.0) if cut in crossed else own
                crossed.add(cut)
        cut = None if cache is None else cache.cut_of(0)
        pooled = cut is not None and cut.kind == "pooled" and cache is not None and cache.views == 1
        return Tried(paces, 0 if cache is None else cache.views, pooled)

    def _stage(self, parts: build.Parts, cache: Cache | None, epoch: int, clips: int) -> Pace:
        freezing.apply(freezing.at_epoch(freezing.plan(parts.config.freeze), epoch), parts.model.encoder)
        cut = None if cache is None else cache.cut_of(epoch)
        steps = [step[:clips] for step in itertools.islice(self.plan.each(epoch), STEPS)]
        warm = [steps[0][-WARM:]]
        draws = [d for step in steps for d in step]
        if cache is not None:
            cache.epoch = epoch
        once = 0.0
        if cache is not None and cut is not None:
            self._crossing(cache, cut, warm[0])
            once = self._crossing(cache, cut, [d for d in draws if d not in warm[0]])
        self._steps(parts, cache, epoch, warm)
        step = self._steps(parts, cache, epoch, steps)
        if cache is None or cut is None:
            return Pace(once, step, self.passing(min(len(draws), 2 * TOGETHER)))
        return Pace(once, step, self._above(parts, cache, cut, draws))

    def _crossing(self, cache: Cache, cut: Boundary, draws: Sequence[Draw]) -> float:
        """Seconds that a second takes below a boundary."""
        began, heard = time.perf_counter(), 0.0
        for draw in dict.fromkeys(cache.clips.view(d, cut) for d in draws):
            with contextlib.suppress(AudioError):
                cache.find(cut, draw)
                heard += self._seconds(draw)
        return (time.perf_counter() - began) / heard if heard else 0.0

    def _above(self, parts: build.Parts, cache: Cache, cut: Boundary, draws: Sequence[Draw]) -> float:
        """Seconds that a second takes from a boundary on."""
        found, precision = [], parts.config.evaluate.precision
        for draw in draws[: 2 * TOGETHER]:
            with contextlib.suppress(AudioError):
                found.append((self._seconds(draw), cache.find(cut, cache.clips.view(draw, cut))))
        began = time.perf_counter()
        for i in range(0, len(found), TOGETHER):
            with evaluating(parts.model), torch.inference_mode(), autocast(parts.processes.device, precision):
                go_on(parts.model, cut, [c for _, c in found[i : i + TOGETHER]]).float().cpu()
        return (time.perf_counter() - began) / sum(s for s, _ in found) if found else 0.0

    def _steps(self, parts: build.Parts, cache: Cache | None, epoch: int, steps: list[list[Draw]]) -> float:
        """Seconds that a second takes in the steps of the trainer, padding counted, shared by all processes."""
        config, model, index = parts.config, parts.model, parts.data.side("train")
        t, processes = config.train, parts.processes
        loss = build.loss(config, parts.multilabel, parts.data.targets[index], parts.data.known[index])
        loss.at(float(epoch))
        trainer = Trainer(
            model,
            FromBoundary(loss, build.single("latent", config.latent)),
            self.inner if cache is None else cache.clips,
            Few(steps),
            adamw(parameter_groups(model, t.lr, t.head_lr, t.layer_decay, t.weight_decay)),
            lambda step: 0.0,  # so that no weight becomes another one
            epochs=1,
            checkpoints=Unwritten(self.place, ""),
            processes=processes,
            accumulate=t.accumulate,
            clip_norm=t.clip_norm,
            precision=parts.precision,
            seed=config.seed,
        )
        state = trainer.fit()
        mine = [p for step in steps for p in pieces(step, processes.rank, processes.count, t.accumulate) if p]
        through = sum(len(p) * max(map(self._seconds, p)) for p in mine)
        readers = 1 if cache is not None and cache.always else 1 + config.data.workers
        return (state.worked + state.waited / readers) / max(through, 1e-6) / processes.count

    def _seconds(self, draw: Draw) -> float:
        """Seconds of a clip as it is computed."""
        return max(self.canvas, min(self.inner.seconds[draw.index], self.parts.max_seconds), 1e-3)


@contextlib.contextmanager
def opened(parts: build.Parts) -> Iterator[Trial]:
    """A trial of a run; afterwards the global generators are as they were."""
    device = parts.processes.device
    with (
        tempfile.TemporaryDirectory(prefix="audioft-trial-") as place,
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
    ):
        yield Trial(parts, Path(place))


class Few(StepPlan):
    """An epoch of the steps that are given."""

    def __init__(self, steps: list[list[Draw]]):
        self.steps = steps

    def steps_of(self, epoch: int) -> int:
        return len(self.steps)

    def total(self, epochs: int) -> int:
        return epochs * len(self.steps)

    def epoch_of(self, step: int) -> float:
        return step / len(self.steps)

    def each(self, epoch: int, begin: int = 0) -> Iterator[list[Draw]]:
        return iter(self.steps[begin:])


class Unwritten(Checkpoints):
    """Checkpoints of a run that has nothing to keep."""

    def save(self, model: nn.Module, *_: Any) -> Path:
        return self.folder

    def save_best(self, model: nn.Module, about: dict[str, Any]) -> None:
        pass

    def refuse_full(self, model: nn.Module, averages: int = 0) -> None:
        pass
