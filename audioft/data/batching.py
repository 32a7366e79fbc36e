"""Which clips make a step, and how clips of different lengths become one tensor."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

from audioft.core import workers
from audioft.core.runtime import generator
from audioft.data.buckets import buckets, padding
from audioft.data.check import SHORTEST
from audioft.data.dataset import Draw, Item
from audioft.errors import AudioError


@dataclass(frozen=True)
class Batch:
    """Clips padded to the longest of them.

    Attributes:
        waveforms: `(B, T)` float32, zero beyond each clip's length; B may be 0 if every recording failed.
        lengths: `(B,)` int64 samples.
        targets: `(B, C)` float32; of frames `(B, F, C)`, as `known`.
        known: `(B, C)` bool; false for frames beyond a clip's own.
        indices: `(B,)`, of the clips in their dataset.
        addresses: of the examples, for draws made later.
        failures: recordings that could not be read, as (index, error).
    """

    waveforms: Tensor
    lengths: Tensor
    targets: Tensor
    known: Tensor
    indices: tuple[int, ...]
    addresses: tuple[tuple[object, ...], ...] = ()
    failures: tuple[tuple[int, AudioError], ...] = ()

    def __len__(self) -> int:
        return len(self.indices)

    def to(self, device: torch.device | str) -> Batch:
        moved = {k: getattr(self, k).to(device) for k in ("waveforms", "lengths", "targets", "known")}
        return replace(self, **moved)


def collate(items: Sequence[Item]) -> Batch:
    """Items as a batch; those that failed are set apart, never replaced."""
    good = [i for i in items if i.waveform is not None]
    waveforms, lengths = pad([i.waveform for i in good if i.waveform is not None])
    shape = items[0].targets.shape
    return Batch(
        waveforms=waveforms,
        lengths=lengths,
        targets=pad_sequence([i.targets for i in good], batch_first=True) if good else torch.zeros(0, *shape),
        known=pad_sequence([i.known for i in good], batch_first=True) if good else torch.zeros(0, *shape).bool(),
        indices=tuple(i.index for i in good),
        addresses=tuple(i.address for i in good),
        failures=tuple((i.index, i.failure) for i in items if i.failure is not None),
    )


class StepPlan:
    """The clips of every step of an epoch, in an order that depends on (seed, epoch) alone.

    A step's clips are those of all processes and of all pieces of an accumulated step together, so neither changes
    what is learnt, up to rounding and the draws of dropout. A step is so many clips, or so many seconds: then clips of
    like length stand together, the longest or the shortest first, and epochs differ in the number of their steps.

    Args:
        size: clips in the training set.
        batch_size: clips a step, over all processes and pieces.
        seed: of the run.
        weights: `(size,)`, how often to draw each clip relative to the others; None takes each once an epoch.
        draws: with weights, how many clips an epoch draws; as many as there are if not given.
        together: with weights, how often a drawn clip stands in its step; a crop of it is another one each time.
        seconds: `(size,)`, how long an example of each clip is; is needed with `batch_seconds`, and for `padding`.
        batch_seconds: seconds a step, padding included, instead of `batch_size` clips; a longer clip is alone.
        canvas: seconds that a shorter clip counts for, as the encoder computes them for every clip.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        weights: np.ndarray | None = None,
        draws: int | None = None,
        together: int = 1,
        seconds: Sequence[float] | np.ndarray | None = None,
        batch_seconds: float | None = None,
        canvas: float = 0.0,
    ):
        if (draws is not None or together > 1) and weights is None:
            raise ValueError("without weights each clip is drawn once an epoch, and no other number of times")
        if batch_seconds is not None and (seconds is None or together > 1):
            raise ValueError("steps of so many seconds need the seconds of each clip, and take no clip several times")
        self.size, self.batch_size, self.seed, self.weights = size, batch_size, seed, weights
        self.draws = size if draws is None else draws
        self.together, self.batch_seconds, self.canvas = together, batch_seconds, canvas
        self.seconds = None if seconds is None else np.maximum(np.asarray(seconds, dtype=np.float64), SHORTEST)
        self._counts: dict[int, int] = {}

    def steps_of(self, epoch: int) -> int:
        """Steps of an epoch (from 0); the last one may be smaller."""
        if self.batch_seconds is None:
            return -(-self.draws // self.batch_size)
        if epoch not in self._counts:
            self._counts[epoch] = len(self._positions(epoch)[1])
        return self._counts[epoch]

    def total(self, epochs: int) -> int:
        """Steps of the first `epochs` epochs together."""
        if self.batch_seconds is None:
            return epochs * self.steps_of(0)
        return sum(map(self.steps_of, range(epochs)))

    def epoch_of(self, step: int) -> float:
        """How many epochs are over when `step` steps are done."""
        if self.batch_seconds is None:
            return step / self.steps_of(0)
        epoch = 0
        while step > self.steps_of(epoch):
            step -= self.steps_of(epoch)
            epoch += 1
        return epoch + step / self.steps_of(epoch)

    def epoch(self, epoch: int) -> list[list[Draw]]:
        """The steps of an epoch (from 0)."""
        return list(self.each(epoch))

    def each(self, epoch: int, begin: int = 0) -> Iterator[list[Draw]]:
        """The steps of an epoch from `begin` on, one after the other: a million draws take seconds to make."""
        order, steps = self._positions(epoch)
        repeats = _repeats(order)
        for step in steps[begin:]:
            yield [Draw(i, epoch, r) for i, r in zip(order[step].tolist(), repeats[step].tolist(), strict=True)]

    def padding(self, epoch: int, processes: int = 1, accumulate: int = 1) -> float:
        """The share, 0 to 1, of what goes through the model in an epoch that is padding."""
        assert self.seconds is not None
        order, steps = self._positions(epoch)
        shares = (pieces(self.seconds[order[s]], p, processes, accumulate) for s in steps for p in range(processes))
        return padding([np.asarray(piece) for share in shares for piece in share], self.canvas)

    def _positions(self, epoch: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """The clips in the order they are drawn in, and which positions of it make a step."""
        rng = generator(self.seed, "order", epoch)
        if self.weights is None:
            order = rng.permutation(self.size)
        else:
            drawn = rng.choice(self.size, size=-(-self.draws // self.together), p=self.weights / self.weights.sum())
            # a step holds its clips one after the other, then all of them again, so that every other one, which is
            # what one of two processes takes, has the same clips again, too
            each = max(1, self.batch_size // self.together)
            steps = [np.tile(drawn[i : i + each], self.together) for i in range(0, len(drawn), each)]
            order = np.concatenate(steps)[: self.draws]
        if self.batch_seconds is not None:
            assert self.seconds is not None
            computed = np.maximum(self.seconds, self.canvas)
            return order, buckets(computed[order], self.batch_seconds, rng)
        return order, np.split(np.arange(len(order)), range(self.batch_size, len(order), self.batch_size))


def _repeats(order: np.ndarray) -> np.ndarray:
    """How often each of N numbers has come before.

    >>> _repeats(np.array([4, 2, 4, 4])).tolist()
    [0, 0, 1, 2]
    """
    sort = np.argsort(order, kind="stable")
    begins = np.flatnonzero(np.diff(order[sort], prepend=-1))
    found = np.empty_like(sort)
    found[sort] = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    return found


def pieces(step: Sequence[Any] | np.ndarray, process: int, processes: int, accumulate: int) -> list[list[Any]]:
    """One process's share of a step, cut into the pieces it accumulates over; a piece may be empty.

    >>> [[d.index for d in p] for p in pieces([Draw(i) for i in range(5)], 0, 2, 2)]
    [[0, 2], [4]]
    """
    mine = list(step[process::processes])
    size = -(-len(step) // (processes * accumulate))
    return [mine[i * size : (i + 1) * size] for i in range(accumulate)]


def loader(dataset: Dataset, batches: Iterable[Sequence[Any]], processes: int) -> DataLoader:
    """Batches of `dataset` in the given order, which may be found while they are read; by `processes` workers
    (0: by this one).

    A dataset whose items are not `Item`s brings its own `collate`.
    """
    return _Loader(
        dataset,
        batch_sampler=batches,  # type: ignore[arg-type]
        collate_fn=getattr(dataset, "collate", collate),
        num_workers=processes,
        worker_init_fn=_not_by_keyboard,
        # a worker draws nothing from global generators, so this seed has no effect beyond not touching the main one
        generator=torch.Generator().manual_seed(0),
        prefetch_factor=4 if processes else None,
    )


class _Loader(DataLoader):
    def __iter__(self) -> Any:
        if not self.num_workers:
            return super().__iter__()
        with workers.started(self.dataset):
            return super().__iter__()


def _not_by_keyboard(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal: a worker goes on, so that the step that is under way can end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def pad(waveforms: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Clips as one tensor `(B, T)`, zero beyond each clip's end, and their lengths `(B,)`."""
    lengths = torch.tensor([len(w) for w in waveforms], dtype=torch.long)
    padded = torch.zeros(len(waveforms), int(lengths.max()) if len(waveforms) else 0)
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return padded, lengths
