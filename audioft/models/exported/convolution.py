"""The first convolution of a waveform encoder together with its group norm, as one product of matrices."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audioft.models.exported.spectra import framed
from audioft.models.frames import own_moments, valid_frames


def normed(waveforms: Tensor, lengths: Tensor, conv: nn.Conv1d, norm: nn.GroupNorm) -> Tensor:
    """The convolution of one channel, each of its channels normed over a clip's own frames.

    As in `cpu_kernels.convolutions`, mean and variance of what comes out follow from mean and covariance of the samples
    that the kernel sees: no pass over the output is needed, which is a hundred times as large as the sound.

    Args:
        waveforms: `(B, T)`.
        lengths: `(B,)`, how many frames are each clip's own.
        conv: its bias is cancelled by the norm.
        norm: of one channel a group.

    Returns:
        `(B, C, F)`.
    """
    seen = framed(waveforms, conv.kernel_size[0], conv.stride[0])
    outside = ~valid_frames(lengths, seen.shape[1])[..., None]
    count = lengths[:, None, None].double()
    mean, centred, _ = own_moments(seen.double(), outside, count, dim=1)
    weight = conv.weight[:, 0].double()
    variance = (weight @ (centred.transpose(1, 2) @ centred / count) * weight).sum(2, keepdim=True)
    scale = torch.rsqrt(variance + norm.eps)
    shift = -(weight @ mean.transpose(1, 2)) * scale
    if norm.affine:
        scale, shift = scale * norm.weight.double()[:, None], shift * norm.weight.double()[:, None]
        shift = shift + norm.bias.double()[:, None]
    ones = torch.ones_like(seen[..., :1])
    return torch.cat([weight * scale, shift], 2).float() @ torch.cat([seen, ones], 2).transpose(1, 2)
