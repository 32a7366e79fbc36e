"""The wav2vec2 style of encoder, computed so that a clip does not depend on the clips beside it.

wav2vec2, HuBERT, WavLM, data2vec-audio and the UniSpeechs share one plan: convolutions over the waveform, a
projection, a convolution that tells positions, transformer layers. The modules and weights are transformers' own; only
the order of calls is ours, because transformers lets padding leak in two places (transformers#21534): the first layer's
GroupNorm takes its statistics over the padding, and data2vec's stack of positional convolutions reads what the
convolution before it wrote there. Here statistics are a clip's own, and padded frames are zero before every
convolution over time that would read them.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.backbones.base import Backbone, Part, Projected
from audioft.models.cpu_kernels import convolutions
from audioft.models.cpu_kernels.positions import convolve
from audioft.models.exported import convolution as exported
from audioft.models.frames import LatentMask, all_own, is_exported, own_moments, strided, valid_frames


class WaveformBackbone(Backbone):
    """wav2vec2, HuBERT, WavLM, data2vec-audio, UniSpeech and UniSpeech-SAT."""

    def __init__(self, model: Any, exact: bool = True):
        super().__init__(model, exact)
        self.position_bias = self.config.model_type == "wavlm"

    def features(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Convolutional features `(B, F, C)` of waveforms `(B, T)`, and frame lengths `(B,)`."""
        layers = self.model.feature_extractor.conv_layers
        if self.exact and is_exported() and exported.is_known(layers):
            return exported.features(layers, waveforms, lengths), self.frame_lengths(lengths)
        if self.exact and convolutions.is_quick(layers, waveforms):
            return convolutions.features(layers, waveforms, lengths), self.frame_lengths(lengths)
        hidden = waveforms[:, None]
        for layer in layers:
            lengths = strided(lengths, [(layer.conv.kernel_size[0], layer.conv.stride[0])])
            if isinstance(getattr(layer, "layer_norm", None), nn.GroupNorm) and self.exact:
                hidden = layer.activation(own_group_norm(layer.conv(hidden), lengths, layer.layer_norm))
            else:
                hidden = layer(hidden)
        return hidden.transpose(1, 2), lengths

    def project(self, features: Tensor, lengths: Tensor, mask: LatentMask | None) -> Projected:
        """Projected, masked, and told their position."""
        hidden = self.model.feature_projection(features)
        hidden = self.hide(hidden[0] if isinstance(hidden, tuple) else hidden, mask)
        encoder, outside = self.model.encoder, self.outside(lengths, hidden)
        hidden = hidden if outside is None else hidden.masked_fill(outside, 0)
        hidden = hidden + self._positions(encoder.pos_conv_embed, hidden, outside)
        if not self._normalised_last:
            hidden = encoder.layer_norm(hidden)
        return encoder.dropout(hidden), lengths, {}

    def attention_mask(self, hidden: Tensor, lengths: Tensor) -> Any:
        """The mask in the form the layers' attention wants; None where no clip is padded."""
        if not self.position_bias:
            return super().attention_mask(hidden, lengths)
        return None if all_own(lengths, hidden.shape[1]) else valid_frames(lengths, hidden.shape[1])

    def run_layer(self, index: int, hidden: Tensor, mask: Any, extras: dict[str, Any]) -> Tensor:
        if not self.position_bias:
            return super().run_layer(index, hidden, mask, extras)
        layer = self.layers[index]
        if index > 0 and self.is_skipped(layer):  # the first layer makes the bias of all others
            return hidden
        with warnings.catch_warnings():  # WavLM hands torch a boolean and a float mask together, which works
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
            hidden, bias = layer(hidden, attention_mask=mask, position_bias=extras.get("position_bias"), index=index)
        extras["position_bias"] = bias
        return hidden

    def extras(self, layer: int, hidden: Tensor, lengths: Tensor, all_lengths: Tensor) -> dict[str, Any]:
        if not self.position_bias or layer == 0:
            return {}
        attention: Any = self.layers[0].attention
        bias = attention.compute_bias(hidden.shape[1], hidden.shape[1])  # of distances between frames alone
        return {"position_bias": bias[None].expand(len(hidden), -1, -1, -1).flatten(0, 1)}

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """A norm in the pre-norm variant, nothing otherwise."""
        return (self.model.encoder.layer_norm(hidden) if self._normalised_last else hidden), lengths

    def parts(self) -> list[Part]:
        model, encoder = self.model, self.model.encoder
        projection = [model.feature_projection, encoder.pos_conv_embed, encoder.dropout, self.mask_vector]
        before, after = ([], [encoder.layer_norm]) if self._normalised_last else ([encoder.layer_norm], [])
        return self.layer_parts([model.feature_extractor], [*projection, *before], after)

    @property
    def _normalised_last(self) -> bool:
        return bool(getattr(self.config, "do_stable_layer_norm", False))

    def _positions(self, embed: Any, hidden: Tensor, outside: Tensor | None) -> Tensor:
        hidden = hidden.transpose(1, 2)
        outside = None if outside is None else outside.transpose(1, 2)
        if hasattr(embed, "layers"):  # data2vec: five convolutions in a row
            for layer in embed.layers:
                hidden = layer(hidden)
                hidden = hidden if outside is None else hidden.masked_fill(outside, 0)
            return hidden.transpose(1, 2)
        if getattr(embed, "batch_norm", None) is not None:  # HuBERT's variant: it would lift the padding off zero
            hidden = embed.batch_norm(hidden)
            hidden = hidden if outside is None else hidden.masked_fill(outside, 0)
        return embed.activation(embed.padding(convolve(embed.conv, hidden))).transpose(1, 2)


def own_group_norm(hidden: Tensor, lengths: Tensor, norm: nn.GroupNorm) -> Tensor:
    """GroupNorm with one channel a group, its statistics over each clip's own frames only.

    Args:
        hidden: `(B, C, F)`.
        lengths: `(B,)`, frames of each clip that count.
        norm: holds `num_groups == C`, `eps`, and the affine weights.

    Returns:
        `(B, C, F)`; for a clip without padding the same as `norm(hidden)` up to rounding.
    """
    if norm.num_groups != norm.num_channels:
        raise ValueError(
            f"expected one channel a group, found {norm.num_groups} groups of {norm.num_channels} channels"
        )
    if all_own(lengths, hidden.shape[2]):
        return norm(hidden)
    dtype, hidden = hidden.dtype, hidden.float()
    outside = ~valid_frames(lengths, hidden.shape[2])[:, None]
    count = lengths.clamp(min=1)[:, None, None]
    _, centred, squares = own_moments(hidden, outside, count, dim=2)
    out = centred * torch.rsqrt(squares / count + norm.eps)
    if norm.affine:
        out = out * norm.weight[:, None] + norm.bias[:, None]
    return out.to(dtype)
