"""What was made smaller in an encoder: told in its config, made again when it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from audioft.core.runtime import has_int8
from audioft.models.compression import int8, layout, narrowing
from audioft.models.cpu_kernels import wavlm_attention
from audioft.models.cpu_kernels.attention import HALVED
from audioft.models.encoder import Encoder


@dataclass(frozen=True)
class Compressed:
    """What is smaller in an encoder than its config says.

    Attributes:
        heads: how many heads an attention still has, by its name.
        units: how many units a feed-forward part still has, by the name of its first linear layer.
        int8: names of the linear layers in eight bits; with True those that balance their inputs.
        folded: names of the modules whose weights were norm and direction, and are one tensor now.
        front, attention: what is ahead of the layers, and the products of their attention, are computed in bfloat16,
            where the processor does that natively.
    """

    heads: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)
    int8: Mapping[str, bool] = field(default_factory=dict)
    folded: tuple[str, ...] = ()
    front: bool = False
    attention: bool = False

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Compressed:
        """As a file tells it.

        Raises:
            KeyError, TypeError, ValueError: it tells something else.
        """
        heads, units = ({str(k): int(v) for k, v in dict(about[name]).items()} for name in ("heads", "units"))
        folded = tuple(str(name) for name in about["folded"])
        wide = {str(k): bool(v) for k, v in dict(about["int8"]).items()}
        return cls(heads, units, wide, folded, bool(about["front"]), bool(about["attention"]))

    @property
    def eight_bit(self) -> bool:
        """Whether there are weights of eight bits, which cannot be trained."""
        return bool(self.int8)


def of(encoder: Encoder) -> Compressed | None:
    """What is smaller in an encoder; None of one that is as its config says."""
    if not encoder.compressed:
        return None
    left: dict[str, dict[str, int]] = {"heads": {}, "units": {}}
    config = encoder.model.config
    heads = next(int(getattr(config, k)) for k in ("num_attention_heads", "encoder_attention_heads") if _has(config, k))
    units = next(int(getattr(config, k)) for k in ("intermediate_size", "encoder_ffn_dim") if _has(config, k))
    for index in range(encoder.num_layers):
        for part in layout.feed_forwards(encoder, index):
            now = int(encoder.model.get_submodule(part.first).out_features)
            if now != units:
                left["units"][part.first] = now
        found = layout.attention(encoder, index)
        if found is not None and (now := layout.head_count(encoder, found)) != heads:
            left["heads"][found.holder] = now
    wide = {n: m.balance is not None for n, m in encoder.model.named_modules() if isinstance(m, int8.Int8Linear)}
    return Compressed(
        **left, int8=wide, folded=encoder.folded, front=encoder.bfloat16_front, attention=encoder.bfloat16_attention
    )


def _has(config: Any, name: str) -> bool:
    return getattr(config, name, None) is not None


def shape(encoder: Encoder, as_told: Compressed) -> None:
    """Give a new encoder the form that is told of one, its weights to be loaded.

    Raises:
        ValueError, AttributeError, KeyError: it has no such parts.
    """
    for index in range(encoder.num_layers):
        found = layout.attention(encoder, index)
        if found is not None and found.holder in as_told.heads:
            narrowing.keep_heads(encoder, found, list(range(as_told.heads[found.holder])))
        for part in layout.feed_forwards(encoder, index):
            if part.first in as_told.units:
                narrowing.keep_units(encoder, part, torch.arange(as_told.units[part.first]))
    for name, balanced in as_told.int8.items():
        linear = encoder.model.get_submodule(name)
        made = int8.Int8Linear(linear.in_features, linear.out_features, linear.bias is not None, balanced)
        int8.replace(encoder.model, name, made)
    fold(encoder, as_told.folded)
    settle(encoder, front=as_told.front, attention=as_told.attention)


def settle(encoder: Encoder, *, front: bool, attention: bool = False) -> None:
    """Make an encoder with layers of eight bits ready to be used, as it will be after it was saved and loaded."""
    encoder.bfloat16_front, encoder.compressed = front, True
    attend_in_bfloat16(encoder, attention)
    for name in halves(encoder):
        weight = encoder.model.get_parameter(name)
        weight.data = weight.data.bfloat16().float()
    if any(isinstance(m, int8.Int8Linear) for m in encoder.model.modules()):
        wavlm_attention.call_modules(encoder.model)
        for p in encoder.model.parameters():
            p.requires_grad_(False)


def in_floats(encoder: Encoder) -> bool:
    """Have an encoder compute in float32 throughout, its weights of eight bits multiplied out; whether it had any."""
    eight = {n: m for n, m in encoder.model.named_modules() if isinstance(m, int8.Int8Linear)}
    for name, module in eight.items():
        int8.replace(encoder.model, name, module.as_floats())
    encoder.bfloat16_front = False
    attend_in_bfloat16(encoder, False)
    return bool(eight)


def attend_in_bfloat16(encoder: Encoder, wanted: bool) -> None:
    """Have the products of attention computed in bfloat16 from now on, or not."""
    encoder.bfloat16_attention = wanted and can_attend_in_bfloat16(encoder)
    for module in encoder.backbone.layers.modules():
        if hasattr(module, "q_proj") or hasattr(module, "linear_q"):
            setattr(module, HALVED, encoder.bfloat16_attention)


def can_attend_in_bfloat16(encoder: Encoder) -> bool:
    """Whether its attention is one that can: not where positions have a part in the products."""
    return encoder.family not in ("wavlm", "sew-d", "wav2vec2-bert", "wav2vec2-conformer")


def foldable(encoder: Encoder) -> list[str]:
    """Names of the convolutions whose weights are kept as norm and direction, to be multiplied at each use."""
    wide = ((n, m) for n, m in encoder.model.named_modules() if isinstance(m, nn.Conv1d))
    return [n for n, m in wide if parametrize.is_parametrized(m)]


def fold(encoder: Encoder, names: Iterable[str]) -> None:
    """Keep the weights of these convolutions as one tensor.

    Each is replaced: torch's own way of it takes the weight from the class, which copies of a model share.
    """
    for name in names:
        before = encoder.model.get_submodule(name)
        assert isinstance(before, nn.Conv1d)
        shape = before.in_channels, before.out_channels, before.kernel_size, before.stride, before.padding
        more = {"bias": before.bias is not None, "padding_mode": before.padding_mode, "device": "meta"}
        made = nn.Conv1d(*shape, before.dilation, before.groups, **more)  # type: ignore[arg-type]
        made.weight = nn.Parameter(before.weight.detach().clone(), requires_grad=False)
        made.bias = before.bias
        int8.replace(encoder.model, name, made.train(before.training))
        encoder.folded = (*encoder.folded, name)


def halves(encoder: Encoder) -> list[str]:
    """Names of the weights that are kept in bfloat16, as is computed: those of convolutions ahead of the layers."""
    if not encoder.bfloat16_front:
        return []
    inside = f"{encoder.backbone.layers_in}."
    wide = [n for n, m in encoder.model.named_modules() if isinstance(m, nn.Conv1d) and m.in_channels > 1]
    held = dict(encoder.model.named_parameters())
    return [k for k in (f"{n}.weight" for n in wide if not n.startswith(inside)) if k in held]


def notes(model: nn.Module) -> list[str]:
    """What is to be said of a model with layers of eight bits on a device that does not compute in them."""
    device = next(model.parameters()).device
    if has_int8(device) or not any(isinstance(m, int8.Int8Linear) for m in model.modules()):
        return []
    where = "this GPU" if device.type == "cuda" else "this processor (no VNNI, no AMX)"
    return [
        f"the model has layers in 8 bits, and {where} is no faster in them: they are computed as floats, with the same "
        "weights; scores differ by rounding"
    ]
