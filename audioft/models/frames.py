"""What an encoder gives: one vector every few milliseconds, for each clip of a batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Frames:
    """The states of an encoder after some layer.

    Attributes:
        states: `(B, F, H)`, the states after the last computed layer.
        lengths: `(B,)` int64, the frames of each clip that are its own; what lies beyond is padding and arbitrary.
        seconds_per_frame: hop between frames, in seconds.
        layers: all states on the way, entry 0 before the first transformer layer and entry k after layer k,
            each `(B, F, H)`; None unless asked for.
        layer_lengths: `(B,)` int64, `lengths` of what is in `layers`; another one where the layers see several frames
            as one (SEW).
        layer: how many transformer layers have been computed.
        extras: what later layers need besides the states (WavLM's position bias).
    """

    states: Tensor
    lengths: Tensor
    seconds_per_frame: float
    layers: tuple[Tensor, ...] | None = None
    layer_lengths: Tensor | None = None
    layer: int = 0
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def valid(self) -> Tensor:
        """`(B, F)` bool: which frames are a clip's own."""
        return valid_frames(self.lengths, self.states.shape[1])

    def of_layers(self, states: Tensor) -> Frames:
        """Frames of one of `layers`, or of a sum of them."""
        return replace(self, states=states, lengths=self.lengths if self.layer_lengths is None else self.layer_lengths)


@dataclass(frozen=True)
class LatentMask:
    """What is hidden from the transformer, as SpecAugment does inside the encoder (Park et al. 2019; wav2vec 2.0).

    Attributes:
        time: `(B, F)` bool, frames replaced by the learned mask vector; None for none.
        channels: `(B, H)` bool, channels set to zero over the whole clip; None for none.
    """

    time: Tensor | None = None
    channels: Tensor | None = None


def is_exported() -> bool:
    """Whether a graph is being made of what is computed (`torch.export`): then no number of a batch is asked for on the
    way, so that the graph is right for any batch, and what is a shortcut for some batches is left out.
    """
    return torch.compiler.is_exporting()


def all_own(lengths: Tensor, frames: int) -> bool:
    """Whether no clip of a batch is padded; not known of a graph, which is made as if some were."""
    return not is_exported() and bool((lengths >= frames).all())


def valid_frames(lengths: Tensor, frames: int) -> Tensor:
    """`(B, frames)` bool: True where a position lies within its clip's length.

    >>> valid_frames(torch.tensor([1, 3]), 3).int().tolist()
    [[1, 0, 0], [1, 1, 1]]
    """
    return torch.arange(frames, device=lengths.device)[None, :] < lengths[:, None]


def strided(samples: Any, convolutions: Iterable[tuple[int, int]]) -> Any:
    """How many frames convolutions, each of a kernel and a stride, make of so many samples, a number or a tensor.

    >>> strided(800, [(400, 320)]), strided(torch.tensor([399, 720]), [(400, 320)]).tolist()
    (2, [0, 2])
    """
    for kernel, stride in convolutions:
        samples = (samples - kernel) // stride + 1
    return samples


def own_moments(values: Tensor, outside: Tensor, count: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Over what is a clip's own along `dim`: the mean, how far each value is from it, and the sum of squares of that.

    Args:
        values: `(B, F, D)`, or with the frames elsewhere.
        outside: bool, what is not to count; it is 0 in what is given.
        count: how many count in each clip.
        dim: of the frames; it is kept, as one.
    """
    values = values.masked_fill(outside, 0)
    mean = values.sum(dim, keepdim=True) / count
    centred = (values - mean).masked_fill(outside, 0)
    return mean, centred, centred.square().sum(dim, keepdim=True)


def deviation(variance: Tensor) -> Tensor:
    """The root of a variance; 1e-6 for 0, where the root has a slope."""
    return variance.clamp(min=1e-12).sqrt()
