"""From frames to one vector a clip, over the clip's own frames only; in float32, whatever the frames are in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audioft.core.registry import Registry
from audioft.models.frames import Frames, deviation, own_moments
from audioft.models.layer_moments import moments, statistics_of_sum

poolings = Registry("pooling", given=("hidden_size",))


class Pooling(nn.Module):
    """`(B, F, H) -> (B, D)`, `output_size` being D: so many times H as `width` says."""

    width = 1

    def __init__(self, hidden_size: int):
        super().__init__()
        self.output_size = self.width * hidden_size


class FixedPooling(Pooling):
    """A pooling with nothing to learn, which can reduce a clip's layers before it is known what each one weighs."""

    def reduced(self, frames: Frames) -> Tensor:
        """Of `frames.layers` what `of_sum` needs, `(B, K, H)` float32, without a gradient."""
        raise NotImplementedError

    def of_sum(self, reduced: Tensor, weights: Tensor) -> Tensor:
        """`(B, D)`: what it gives of the sum of the layers, up to rounding.

        Args:
            reduced: `(B, K, H)`, see `reduced`.
            weights: `(L + 1,)`, of the layers.
        """
        raise NotImplementedError


class LinearPooling(FixedPooling):
    """One that gives of a weighted sum of states the same sum of what it gives of each of them: K is L + 1."""

    def reduced(self, frames: Frames) -> Tensor:
        assert frames.layers is not None
        return torch.stack([self(frames.of_layers(states)) for states in frames.layers], 1)

    def of_sum(self, reduced: Tensor, weights: Tensor) -> Tensor:
        return weighted_sum(reduced.unbind(1), weights)


@poolings.register("mean")
class MeanPooling(LinearPooling):
    """The mean over a clip's frames, as transformers' own classification classes pool.

    Shape: `(B, F, H) -> (B, H)`.
    """

    def forward(self, frames: Frames) -> Tensor:
        states = frames.states.float().masked_fill(~frames.valid[..., None], 0)
        return states.sum(1) / frames.lengths[:, None]


@poolings.register("tokens")
class TokenPooling(LinearPooling):
    """The mean of the first two states, the AST's class and distillation tokens, as its own class pools.

    Shape: `(B, F, H) -> (B, H)`.
    """

    def forward(self, frames: Frames) -> Tensor:
        return (frames.states[:, 0].float() + frames.states[:, 1].float()) / 2


@poolings.register("all_frames")
class AllFramesPooling(LinearPooling):
    """The mean over all frames, those of the padding too, as Whisper's own class pools over its 30 seconds.

    Shape: `(B, F, H) -> (B, H)`. Only for an encoder that pads every clip to one length.
    """

    def forward(self, frames: Frames) -> Tensor:
        return frames.states.float().mean(1)


def statistics(frames: Frames) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over a clip's own frames, each `(B, H)` float32.

    The deviation divides by one frame less than there are, as torch's and transformers' do; that of a single frame
    is 0 (1e-6, where the root has a slope).
    """
    count = frames.lengths[:, None, None]
    mean, _, squares = own_moments(frames.states.float(), ~frames.valid[..., None], count, dim=1)
    return mean[:, 0], deviation(squares / (count - 1).clamp(min=1))[:, 0]


@poolings.register("stats")
class StatsPooling(FixedPooling):
    """Mean and standard deviation over a clip's frames (statistics pooling, Snyder et al. 2018).

    Shape: `(B, F, H) -> (B, 2 H)`.
    """

    width = 2

    def forward(self, frames: Frames) -> Tensor:
        return torch.cat(statistics(frames), dim=-1)

    def reduced(self, frames: Frames) -> Tensor:
        assert frames.layers is not None
        return moments(frames.layers, frames.of_layers(frames.layers[0]).lengths)

    def of_sum(self, reduced: Tensor, weights: Tensor) -> Tensor:
        return torch.cat(statistics_of_sum(reduced, weights), dim=-1)


@poolings.register("attentive_stats")
class AttentiveStatsPooling(Pooling):
    """Attentive statistics: a weighted mean and deviation, the weights learned (Okabe et al. 2018, eq. 4 to 6).

    Shape: `(B, F, H) -> (B, 2 H)`.

    Args:
        hidden_size: H.
        bottleneck: width of the layer that scores the frames.
        context: each frame is scored beside the mean and deviation of the whole clip, so that a frame's weight may
            depend on how the clip sounds as a whole (ECAPA-TDNN, Desplanques et al. 2020, sec. 3.1).
    """

    width = 2

    def __init__(self, hidden_size: int, bottleneck: int = 128, context: bool = False):
        super().__init__(hidden_size)
        self.context = context
        seen = 3 * hidden_size if context else hidden_size
        self.score = nn.Sequential(nn.Linear(seen, bottleneck), nn.Tanh(), nn.Linear(bottleneck, hidden_size))

    @staticmethod
    def validate(bottleneck: int, context: bool) -> list[str]:
        return [] if bottleneck > 0 else [f"bottleneck: {bottleneck} is not above 0"]

    def forward(self, frames: Frames) -> Tensor:
        outside = ~frames.valid[..., None]
        weights = torch.softmax(self.score(self._seen(frames)).float().masked_fill(outside, -torch.inf), dim=1)
        states = frames.states.float().masked_fill(outside, 0)
        mean = (weights * states).sum(1)
        # the centred form: the difference of two large squares would lose the deviation of a steady channel
        variance = (weights * (states - mean[:, None]).square()).sum(1)
        return torch.cat([mean, (variance + 1e-6).sqrt()], dim=-1)

    def _seen(self, frames: Frames) -> Tensor:
        """What the scoring layer sees of each frame, `(B, F, H)` or with the context `(B, F, 3 H)`."""
        if not self.context:
            return frames.states
        whole = [x[:, None].expand(-1, frames.states.shape[1], -1) for x in statistics(frames)]
        return torch.cat([frames.states.float(), *whole], dim=-1)


class LayerSum(nn.Module):
    """A learned weighted sum over the states of all layers, as SUPERB does (Yang et al. 2021).

    The weights pass a softmax and start equal; this is `use_weighted_layer_sum` in transformers.

    Args:
        num_layers: transformer layers; one more state is summed, that before the first.
    """

    def __init__(self, num_layers: int):
        super().__init__()
        self.layer_weights = nn.Parameter(torch.ones(num_layers + 1) / (num_layers + 1))

    def forward(self, frames: Frames) -> Frames:
        if frames.layers is None:
            raise ValueError("a layer sum needs the states of every layer")
        return frames.of_layers(weighted_sum(frames.layers, self.weights))

    @property
    def weights(self) -> Tensor:
        """`(L + 1,)`, above 0, their sum 1."""
        return torch.softmax(self.layer_weights, dim=-1)


def weighted_sum(states: Sequence[Tensor], weights: Tensor) -> Tensor:
    """The sum of `states`, each times its weight, in float32."""
    first, *others = (weight * own.float() for weight, own in zip(weights, states, strict=True))
    return sum(others, first)
