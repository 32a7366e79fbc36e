"""The convolutions over a waveform as products of matrices, frames by channels.

A runtime computes products in 8 bits several times as fast as convolutions, and in float32 no slower. The first one
takes in its group norm, where it has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.exported.spectra import framed
from audioft.models.frames import own_moments, strided, valid_frames


def features(layers: Sequence[Any], waveforms: Tensor, lengths: Tensor) -> Tensor:
    """What the layers of transformers' feature extractor make of a batch, `(B, F, C)`.

    Args:
        layers: each a `conv`, an `activation` and perhaps a `layer_norm`.
        waveforms: `(B, T)`.
        lengths: `(B,)` samples.
    """
    hidden = waveforms[..., None]
    for layer in layers:
        conv, norm = layer.conv, getattr(layer, "layer_norm", None)
        lengths = strided(lengths, [(conv.kernel_size[0], conv.stride[0])])
        if isinstance(norm, nn.GroupNorm):
            hidden = _normed(hidden[..., 0], lengths, conv, norm)
        else:
            hidden = _convolved(hidden, conv)
            hidden = hidden if norm is None else norm(hidden)
        hidden = layer.activation(hidden)
    return hidden


def is_known(layers: Sequence[Any]) -> bool:
    """Whether they are such as published encoders have: a group norm only after a first convolution of one channel."""
    return all(
        layer.conv.padding == (0,)
        and layer.conv.groups == 1
        and (isinstance(norm, nn.LayerNorm) or norm is None or (isinstance(norm, nn.GroupNorm) and i == 0))
        for i, layer in enumerate(layers)
        for norm in [getattr(layer, "layer_norm", None)]
    )


def keep_taps(layers: Sequence[Any]) -> None:
    """Give each convolution its weights in the form that products take, `(K C, O)`, so that a graph has them so."""
    for layer in layers:
        layer.conv.taps = nn.Parameter(layer.conv.weight.detach().permute(2, 1, 0).flatten(0, 1), requires_grad=False)


def _convolved(hidden: Tensor, conv: nn.Conv1d) -> Tensor:
    """A convolution of `(B, F, C)`: what the taps of a frame see lies beside each other."""
    seen = framed(hidden, conv.kernel_size[0], conv.stride[0]).flatten(2)
    found = seen @ conv.taps
    return found if conv.bias is None else found + conv.bias


def _normed(waveforms: Tensor, lengths: Tensor, conv: nn.Conv1d, norm: nn.GroupNorm) -> Tensor:
    """The convolution of one channel, each of its channels normed over a clip's own frames, `(B, F, C)`.

    As in `cpu_kernels.convolutions`, mean and variance of what comes out follow from mean and covariance of the samples
    that the kernel sees: no pass over the output is needed, which is a hundred times as large as the sound. Its bias is
    cancelled by the norm.
    """
    seen = framed(waveforms, conv.kernel_size[0], conv.stride[0])
    outside = ~valid_frames(lengths, seen.shape[1])[..., None]
    count = lengths[:, None, None].double()
    mean, centred, _ = own_moments(seen.double(), outside, count, dim=1)
    weight = conv.weight[:, 0].double().T
    variance = (weight * (centred.transpose(1, 2) @ centred / count @ weight)).sum(1, keepdim=True)
    scale = torch.rsqrt(variance + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.double()
    shift = -(mean @ weight) * scale
    if norm.affine:
        shift = shift + norm.bias.double()
    ones = torch.ones_like(seen[..., :1])
    return torch.cat([seen, ones], 2) @ torch.cat([weight * scale, shift], 1).float()
