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
        ways: `own` first, then `stats` of `last` or a layer.
        hidden_size: H.
    """

    def __init__(self, own: Pooling, ways: Sequence[Way], hidden_size: int):
        super().__init__(hidden_size)
        self.own, self.ways = own, tuple(ways)
        sizes = [own.output_size, *(2 * hidden_size for _ in ways[1:])]
        self.ends = torch.tensor(sizes).cumsum(0).tolist()
        self.output_size = self.ends[-1]

    @property
    def every_layer(self) -> bool:
        """Whether it wants the states of every layer."""
        return any(way.layers != "last" for way in self.ways)

    def forward(self, frames: Frames) -> Tensor:
        found = [self.own(frames)]
        for way in self.ways[1:]:
            seen = frames
            if isinstance(way.layers, int):
                assert frames.layers is not None
                seen = frames.of_layers(frames.layers[way.layers])
            found += statistics(seen)
        return torch.cat([x.float() for x in found], -1)

    def part(self, index: int) -> slice:
        """Where the vector of a way lies, by its position."""
        return slice(self.ends[index - 1] if index else 0, self.ends[index])


def undecided(model: AudioClassifier, ways: Sequence[Way]) -> Candidates:
    """Give a model, whose own way is the first, the pooling of all; its head then fits only what is chosen."""
    candidates = Candidates(model.pooling, ways, model.encoder.hidden_size)
    model.pooling = candidates
    model.spec["pooling"] = {"name": "candidates", "ways": [[way.layers, way.pooling] for way in ways]}
    return candidates
