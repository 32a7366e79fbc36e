"""The convolutions over a waveform on a CPU, where nothing of them trains: clip by clip and block by block.

torch's convolution is given the whole batch with its padding, and each step writes all of it to memory: 6.5 MB a second
of sound after the first one. Here a clip goes through all steps in blocks that stay near the processor, frames by
channels, so that a step is a product of matrices, and no padding is computed. The group norm after the first
convolution, whose statistics are the whole clip's, needs no pass over what it normalises: they follow from mean and
covariance of the samples that the kernel sees, and go into its weights. What comes out differs from torch's by
rounding, and does not depend on the clips beside it at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.frames import strided

Shapes = Sequence[tuple[int, int]]  #: kernel and stride of each layer
BLOCK = 20_000  #: samples of a block, about; after the first convolution of the published encoders that is 8 MB


def is_quick(layers: Sequence[Any], waveforms: Tensor) -> bool:
    """Whether `features` is the quicker way: on a CPU, without gradients, with layers such as it knows.

    Args:
        layers: of transformers' feature extractor: each a `conv`, an `activation` and perhaps a `layer_norm`.
        waveforms: what they are to be given.
    """
    trains = torch.is_grad_enabled() and (
        waveforms.requires_grad or any(p.requires_grad for layer in layers for p in layer.parameters())
    )
    return waveforms.device.type == "cpu" and not trains and all(_is_known(i, x) for i, x in enumerate(layers))


def _is_known(index: int, layer: Any) -> bool:
    conv, norm = layer.conv, getattr(layer, "layer_norm", None)
    plain = type(conv) is nn.Conv1d and conv.padding == (0,) and conv.dilation == (1,) and conv.groups == 1
    if isinstance(norm, nn.GroupNorm):
        return plain and index == 0 and norm.num_groups == norm.num_channels
    return plain and (norm is None or isinstance(norm, nn.LayerNorm)) and (index > 0 or conv.in_channels == 1)


@torch.no_grad()
def features(layers: Sequence[Any], waveforms: Tensor, lengths: Tensor) -> Tensor:
    """What the layers make of a batch.

    Args:
        layers: as for `is_quick`.
        waveforms: `(B, T)` on the CPU.
        lengths: `(B,)`, how many samples of each row are the clip; each enough for a frame.

    Returns:
        `(B, F, C)`, zero beyond each clip's frames; of the type that autocast computes in, or float32.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
    shapes = [(layer.conv.kernel_size[0], layer.conv.stride[0]) for layer in layers]
    found = torch.zeros(len(waveforms), strided(waveforms.shape[1], shapes), layers[-1].conv.out_channels, dtype=dtype)
    with torch.autocast("cpu", enabled=False):
        matrices = [_taps(layer.conv, dtype) for layer in layers[1:]]
        for row, waveform, length in zip(found, waveforms.float(), lengths.tolist(), strict=True):
            _clip(layers, shapes, matrices, waveform[:length], row[: strided(length, shapes)])
    return found


def _taps(conv: nn.Conv1d, dtype: torch.dtype) -> list[Tensor]:
    """The kernel as matrices `(taps C, O)`, each of as many taps as the stride or what is left of them."""
    taps = conv.weight.to(dtype).permute(2, 1, 0).flatten(0, 1)
    return list(taps.contiguous().split(conv.stride[0] * conv.in_channels))


def _clip(
    layers: Sequence[Any], shapes: Shapes, matrices: Sequence[list[Tensor]], waveform: Tensor, out: Tensor
) -> None:
    """One clip `(T,)` into its frames `(F, C)`."""
    kernel, stride = shapes[0]
    seen = waveform.unfold(0, kernel, stride)
    first, bias = _first(layers[0], seen)
    block = max(1, BLOCK // math.prod(by for _, by in shapes))
    for begin in range(0, len(out), block):
        end = min(begin + block, len(out))
        low, high = begin, end
        counts = []
        for size, by in reversed(shapes):
            counts.append(high - low)
            low, high = low * by, (high - 1) * by + size
        counts.reverse()
        start = low // stride
        hidden = torch.addmm(bias, seen[start : start + counts[0]], first)
        hidden = _finished(layers[0], hidden.to(out.dtype))
        for layer, taps, (_, by), count in zip(layers[1:], matrices, shapes[1:], counts[1:], strict=True):
            hidden = _finished(layer, _convolved(hidden, taps, by, count, layer.conv.bias))
        out[begin:end] = hidden


def _first(layer: Any, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Weights `(K, O)` and bias of the first convolution, with a group norm in them if there is one.

    With m and S the mean and the covariance of what the kernel sees, `seen` `(F, K)`, an output of weights w and bias
    b has the mean w m + b and the variance w S w over a clip; so what the norm makes of it is linear again, and b
    cancels.
    """
    weight, norm = layer.conv.weight[:, 0], getattr(layer, "layer_norm", None)
    if not isinstance(norm, nn.GroupNorm):
        return weight.float().T, torch.zeros(len(weight)) if layer.conv.bias is None else layer.conv.bias.float()
    weight, seen = weight.double(), seen.double()
    mean = seen.mean(0)
    centred = seen - mean
    variance = ((weight @ (centred.T @ centred / len(seen))) * weight).sum(1)
    scale = torch.rsqrt(variance + norm.eps)
    scale, bias = (scale, 0.0) if norm.weight is None else (scale * norm.weight.double(), norm.bias.double())
    return (weight * scale[:, None]).T.float(), (bias - weight @ mean * scale).float()


def _convolved(hidden: Tensor, taps: Sequence[Tensor], stride: int, count: int, bias: Tensor | None) -> Tensor:
    """A convolution of `(F, C)` as a product for every `stride` of its taps: their inputs lie beside each other."""
    channels = hidden.shape[1]
    found = None
    for i, some in enumerate(taps):
        place = hidden.storage_offset() + i * stride * channels
        rows = hidden.as_strided((count, len(some)), (stride * channels, 1), place)
        found = rows @ some if found is None else found.addmm_(rows, some)
    assert found is not None
    return found if bias is None else found.add_(bias)


def _finished(layer: Any, hidden: Tensor) -> Tensor:
    norm = getattr(layer, "layer_norm", None)
    if isinstance(norm, nn.LayerNorm):
        hidden = norm(hidden.float()).to(hidden.dtype)
    return layer.activation(hidden)
