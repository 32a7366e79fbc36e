"""The batches of one step after the other, and how long the model waits for them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from torch.utils.data import Dataset

from audioft.core.runtime import Processes
from audioft.data.batching import Batch, StepPlan, loader, pieces
from audioft.data.dataset import Draw


class Feed:
    """What one process reads in the course of a run.

    Which clips a step takes is known beforehand, so worker processes are started once a run, and read the beginning of
    an epoch while the one before it is validated.

    Args:
        dataset: gives an item for a `Draw`.
        plan: the clips of every step.
        epochs: which ones, from 0.
        begin: the step to begin with, of the first of these epochs.
        processes: this one, and how many there are.
        accumulate: pieces a step.
        workers: processes that read.
    """

    def __init__(
        self,
        dataset: Dataset,
        plan: StepPlan,
        epochs: range,
        begin: int,
        processes: Processes,
        accumulate: int = 1,
        workers: int = 0,
    ):
        self.dataset = dataset

        def shares() -> Iterator[list[list[Draw]]]:
            for epoch in epochs:
                for step in plan.each(epoch, begin if epoch == epochs[0] else 0):
                    yield [p for p in pieces(step, processes.rank, processes.count, accumulate) if p]

        ahead, self._shares = itertools.tee(shares())  # what is read runs ahead of what is trained on
        self._batches = iter(loader(dataset, (piece for share in ahead for piece in share), workers))

    def step(self) -> tuple[list[Batch], float]:
        """The batches of the next step, and the seconds they were waited for; none in a small step of many processes.

        Raises:
            StopIteration: there are no further steps.
        """
        share = next(self._shares)
        begun = time.monotonic()
        return [next(self._batches) for _ in share], time.monotonic() - begun


def share(waited: float, worked: float) -> float:
    """What share of the time, 0 to 1, was waited.

    >>> share(1.0, 3.0), share(0.0, 0.0)
    (0.25, 0.0)
    """
    return waited / (waited + worked) if waited else 0.0
