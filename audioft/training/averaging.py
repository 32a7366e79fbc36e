"""Averages of weights in the course of a run: what is validated, and kept, in the place of the last step's.

An average over steps (EMA; Polyak and Juditsky 1992) or over the ends of the last epochs is less noisy than any one
step of a rate that is still high. What training goes on from stays as it is.

What is averaged lies in the optimiser's state, beside the moments of each parameter: checkpoints have it with them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

EMA = "ema"
KEPT = "kept"  # and a number: the weights after one of the last epochs


@dataclass(frozen=True)
class Averaging:
    """How the weights of a run are averaged; by default not at all.

    Attributes:
        decay: of the average over steps, in (0, 1); None for none. In the first steps it is less, `(1 + n) / (10 + n)`
            after n steps, so that the beginning is forgotten.
        last: the mean is over the ends of so many epochs; 0 for none.
    """

    decay: float | None = None
    last: int = 0

    @property
    def copies(self) -> int:
        """How many copies of what trains are kept."""
        return self.last + (self.decay is not None)

    def step(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """A step was made, `step` before it."""
        if self.decay is None:
            return
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        for p, state in _moved(optimizer):
            if EMA in state:
                state[EMA].lerp_(p.detach(), share)
            else:
                state[EMA] = p.detach().clone()

    def epoch(self, optimizer: torch.optim.Optimizer, epoch: int) -> None:
        """An epoch has ended, counted from 1; twice the same is once."""
        for p, state in _moved(optimizer) if self.last else ():
            state[f"{KEPT}{epoch % self.last}"] = p.detach().clone()

    @contextlib.contextmanager
    def shown(self, optimizer: torch.optim.Optimizer) -> Iterator[None]:
        """Have the parameters be their averages; afterwards they are what they were, to the bit."""
        averages = [(p, found) for p, state in _moved(optimizer) if (found := self._of(state)) is not None]
        before = [p.detach().clone() for p, _ in averages]
        with torch.no_grad():
            for p, average in averages:
                p.copy_(average)
        try:
            yield
        finally:
            with torch.no_grad():
                for (p, _), own in zip(averages, before, strict=True):
                    p.copy_(own)

    def _of(self, state: dict[str, Tensor]) -> Tensor | None:
        if self.decay is not None:
            return state.get(EMA)
        found = [state[k] for i in range(self.last) if (k := f"{KEPT}{i}") in state]
        return torch.stack(found).mean(0) if found else None


def _moved(optimizer: torch.optim.Optimizer) -> Iterator[tuple[nn.Parameter, dict[str, Tensor]]]:
    """The parameters that steps have moved, each with its state."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            if optimizer.state.get(p):
                yield p, optimizer.state[p]
