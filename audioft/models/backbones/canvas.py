"""Encoders of a spectrogram of fixed length: the Audio Spectrogram Transformer and Whisper's encoder.

Every clip is laid on a canvas of the same length and nothing of the canvas is masked, so a clip never depends on
another one; it does depend on how much of the canvas is empty, as these models were trained.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.backbones.base import Part, Projected, SpectralBackbone
from audioft.models.features import FrontEnd
from audioft.models.frames import LatentMask, valid_frames


class CanvasBackbone(SpectralBackbone):
    """What the two share."""

    layers_in = "layers"
    finishes_last = True
    masks_padding = False

    def __init__(self, model: Any, exact: bool, front_end: FrontEnd):
        super().__init__(model, exact, front_end)
        self.canvas = front_end.longest or 0

    def shorten(self, samples: int) -> bool:
        """Lay clips on a canvas of about so many samples from now on; False where it takes no other than its own."""
        return False


class PatchBackbone(CanvasBackbone):
    """The AST (Gong et al. 2021): patches of 16 bands by 16 frames of 10 ms, and two tokens before them.

    Its states are the two tokens, then the patches in the order of time; as attention does not know of an order,
    only that of its output changes. The lengths reach to the last patch that begins within the clip.
    """

    timed = False

    @property
    def convolutions(self) -> tuple[tuple[int, int], ...]:
        return ((400, 160), (self.config.patch_size, self.config.time_stride))

    def frame_lengths(self, samples: Tensor) -> Tensor:
        rows, columns = self._shape
        moments = torch.div(samples - 400, 160 * self.config.time_stride, rounding_mode="floor") + 1
        return 2 + rows * moments.clamp(1, columns)

    def features(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        canvas, _ = self.front_end(waveforms, self.heard(waveforms, lengths))
        return self.model.embeddings.patch_embeddings(canvas), self.frame_lengths(lengths)

    def project(self, features: Tensor, lengths: Tensor, mask: LatentMask | None) -> Projected:
        embeddings = self.model.embeddings
        tokens = torch.cat([embeddings.cls_token, embeddings.distillation_token], 1).expand(features.shape[0], -1, -1)
        hidden = torch.cat([tokens, features], 1) + embeddings.position_embeddings
        rows, columns = self._shape
        by_time = hidden[:, 2:].unflatten(1, (rows, columns)).transpose(1, 2).flatten(1, 2)
        hidden = self.hide(torch.cat([hidden[:, :2], by_time], 1), mask)
        return embeddings.dropout(hidden), lengths, {}

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        return self.model.layernorm(hidden), lengths

    def parts(self) -> list[Part]:
        e = self.model.embeddings
        projection = [e.cls_token, e.distillation_token, e.position_embeddings, e.dropout]
        return self.layer_parts([e.patch_embeddings], projection, [self.model.layernorm])

    @property
    def _shape(self) -> tuple[int, int]:
        return self.model.embeddings.get_shape(self.config)


class WhisperBackbone(CanvasBackbone):
    """Whisper's encoder (Radford et al. 2022): 1,500 frames of 20 ms, those of the clip first."""

    layers_counted = "encoder_layers"

    @property
    def convolutions(self) -> tuple[tuple[int, int], ...]:
        return ((320, 320),)  # where its frames lie; the windows behind them reach over their neighbours

    def frame_lengths(self, samples: Tensor) -> Tensor:
        return super().frame_lengths(samples).clamp(1, self.config.max_source_positions)

    def shorten(self, samples: int) -> bool:
        """Its positions are sinusoids: a shorter canvas has the first of them."""
        (hop, _), most = self.convolutions[0], self.config.max_source_positions
        self.longest = self.canvas = hop * min(most, max(1, -(-samples // hop)))
        return True

    def features(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if self.exact:
            waveforms = waveforms.masked_fill(~valid_frames(lengths, waveforms.shape[1]), 0)
        canvas, _ = self.front_end(waveforms, lengths)
        canvas = canvas[:, : self.canvas // self.front_end.hop]
        hidden = nn.functional.gelu(self.model.conv1(canvas.transpose(1, 2)))
        return nn.functional.gelu(self.model.conv2(hidden)).transpose(1, 2), self.frame_lengths(lengths)

    def project(self, features: Tensor, lengths: Tensor, mask: LatentMask | None) -> Projected:
        model = self.model
        hidden = self.hide(features + model.embed_positions.weight[: features.shape[1]], mask)
        # this dropout is no module; it follows the embedding of positions, its part
        return nn.functional.dropout(hidden, model.dropout, model.embed_positions.training), lengths, {}

    @property
    def layerdrop(self) -> float:
        return float(self.model.layerdrop)

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        return self.model.layer_norm(hidden), lengths

    def parts(self) -> list[Part]:
        model = self.model
        return self.layer_parts([model.conv1, model.conv2], [model.embed_positions], [model.layer_norm])

    def fixed(self) -> list[nn.Parameter]:
        return [*super().fixed(), self.model.embed_positions.weight]  # sinusoids
