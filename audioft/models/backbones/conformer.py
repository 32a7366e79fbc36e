"""Conformers: wav2vec2-conformer on waveforms, Wav2Vec2-BERT on log-mel features.

A conformer layer has a convolution over time between attention and feed-forward (Gulati et al. 2020). That of
wav2vec2-conformer looks to both sides and, in transformers, into the padding; here its input is zero there, as
Wav2Vec2-BERT's is already.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from audioft.models.backbones.base import Backbone, Part, Projected, SpectralBackbone
from audioft.models.backbones.waveform import WaveformBackbone
from audioft.models.exported.positions import positions
from audioft.models.frames import LatentMask, is_exported, valid_frames


class _Around(NamedTuple):
    """What every layer of a conformer wants to know."""

    attention: Any  # the mask of the attention; None without padding
    valid: Tensor | None  # `(B, F)` bool; None without padding
    positions: Tensor | None  # relative or rotary position embeddings


class _Conformer(Backbone):
    """What the two share: how states come before the layers, and what these know of the padding and of positions."""

    def project(self, features: Tensor, lengths: Tensor, mask: LatentMask | None) -> Projected:
        """Projected and masked; positions are told inside the layers."""
        hidden = self.silence(self.hide(self.model.feature_projection(features)[0], mask), lengths)
        return self.model.encoder.dropout(hidden), lengths, {}

    def attention_mask(self, hidden: Tensor, lengths: Tensor) -> _Around:
        attention = Backbone.attention_mask(self, hidden, lengths)
        embed = self.model.encoder.embed_positions
        valid = None if attention is None or not self.exact else valid_frames(lengths, hidden.shape[1])
        return _Around(attention, valid, _positions(embed, hidden))


def _positions(embed: Any, hidden: Tensor) -> Tensor | None:
    if embed is None:
        return None
    return positions(embed, hidden) if is_exported() else embed(hidden)


class ConformerBackbone(_Conformer, WaveformBackbone):
    """wav2vec2-conformer; its `pos_conv_embed` has no part in what it computes."""

    def run_layer(self, index: int, hidden: Tensor, mask: Any, extras: dict[str, Any]) -> Tensor:
        layer: Any = self.layers[index]
        if self.is_skipped(layer):
            return hidden
        hidden = hidden + 0.5 * layer.ffn1(layer.ffn1_layer_norm(hidden))
        attended, _ = layer.self_attn(
            hidden_states=layer.self_attn_layer_norm(hidden),
            attention_mask=mask.attention,
            relative_position_embeddings=mask.positions,
        )
        hidden = hidden + layer.self_attn_dropout(attended)
        hidden = hidden + _convolved(layer.conv_module, hidden, mask.valid)
        return layer.final_layer_norm(hidden + 0.5 * layer.ffn2(layer.ffn2_layer_norm(hidden)))

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        return self.model.encoder.layer_norm(hidden), lengths

    def parts(self) -> list[Part]:
        model, encoder = self.model, self.model.encoder
        projection = [model.feature_projection, encoder.pos_conv_embed, encoder.dropout, self.mask_vector]
        return self.layer_parts([model.feature_extractor], [*projection, encoder.embed_positions], [encoder.layer_norm])


def _convolved(module: Any, hidden: Tensor, valid: Tensor | None) -> Tensor:
    """The convolution of a layer, its input zero in the padding: `(B, F, H)`."""
    hidden = module.layer_norm(hidden)
    if valid is not None:
        hidden = hidden.masked_fill(~valid[..., None], 0)  # stays zero through the gated pointwise convolution
    hidden = module.glu(module.pointwise_conv1(hidden.transpose(1, 2)))
    hidden = module.activation(module.batch_norm(module.depthwise_conv(hidden)))
    return module.dropout(module.pointwise_conv2(hidden)).transpose(1, 2)


class BertBackbone(_Conformer, SpectralBackbone):
    """Wav2Vec2-BERT: two frames of log-mel features are one input, 20 ms apart."""

    @property
    def convolutions(self) -> tuple[tuple[int, int], ...]:
        return ((400, 160), (2, 2))  # of 16 kHz, as its feature extractor is written

    def features(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return self.front_end(waveforms, self.heard(waveforms, lengths))

    def run_layer(self, index: int, hidden: Tensor, mask: Any, extras: dict[str, Any]) -> Tensor:
        layer = self.layers[index]
        if self.is_skipped(layer):
            return hidden
        return layer(
            hidden,
            attention_mask=mask.attention,
            relative_position_embeddings=mask.positions,
            conv_attention_mask=mask.valid,
        )

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        ffn = self.model.intermediate_ffn
        return (hidden if ffn is None else hidden + 0.5 * ffn(hidden)), lengths

    def parts(self) -> list[Part]:
        model, encoder = self.model, self.model.encoder
        projection = [model.feature_projection, encoder.dropout, self.mask_vector, encoder.embed_positions]
        return self.layer_parts([], projection, [model.intermediate_ffn])
