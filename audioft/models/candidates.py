"""What several layers and poolings say of a clip, heard in one pass, until a run has chosen one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audioft.models.classifier import AudioClassifier, Layers
from audioft.models.frames import Frames
from audioft.models.pooling import Pooling, statistics


@dataclass(frozen=True)
class Way:
    """One of them.

    Attributes:
        layers: as of a classifier: `last` or a number.
        pooling: its name.
    """

    layers: Layers
    pooling: str


class Candidates(Pooling):
    """The pooling of a classifier that has not chosen yet, `(B, F, H) -> (B, S)`: the vectors of all ways in a row.

    Args:
        own: the classifier's pooling as long as nothing was chosen, whose vectors come first.
        ways: `own` first, then `stats` or `mean` of `last` or a layer.
        hidden_size: H.
    """

    def __init__(self, own: Pooling, ways: Sequence[Way], hidden_size: int):
        super().__init__(hidden_size)
        self.own, self.ways = own, tuple(ways)
        self.heard = tuple(dict.fromkeys(way.layers for way in ways[1:]))
        self.output_size = own.output_size + 2 * hidden_size * len(self.heard)

    @property
    def every_layer(self) -> bool:
        """Whether it wants the states of every layer."""
        return any(layer != "last" for layer in self.heard)

    def forward(self, frames: Frames) -> Tensor:
        found = [self.own(frames)]
        for layer in self.heard:
            seen = frames
            if isinstance(layer, int):
                assert frames.layers is not None
                seen = frames.of_layers(frames.layers[layer])
            found += statistics(seen)
        return torch.cat([x.float() for x in found], -1)

    def part(self, index: int) -> slice:
        """Where the vector of a way lies, by its position."""
        if not index:
            return slice(0, self.own.output_size)
        way, width = self.ways[index], self.output_size - self.own.output_size
        size = width // len(self.heard)
        begin = self.own.output_size + size * self.heard.index(way.layers)
        return slice(begin, begin + (size // 2 if way.pooling == "mean" else size))


def undecided(model: AudioClassifier, ways: Sequence[Way]) -> Candidates:
    """Give a model, whose own way is the first, the pooling of all; its head then fits only what is chosen."""
    candidates = Candidates(model.pooling, ways, model.encoder.hidden_size)
    model.pooling = candidates
    model.spec["pooling"] = {"name": "candidates", "layers": list(candidates.heard)}
    return candidates
