"""Clips as a model hears them disturbed: a function of (seed, clip, kind, strength), in the memory of a minute."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from audioft.audio import io
from audioft.augmentation.base import SHORTEST_SECONDS
from audioft.core.runtime import generator, one_thread
from audioft.data.clip import Clip
from audioft.data.dataset import Preparation, checked
from audioft.data.windowed import Window, windows_of
from audioft.errors import AudioError
from audioft.tasks.robustness.disturbances import KINDS, Scene
from audioft.tasks.robustness.strengths import COUNT, STRENGTHS
from audioft.tasks.robustness.surroundings import Surroundings

PIECE = 60.0  # seconds, as the encoder hears them: a longer clip is disturbed piece by piece


@dataclass(frozen=True)
class Row:
    """A row of the card: a kind at a strength, from 1 to `COUNT`.

    >>> str(Row("white", 3)), Row("white", 3).value
    ('white-3', 10)
    """

    kind: str
    severity: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.severity}"

    @property
    def value(self) -> float:
        return STRENGTHS[self.kind].values[self.severity - 1]

    @property
    def told(self) -> str:
        return STRENGTHS[self.kind].told(self.severity)


@dataclass(frozen=True)
class Disturber:
    """Makes the windows of disturbed clips.

    Attributes:
        prepare: what an encoder wants done to every window.
        window: seconds.
        seed: part of the address.
        surroundings: other recordings.
    """

    prepare: Preparation
    window: float
    seed: int
    surroundings: Surroundings

    def windows(self, clip: Clip, row: Row | None) -> Iterator[Window]:
        """A clip's windows, disturbed; as it is without a row.

        Raises:
            AudioError: of `windows_of`.
        """
        return windows_of(self.blocks(clip, row), clip.path, self.prepare, self.window)

    def blocks(self, clip: Clip, row: Row | None) -> Iterator[np.ndarray]:
        """A clip's samples `(T_i,)` float32 as they reach the encoder, piece by piece."""
        hearing = self.surroundings.hearing
        found = pieces(io.stream(clip.path, hearing, clip.start, clip.end), round(PIECE * hearing.rate))
        for number, piece in enumerate(found):
            checked(clip, piece)
            yield piece if row is None else self._disturbed(clip, row, piece, number)

    def _disturbed(self, clip: Clip, row: Row, piece: np.ndarray, number: int) -> np.ndarray:
        prepare, around = self.prepare, self.surroundings.of(clip)
        rng = generator("robustness", self.seed, clip.key, row.kind, number)
        scene = Scene(prepare.per_second, rng, around, prepare.hearing, (row.severity - 1) / (COUNT - 1))
        try:
            with one_thread():
                out = KINDS[row.kind](torch.from_numpy(piece), row.value, scene).numpy()
        except AudioError as e:
            raise AudioError(clip.path, "disturb", f"{e.path}: {e.reason}") from e
        least = min(len(piece), math.ceil(SHORTEST_SECONDS * prepare.sample_rate))
        return np.pad(out, (0, max(0, least - len(out)))) if len(out) < least else out


def pieces(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Blocks that follow one another as pieces of `size` samples, the last one shorter.

    >>> [len(p) for p in pieces([np.zeros(3), np.zeros(4)], 5)]
    [5, 2]
    """
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= size:
            whole = np.concatenate(held)
            yield whole[:size]
            held, count = [whole[size:]], count - size
    if count:
        yield np.concatenate(held)
