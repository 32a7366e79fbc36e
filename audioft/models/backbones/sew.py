"""SEW and SEW-D: between projection and layers two frames become one, and after the layers one becomes two again.

Where a clip has an odd number of frames its last one is lost on the way and comes back as zeros, as in transformers.
The states of the layers, and a learned sum of them, are of squeezed frames (Wu et al. 2021).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.backbones.base import Held, Part, Projected
from audioft.models.backbones.waveform import WaveformBackbone
from audioft.models.frames import LatentMask, valid_frames


class SqueezedBackbone(WaveformBackbone):
    """SEW."""

    def __init__(self, model: Any, exact: bool = True):
        super().__init__(model, exact)
        self.squeeze = self.config.squeeze_factor

    def project(self, features: Tensor, lengths: Tensor, mask: LatentMask | None) -> Projected:
        """Projected, masked, squeezed, and told their position."""
        model, encoder = self.model, self.model.encoder
        hidden = model.layer_norm(features)
        if model.project_features:
            hidden = model.feature_projection(hidden)
        hidden = self.silence(self.hide(model.feature_dropout(hidden), mask), lengths)
        squeezed, positions = encoder.pool(hidden.transpose(1, 2)), encoder.pos_conv_embed(hidden.transpose(1, 2))
        hidden = (squeezed + positions[..., : squeezed.shape[-1]]).transpose(1, 2)
        before = {"lengths": lengths, "frames": features.shape[1]}
        return self._normalised(hidden), torch.div(lengths, self.squeeze, rounding_mode="floor"), before

    def _normalised(self, hidden: Tensor) -> Tensor:
        return self.model.encoder.dropout(self.model.encoder.layer_norm(hidden))

    def extras(self, layer: int, hidden: Tensor, lengths: Tensor, all_lengths: Tensor) -> dict[str, Any]:
        return {"lengths": all_lengths, "frames": int(all_lengths.max())}

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """Every frame again; the last one of an odd number is zero."""
        hidden = self.silence(self.model.encoder.upsample(hidden), lengths * self.squeeze)
        return nn.functional.pad(hidden, (0, 0, 0, extras["frames"] - hidden.shape[1])), extras["lengths"]

    def parts(self) -> list[Part]:
        return self.layer_parts([self.model.feature_extractor], self._projection(), [self.model.encoder.upsample])

    def _projection(self) -> list[Held | None]:
        model, encoder = self.model, self.model.encoder
        found = [model.layer_norm, model.feature_dropout, encoder.pos_conv_embed, encoder.pool, self.mask_vector]
        found.append(model.feature_projection if model.project_features else None)
        return found + [getattr(encoder, name, None) for name in ("layer_norm", "dropout")]


class DisentangledBackbone(SqueezedBackbone):
    """SEW-D: attention to content and to relative position apart (DeBERTa, He et al. 2021)."""

    layers_in = "encoder.encoder.layer"

    def _normalised(self, hidden: Tensor) -> Tensor:
        return hidden

    def attention_mask(self, hidden: Tensor, lengths: Tensor) -> Any:
        """`(B, 1, 1, F)` int64, relative positions, and their embeddings."""
        inner = self.model.encoder.encoder
        valid = valid_frames(lengths, hidden.shape[1]).long()
        return inner.get_attention_mask(valid), inner.get_rel_pos(hidden), inner.get_rel_embedding()

    def run_layer(self, index: int, hidden: Tensor, mask: Any, extras: dict[str, Any]) -> Tensor:
        """The convolution beside the first layer is computed with the second one, or at the end, so that the states
        of the layers are those that transformers gives."""
        attention, positions, embeddings = mask
        if index == 0:
            extras["before_layers"] = hidden
            extras["valid"] = attention[:, 0, 0]
        elif index == 1:
            hidden = self._beside_first(hidden, extras)
        return self.layers[index](hidden, attention, relative_pos=positions, rel_embeddings=embeddings)

    def can_go_on_from(self, layer: int) -> bool:
        return layer != 1  # the convolution beside the first layer still wants what came before it

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        if len(self.layers) == 1:
            hidden = self._beside_first(hidden, extras)
        return super().finish(hidden, lengths, extras)

    def parts(self) -> list[Part]:
        named = super().parts()
        convolution = self.model.encoder.encoder.conv
        if convolution is not None and not (self.is_cut and len(self.layers) < 2):
            named[min(3, len(named) - 1)][1].append(convolution)
        return named

    def _beside_first(self, hidden: Tensor, extras: dict[str, Any]) -> Tensor:
        convolution = self.model.encoder.encoder.conv
        if convolution is None:
            return hidden
        valid = extras["valid"]
        return convolution(self.silence(extras["before_layers"], valid.sum(1)), hidden, valid)

    def _projection(self) -> list[Held | None]:
        inner = self.model.encoder.encoder
        return super()._projection() + [getattr(inner, name, None) for name in ("rel_embeddings", "LayerNorm")]
