"""How much of the work of an encoder each way of fewer bits saves: multiplications for a second of sound."""

from __future__ import annotations

import math

import torch
from torch import nn

from audioft.models.encoder import Encoder

MANY = 192  #: frames from which on attention is quicker in bfloat16
OF_INT8, OF_BFLOAT16, OF_ATTENTION = (
    0.75,
    0.5,
    0.3,
)  #: of the time in float32 that goes where a processor has such instructions


def of_linears(encoder: Encoder, names: list[str]) -> float:
    """What linear layers save in eight bits; all are taken to see every frame."""
    inner = encoder.model
    weights = sum(inner.get_submodule(n).in_features * inner.get_submodule(n).out_features for n in names)
    return OF_INT8 * weights * _rate(encoder)


def of_front(encoder: Encoder) -> float:
    """What the convolutions ahead of the layers save in bfloat16."""
    inside, found, rate = f"{encoder.backbone.layers_in}.", 0.0, float(encoder.sample_rate)
    for name, module in encoder.model.named_modules():
        if not isinstance(module, nn.Conv1d) or name.startswith(inside):
            continue
        rate /= module.stride[0]
        found += rate * module.out_channels * module.in_channels // module.groups * module.kernel_size[0]
    return OF_BFLOAT16 * found


def of_attention(encoder: Encoder, seconds: float) -> float:
    """What the products of attention save in bfloat16, in clips of so many seconds as it hears; 0 of short ones."""
    samples = encoder.canvas_samples or max(encoder.min_samples, round(seconds * encoder.sample_rate))
    seen = int(encoder.frame_lengths(torch.tensor([samples])))
    return OF_ATTENTION * 2 * seen * encoder.hidden_size * encoder.num_layers * _rate(encoder) if seen >= MANY else 0.0


def _rate(encoder: Encoder) -> float:
    return encoder.sample_rate / math.prod(stride for _, stride in encoder.convolutions)
