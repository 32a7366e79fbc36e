"""The x-vector network: layers over a few neighbouring frames each, then statistics of the whole clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audioft.models.frames import Frames
from audioft.models.pooling import poolings, statistics


@poolings.register("xvector")
class XVectorPooling(nn.Module):
    """A projection, time-delay layers, then mean and deviation (Snyder et al. 2018, table 1).

    Together with a head of one embedding layer it computes what transformers' `*ForXVector` classes compute.

    Shape: `(B, F, H) -> (B, 2 * sizes[-1])`.

    A layer of kernel k and dilation d looks at (k - 1) d neighbours and gives as many frames less: with the defaults a
    clip loses 14 (0.3 s at 20 ms a frame). Nothing is padded but a clip that would lose them all: its first and its
    last frame are repeated, as Kaldi does at the ends of a recording, until one frame is left of it.

    Args:
        hidden_size: H.
        sizes: width of each layer; the projection has that of the first.
        kernels: frames that a layer sees.
        dilations: how far apart these lie, in frames.
    """

    def __init__(
        self,
        hidden_size: int,
        sizes: tuple[int, ...] = (512, 512, 512, 512, 1500),
        kernels: tuple[int, ...] = (5, 3, 3, 1, 1),
        dilations: tuple[int, ...] = (1, 2, 3, 1, 1),
    ):
        super().__init__()
        self.projector = nn.Linear(hidden_size, sizes[0])
        before = [sizes[0], *sizes[:-1]]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, k, dilation=d) for a, b, k, d in zip(before, sizes, kernels, dilations, strict=True)
        )
        self.lost = sum((k - 1) * d for k, d in zip(kernels, dilations, strict=True))
        self.output_size = 2 * sizes[-1]

    @staticmethod
    def validate(sizes: tuple[int, ...], kernels: tuple[int, ...], dilations: tuple[int, ...]) -> list[str]:
        given = {"sizes": sizes, "kernels": kernels, "dilations": dilations}
        found = [
            f"{name}: {list(values)} are not all above 0"
            for name, values in given.items()
            if min(values, default=1) < 1
        ]
        if not sizes or len({len(v) for v in given.values()}) > 1:
            counts = ", ".join(f"{len(v)} {name}" for name, v in given.items())
            found.append(f"sizes: a layer has one of each, and there is at least one; found {counts}")
        return found

    def forward(self, frames: Frames) -> Tensor:
        own = self._lengthened(frames)
        states = self.projector(own.states).transpose(1, 2)
        for layer in self.layers:
            states = torch.relu(layer(states))
        # frame t comes of the frames t to t + lost: of the first `length - lost` all these are the clip's own
        pooled = statistics(Frames(states.transpose(1, 2), own.lengths - self.lost, own.seconds_per_frame))
        return torch.cat(pooled, dim=-1)

    def _lengthened(self, frames: Frames) -> Frames:
        """Every clip with at least the frames that give one; beyond its end each has its last frame again."""
        least = self.lost + 1
        missing = (least - frames.lengths).clamp(min=0)
        place = torch.arange(max(least, frames.states.shape[1]), device=frames.lengths.device)
        index = (place[None, :] - (missing // 2)[:, None]).clamp(min=0).minimum(frames.lengths[:, None] - 1)
        states = frames.states.gather(1, index[..., None].expand(-1, -1, frames.states.shape[2]))
        return Frames(states, frames.lengths + missing, frames.seconds_per_frame)
