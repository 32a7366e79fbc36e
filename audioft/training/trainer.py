"""The only training loop.

A step's clips, the random numbers of the network and the learning rate are functions of the step, so a run can stop
after any step and go on to the same end. Gradients are sums: they are added up over pieces and processes and divided
once by the summed weight: accumulation, uneven last batches and several processes are one and the same case.
(DistributedDataParallel is not used: it fixes at the start which parameters train and averages what must be summed.)
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field

import torch
from torch import nn
from torch.utils.data import Dataset

from audioft.core.runtime import Processes, address
from audioft.data.batching import Batch, StepPlan
from audioft.errors import AudioftError, Interrupted
from audioft.evaluation.scoring import autocast
from audioft.training.averaging import Averaging
from audioft.training.callbacks import Callback, finite
from audioft.training.checkpoint import Checkpoints, Saving
from audioft.training.feed import Feed, share
from audioft.training.objectives import Objective
from audioft.training.optim import scale_gradients, set_rates
from audioft.training.state import State, head_start
from audioft.training.stopping import Stopping

LAST = "last"  # as a metric: every epoch is better than the one before
MAX_SKIPPED = 10  # steps in a row whose numbers are not finite, before the run is given up


@dataclass(eq=False, repr=False)
class Trainer:
    """Makes an objective small.

    Args:
        model: what trains; parameters that need no gradient are left alone.
        objective: see `Objective`.
        dataset: gives an item for a `Draw`.
        plan: the clips of every step.
        optimizer: its groups carry a `peak` rate.
        schedule: step to a factor of the peak.
        epochs: how many to train at most; 0 keeps what it begins with.
        checkpoints: where to save.
        processes: device and fellow processes.
        validate: after every epoch: figures by name; None for no validation.
        begin_epoch: called before every epoch with its number (from 0), to freeze and free.
        begin_step: called before every step with its number (from 0), for what changes in the course of a run.
        metric: the figure by which the best epoch is chosen; of epochs equal in it the one of the lower loss. `last`
            takes the last one.
        higher_is_better: of that figure.
        patience: stop after so many epochs without a better one; 0 never stops early.
        accumulate: pieces a step is computed in.
        clip_norm: gradients are scaled down to this norm; 0 leaves them.
        precision: `fp32` or `bf16`.
        workers: processes that read clips.
        seed: of the run.
        log_every: steps between two rows of training metrics.
        saving: see `Saving`.
        averaging: of the weights that are validated and kept.
        callbacks: told of all figures, on the main process only.
    """

    model: nn.Module
    objective: Objective
    dataset: Dataset
    plan: StepPlan
    optimizer: torch.optim.Optimizer
    schedule: Callable[[int], float]
    _: KW_ONLY
    epochs: int
    checkpoints: Checkpoints
    processes: Processes
    validate: Callable[[], dict[str, float]] | None = None
    begin_epoch: Callable[[int], None] = lambda epoch: None
    begin_step: Callable[[int], None] = lambda step: None
    metric: str = "loss"
    higher_is_better: bool = False
    patience: int = 0
    accumulate: int = 1
    clip_norm: float = 1.0
    precision: str = "fp32"
    workers: int = 0
    seed: int = 0
    log_every: int = 10
    saving: Saving = field(default_factory=Saving)
    averaging: Averaging = field(default_factory=Averaging)
    callbacks: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        self.state = State()
        self._stopping, self._stop = Stopping(), False
        self._feed: Feed | None = None
        self._told = (0.0, 0.0)  # waited and worked at the last row of metrics
        self._clock = self._saved = time.monotonic()
        self._cost = 0.0  # seconds that the last save took

    @property
    def total_steps(self) -> int:
        return self.plan.total(self.epochs)

    @property
    def waiting(self) -> float:
        """The share, 0 to 1, of the time of all steps so far that the model waited for data."""
        return share(self.state.waited, self.state.worked)

    def resume(self) -> list[str]:
        """Go on from the newest whole checkpoint; sentences about damaged ones."""
        self.state, damaged = self.checkpoints.load_last(self.model, self.optimizer)
        self._told = self.state.waited, self.state.worked
        return damaged

    def fit(self, validate_first: bool = False) -> State:
        """Train to the end, or until stopped early; afterwards the model holds the last weights.

        Args:
            validate_first: what the model begins with counts as epoch 0, see `State.is_beaten`.

        Raises:
            AudioftError: the loss stays not finite, or there is no room for the checkpoints.
            Interrupted: by Ctrl-C or SIGTERM; a checkpoint of the last step is written.
        """
        self._clock = self._saved = time.monotonic()
        if self.processes.main and not self.state.finished:
            self.checkpoints.refuse_full(self.model, self.averaging.copies)
        try:
            with self._stopping.listening():
                if self.state.fresh and (not self.epochs or (validate_first and self.metric != LAST)):
                    self._begin_kept()
                while not self.state.finished and self.state.epoch < self.epochs:
                    self._epoch()
        finally:
            self._feed = None  # its workers end
            for c in self._listeners():
                c.end()
        return self.state

    def _begin_kept(self) -> None:
        """Keep what is there before the first step, as epoch 0."""
        self.begin_epoch(0)
        with self._stopping.at_once(self.processes.count == 1):
            figures = {} if self.validate is None else self.validate()
        self.state.head_start = head_start(figures, self.metric)
        self._keep_better(figures)

    def _epoch(self) -> None:
        state = self.state
        self.begin_epoch(state.epoch)
        self.model.train()
        steps = self.plan.steps_of(state.epoch)
        while state.step_in_epoch < steps:
            self._train_step()
            state.step += 1
            state.step_in_epoch += 1
            if state.step % self.log_every == 0:
                self._log_training()
            if self._stop:
                self._save()
                raise Interrupted(self._stopping.asked or signal.SIGTERM)
            if state.step_in_epoch < steps and self._save_is_due():
                self._save()
        state.epoch, state.step_in_epoch = state.epoch + 1, 0
        self._end_of_epoch()

    def _train_step(self) -> None:
        state = self.state
        if self._feed is None or self._feed.dataset is not self.dataset:
            place = range(state.epoch, self.epochs), state.step_in_epoch
            self._feed = Feed(self.dataset, self.plan, *place, self.processes, self.accumulate, self.workers)
        begun = time.monotonic()
        batches, waited = self._feed.step()
        self._step(batches)
        state.waited += waited
        state.worked += time.monotonic() - begun - waited

    def _step(self, batches: list[Batch]) -> None:
        device = self.processes.device
        self.begin_step(self.state.step)
        # dropout, layer drop: of the step and the process, and of nothing that happened before
        torch.manual_seed(address(self.seed, "step", self.state.step, self.processes.rank))
        sums = torch.zeros(3, dtype=torch.float64)  # loss, weight, and whether a process was asked to stop
        for batch in batches:
            for index, failure in batch.failures:
                self.state.failures[str(index)] = [failure.stage, failure.reason]
            if not len(batch):
                continue
            with autocast(device, self.precision):
                total, weight = self.objective(self.model, batch.to(device))
            total.backward()
            sums += torch.tensor([total.item(), weight.item(), 0.0], dtype=torch.float64)
        sums[2] = float(self._stopping.asked is not None)
        self._update(sums)
        bad = f", {self.state.bad} skipped" if self.state.bad else ""
        note = f"loss {sums[0].item() / max(sums[1].item(), 1e-12):.3f}{bad}"
        for c in self._listeners():
            c.step(self.state.step + 1, self.total_steps, note)

    def _update(self, sums: torch.Tensor) -> None:
        parameters = [p for group in self.optimizer.param_groups for p in group["params"] if p.requires_grad]
        for p in (p for p in parameters if p.grad is None):  # a dropped layer, or no clips: others may add something
            p.grad = torch.zeros_like(p)
        self.processes.add_up([p.grad for p in parameters if p.grad is not None])
        self.processes.add_up([sums])
        total, weight, asked = sums.tolist()
        self._stop = asked > 0
        set_rates(self.optimizer, self.schedule(self.state.step))
        if weight > 0:
            norm = scale_gradients(parameters, weight, self.clip_norm or math.inf)
            if math.isfinite(total) and math.isfinite(norm):
                self.optimizer.step()
                self.averaging.step(self.optimizer, self.state.step)
                self.state.loss, self.state.weight = self.state.loss + total, self.state.weight + weight
                self.state.skipped = 0
            else:
                self.state.skip()
                if self.state.skipped >= MAX_SKIPPED:
                    raise AudioftError(self.state.given_up(total / weight, norm, self.precision))
        self.optimizer.zero_grad(set_to_none=True)

    def _log_training(self) -> None:
        state = self.state
        mean = state.loss / state.weight if state.weight else None
        state.loss = state.weight = 0.0
        rates = {g["name"]: g["lr"] for g in self.optimizer.param_groups}
        shown = {"lr": max(rates.values())} | ({"lr_head": rates["head"]} if "head" in rates else {})
        waiting = share(state.waited - self._told[0], state.worked - self._told[1])
        self._told = state.waited, state.worked
        self._row({"kind": "train", "loss": mean, **shown, "waiting": round(waiting, 4), "skipped": state.bad})

    def _end_of_epoch(self) -> None:
        state = self.state
        self.averaging.epoch(self.optimizer, state.epoch)
        self._keep_better({} if self.validate is None else self._validated(self.validate))
        state.finished = state.epoch >= self.epochs or bool(self.patience and state.stale >= self.patience)
        if self._save_is_due(after_epoch=True):
            self._save()

    def _keep_better(self, figures: dict[str, float]) -> None:
        """Keep the weights, if these figures of theirs are the best so far; without any, the last ones are."""
        state = self.state
        if figures:
            self._row({"kind": "valid", **finite(figures)})
        if figures and self.metric != LAST and not state.is_beaten(figures, self.metric, self.higher_is_better):
            state.stale += 1
            return
        state.take_as_best(figures, self.metric)
        if self.processes.main:
            about = {"epoch": state.epoch, "step": state.step, "figures": finite(figures)}
            with self.averaging.shown(self.optimizer):
                self.checkpoints.save_best(self.model, about)

    def _validated(self, validate: Callable[[], dict[str, float]]) -> dict[str, float]:
        """The figures after an epoch. A process alone leaves at once: on resuming it validates from the beginning."""
        try:
            with self._stopping.at_once(self.processes.count == 1), self.averaging.shown(self.optimizer):
                return validate()
        except Interrupted:
            self.state.epoch -= 1
            self.state.step_in_epoch = self.plan.steps_of(self.state.epoch)
            self._save()
            raise

    def _save_is_due(self, after_epoch: bool = False) -> bool:
        """Decided by the main process for all: clocks differ."""
        since = time.monotonic() - self._saved
        by_steps = self.saving.steps and self.state.step % self.saving.steps == 0
        late = self.saving.minutes and since >= 60 * self.saving.minutes
        pays = after_epoch and self.saving.pays(self._cost, since)
        due = torch.tensor([float(bool(by_steps or late or pays) and self.processes.main)])
        if after_epoch or self.saving.steps or self.saving.minutes:
            self.processes.add_up([due])
        return bool(due.item())

    def _save(self) -> None:
        now = time.monotonic()
        self.state.seconds += now - self._clock
        self._clock = now
        if self.processes.main:
            self.checkpoints.save(self.model, self.optimizer, self.state)
        self.processes.wait()
        self._saved = time.monotonic()
        self._cost = self._saved - now

    def _row(self, row: dict) -> None:
        epoch = round(self.plan.epoch_of(self.state.step), 6)
        seconds = round(self.state.seconds + time.monotonic() - self._clock, 2)
        row = {"kind": row["kind"], "step": self.state.step, "epoch": epoch, **row, "seconds": seconds}
        for c in self._listeners():
            c.row(row)

    def _listeners(self) -> Sequence[Callback]:
        return self.callbacks if self.processes.main else ()
