"""First draw, then apply: what is common to all augmentations, and a chain of them.

What is random about an augmentation is drawn into a plain dictionary, which can be stored, shown and applied
again: the same draw gives the same sound bit for bit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, dataclass_transform

import numpy as np
import torch

from audioft.augmentation.ranges import Ranged
from audioft.core import runtime
from audioft.core.registry import Registry

augmentations = Registry("augmentation", given=("rate",))

Draw = dict[str, Any]

SHORTEST_SECONDS = 0.025
"""What the encoders' convolutions need at the least (400 samples at 16 kHz)."""


@dataclass(eq=False)
class Augmentation(Ranged):
    """A change to one clip, made with probability `p`.

    A child is made with `augmentation`, tells its settings and their ranges, see `Ranged`, and implements `apply`, and
    `draw` where more is random than what lies between two settings.
    """

    moves: ClassVar[bool] = False
    """Whether it changes when things happen in the clip."""
    caption: ClassVar[str] = ""
    """How a draw reads in words: a format string over its keys."""

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> Draw:
        """All that is random, as plain numbers, short lists and paths: `db` between `min_db` and `max_db`, and so on.

        Args:
            rng: where the numbers come from.
            samples: the clip's length. Earlier members of a chain may change it until `apply` sees the clip.
            rate: in Hz.
        """
        pairs = [names for names in self.limits if not isinstance(names, str)]
        return {low.removeprefix("min_"): rng.uniform(getattr(self, low), getattr(self, high)) for low, high in pairs}

    def apply(self, waveform: torch.Tensor, rate: int, draw: Draw) -> torch.Tensor:
        """The clip as changed by `draw`; `waveform` itself stays as it is.

        Args:
            waveform: (T,) float32 on the CPU.
            rate: in Hz.
            draw: from `draw`.

        Returns:
            (T',) float32, finite; its peak may exceed 1.
        """
        raise NotImplementedError

    def decide(self, rng: np.random.Generator, samples: int, rate: int) -> Draw | None:
        """A draw, or None where the coin says to leave the clip alone.

        The coin is thrown first and always, so what is drawn after it is the same for every `p`.
        """
        coin = rng.random()
        return self.draw(rng, samples, rate) if coin < self.p else None

    def describe(self, draw: Draw) -> str:
        """A draw in words, for the caption of an example."""
        return f"{self.name} {self.caption.format(**draw)}".rstrip()


@dataclass_transform(eq_default=False)
def augmentation(name: str) -> Callable[[type], Any]:
    """Class decorator: a child of `Augmentation`, its annotated fields being its settings, registered under `name`."""

    def enter(child: type) -> Any:
        child.name = name  # type: ignore[attr-defined]
        return augmentations.register(name)(dataclass(eq=False)(child))

    return enter


class Chain:
    """Augmentations applied one after another.

    Each draws from a generator of its own, whose address is its name and how many of that name came before:
    adding, removing or reordering others changes none of its draws.

    Args:
        parts: in the order in which they are applied.

    Example:
        >>> from audioft.augmentation import augmentations
        >>> chain = Chain([augmentations.build({"name": "gain", "p": 1, "min_db": -6, "max_db": -6})])
        >>> chain(torch.ones(3), 16_000, np.random.default_rng(0))
        tensor([0.5012, 0.5012, 0.5012])
        >>> chain.describe(chain.draw(np.random.default_rng(0), 3, 16_000))
        'gain -6.0 dB'
    """

    def __init__(self, parts: Sequence[Augmentation]):
        self.parts = list(parts)

    def draw(self, rng: np.random.Generator, samples: int, rate: int) -> list[Draw | None]:
        """One entry a part: its draw, or None where it leaves the clip alone.

        Args:
            rng: one number is taken from it, however long the chain is.
            samples: the clip's length.
            rate: in Hz.
        """
        root = int(rng.integers(2**63))
        seen: Counter[str] = Counter()
        draws = []
        for part in self.parts:
            child = runtime.generator(root, part.name, seen[part.name])
            seen[part.name] += 1
            draws.append(part.decide(child, samples, rate))
        return draws

    def apply(self, waveform: torch.Tensor, rate: int, draws: Sequence[Draw | None]) -> torch.Tensor:
        """The clip after all parts.

        A clip that became shorter than an encoder can take is padded with zeros to 25 ms, or to the length it
        had where that was less.

        Args:
            waveform: (T,) float32 on the CPU, unchanged.
            rate: in Hz.
            draws: from `draw`, one for each part.

        Returns:
            (T',) float32.
        """
        shortest = min(len(waveform), math.ceil(SHORTEST_SECONDS * rate))
        for part, drawn in zip(self.parts, draws, strict=True):
            if drawn is not None:
                waveform = part.apply(waveform, rate, drawn)
        if len(waveform) < shortest:
            waveform = torch.nn.functional.pad(waveform, (0, shortest - len(waveform)))
        return waveform

    def __call__(self, waveform: torch.Tensor, rate: int, rng: np.random.Generator) -> torch.Tensor:
        """Draw and apply."""
        return self.apply(waveform, rate, self.draw(rng, len(waveform), rate))

    def describe(self, draws: Sequence[Draw | None]) -> str:
        """What happened to the clip, in words; `unchanged` if nothing did."""
        happened = [a.describe(d) for a, d in zip(self.parts, draws, strict=True) if d is not None]
        return ", ".join(happened) or "unchanged"
