"""From frames to one vector a clip, over the clip's own frames only; in float32, whatever the frames are in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from audioft.core.registry import Registry
from audioft.models.frames import Frames, own_moments

#: A pooling that is `linear` gives of a weighted sum of states the same sum of what it gives of each of them.
poolings = Registry("pooling", given=("hidden_size",))


class Pooling(nn.Module):
    """`(B, F, H) -> (B, D)`, `output_size` being D: so many times H as `width` says."""

    width = 1

    def __init__(self, hidden_size: int):
        super().__init__()
        self.output_size = self.width * hidden_size


@poolings.register("mean")
class MeanPooling(Pooling):
    """The mean over a clip's frames, as transformers' own classification classes pool.

    Shape: `(B, F, H) -> (B, H)`.
    """

    linear = True

    def forward(self, frames: Frames) -> Tensor:
        states = frames.states.float().masked_fill(~frames.valid[..., None], 0)
        return states.sum(1) / frames.lengths[:, None]


@poolings.register("tokens")
class TokenPooling(Pooling):
    """The mean of the first two states, the AST's class and distillation tokens, as its own class pools.

    Shape: `(B, F, H) -> (B, H)`.
    """

    linear = True

    def forward(self, frames: Frames) -> Tensor:
        return (frames.states[:, 0].float() + frames.states[:, 1].float()) / 2


@poolings.register("all_frames")
class AllFramesPooling(Pooling):
    """The mean over all frames, those of the padding too, as Whisper's own class pools over its 30 seconds.

    Shape: `(B, F, H) -> (B, H)`. Only for an encoder that pads every clip to one length.
    """

    linear = True

    def forward(self, frames: Frames) -> Tensor:
        return frames.states.float().mean(1)


def statistics(frames: Frames) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over a clip's own frames, each `(B, H)` float32.

    The deviation divides by one frame less than there are, as torch's and transformers' do; that of a single frame
    is 0 (1e-6, where the root has a slope).
    """
    count = frames.lengths[:, None, None]
    mean, _, squares = own_moments(frames.states.float(), ~frames.valid[..., None], count, dim=1)
    return mean[:, 0], (squares / (count - 1).clamp(min=1)).clamp(min=1e-12).sqrt()[:, 0]


@poolings.register("stats")
class StatsPooling(Pooling):
    """Mean and standard deviation over a clip's frames (statistics pooling, Snyder et al. 2018).

    Shape: `(B, F, H) -> (B, 2 H)`.
    """

    width = 2

    def forward(self, frames: Frames) -> Tensor:
        return torch.cat(statistics(frames), dim=-1)


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
        return frames.of_layers(self.of(frames.layers))

    def of(self, states: Sequence[Tensor]) -> Tensor:
        """The weighted sum of `states`, one a layer."""
        weights = torch.softmax(self.layer_weights, dim=-1)
        first, *others = (weight * own.float() for weight, own in zip(weights, states, strict=True))
        return sum(others, first)
