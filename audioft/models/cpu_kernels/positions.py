"""The wide convolution that tells positions, made quick on a CPU: while it trains as products of spectra.

128 taps over groups of 48 channels: as a convolution its backward pass alone takes a twentieth of a training step. By
the convolution theorem it is a product at each frequency, for which forty times fewer operations are needed; the
spectra of the taps are one matrix product, which leaves them in the order that the products want. What comes out
differs from torch's by rounding (1e-6 of the largest value). Without gradients it is torch's own with channels beside
each other, as they come: a third quicker.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor, nn

from audioft.models.frames import is_exported

LEAST_TAPS = 32  #: below, a convolution is as quick
BLOCK = 384  #: samples of a transform, about; longer clips are cut into blocks that overlap


def convolve(conv: nn.Conv1d, hidden: Tensor) -> Tensor:
    """`conv(hidden)`, of `(B, C, F)`; quicker on a CPU."""
    if hidden.device.type != "cpu" or is_exported() or not _fits(conv):
        return conv(hidden)
    if not torch.is_grad_enabled() and hidden.stride(1) == 1:  # channels last
        padding, weight = (0, int(conv.padding[0])), conv.weight[:, :, None]
        return nn.functional.conv2d(hidden[:, :, None], weight, conv.bias, padding=padding, groups=conv.groups)[:, :, 0]
    if not (conv.training and torch.is_grad_enabled()):
        return conv(hidden)
    with torch.autocast("cpu", enabled=False):
        found = spectral(hidden.float(), conv.weight.float(), conv.groups, int(conv.padding[0]))
        return found if conv.bias is None else found + conv.bias[:, None]


def _fits(conv: nn.Conv1d) -> bool:
    plain = conv.stride == (1,) and conv.dilation == (1,) and conv.padding_mode == "zeros"
    return plain and conv.kernel_size[0] >= LEAST_TAPS and conv.groups > 1 and not isinstance(conv.padding, str)


def spectral(hidden: Tensor, weight: Tensor, groups: int, padding: int) -> Tensor:
    """A convolution (in the sense of torch) over time by overlap-save (Oppenheim and Schafer, 8.7.3).

    Args:
        hidden: `(B, C, F)` float32.
        weight: `(O, C / groups, K)`.
        groups: of channels.
        padding: zeros put at both ends.

    Returns:
        `(B, O, F + 2 padding - K + 1)`.
    """
    batch, _, frames = hidden.shape
    out, _, taps = weight.shape
    wanted = frames + 2 * padding - taps + 1
    blocks = math.ceil(wanted / (max(BLOCK, 2 * taps) - taps + 1))
    hop = math.ceil(wanted / blocks)
    size = _quick_size(hop + taps - 1)
    padded = nn.functional.pad(hidden, (padding, (blocks - 1) * hop + size - frames - padding))
    spectra = torch.fft.rfft(padded.unfold(2, size, hop))  # (B, C, blocks, size / 2 + 1)
    rows = spectra.unflatten(1, (groups, -1)).permute(4, 1, 0, 3, 2).flatten(2, 3).flatten(0, 1)  # (f g, B blocks, c)
    cosines, sines = _waves(size, taps)
    real, imaginary = (_taps(waves, weight, groups) for waves in (cosines, sines))
    # the spectrum of the taps turned round in time is the conjugate one
    of = torch.cat([rows.real, rows.imag], 1)
    by_real, by_imaginary = torch.bmm(of, real), torch.bmm(of, imaginary)
    half = rows.shape[1]
    product = torch.complex(by_real[:, :half] + by_imaginary[:, half:], by_real[:, half:] - by_imaginary[:, :half])
    product = product.view(-1, groups, batch, blocks, out // groups).permute(2, 1, 4, 3, 0).flatten(1, 2)
    found = torch.fft.irfft(product, n=size)[..., :hop]
    return found.flatten(2)[..., :wanted]


def _taps(waves: Tensor, weight: Tensor, groups: int) -> Tensor:
    """One part of the taps' spectra, `(f groups, C / groups, O / groups)`."""
    found = waves @ weight.flatten(0, 1).T  # (f, O C / groups)
    return found.view(len(waves) * groups, weight.shape[0] // groups, weight.shape[1]).transpose(1, 2)


@functools.lru_cache(maxsize=8)
def _waves(size: int, taps: int) -> tuple[Tensor, Tensor]:
    """Cosines and negative sines, `(size / 2 + 1, taps)`: the transform of `taps` numbers as a matrix."""
    turns = torch.outer(torch.arange(size // 2 + 1), torch.arange(taps)) % size
    angles = turns.double() * (2 * math.pi / size)
    return angles.cos().float(), -angles.sin().float()


def _quick_size(least: int) -> int:
    """The next even number without a factor above 5, which a transform takes quickly."""
    from scipy.fft import next_fast_len

    return 2 * next_fast_len(-(-least // 2), real=True)
