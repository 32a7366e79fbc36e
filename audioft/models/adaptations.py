"""Ways of fine-tuning few parameters of an encoder while its own weights stay as they are.

- `lora`: a low-rank matrix beside each chosen linear layer (Hu et al. 2021), by peft;
- `ia3`: factors for keys, for values, and for what enters the second linear layer of each feed-forward (Liu et al.
  2022), by peft;
- `bias`: all biases (BitFit, Ben Zaken et al. 2022);
- `norm`: scale and shift of the layer norms.

All of them are of transformer layers only. What they act on is found by structure, so that a new family needs no entry
here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from audioft.core.registry import Registry
from audioft.models.encoder import Encoder

Save = Literal["merged", "adapter"]
KEY_OR_VALUE = re.compile(r"(^|_)(k|v|key|value)(_|$)")
adaptations = Registry("adaptation")


@adaptations.register("lora")
@dataclass(frozen=True)
class Lora:
    """`W + alpha / r * B A`, with B zero at first.

    Args:
        r: rank.
        alpha: how strongly it counts, over `r`.
        dropout: of what enters A, in training.
        targets: `attention`, its linear layers; `all-linear`, those of the feed-forward too; or names of modules.
        save: `merged`, a model of transformers' own; `adapter`, the adapter alone, which needs its encoder.
    """

    r: int = 8
    alpha: int = 16
    dropout: float = 0.0
    targets: Literal["attention", "all-linear"] | list[str] = "attention"
    save: Save = "merged"

    @staticmethod
    def validate(r: int, alpha: int, dropout: float, targets: Any, save: str) -> Iterator[str]:
        if r < 1:
            yield f"r: {r} is not a rank; expected 1 or more"
        if alpha <= 0:
            yield f"alpha: {alpha} is not above 0"
        if not 0 <= dropout < 1:
            yield f"dropout: {dropout} is not at least 0 and below 1"
        if not targets:
            yield "targets: none are named; expected attention, all-linear, or names of linear layers"

    def config(self, encoder: Encoder, layers: Sequence[str]) -> Any:
        from peft import LoraConfig

        linear = _linear_layers(encoder, layers)
        if isinstance(self.targets, str):
            chosen = [n for n, of_attention in linear.items() if of_attention or self.targets == "all-linear"]
        else:
            chosen = _named(self.targets, linear)
        return LoraConfig(r=self.r, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=sorted(chosen))


@adaptations.register("ia3")
@dataclass(frozen=True)
class IA3:
    """A factor for each channel, 1 at first. `save` as for `lora`."""

    save: Save = "merged"

    def config(self, encoder: Encoder, layers: Sequence[str]) -> Any:
        from peft import IA3Config

        linear = _linear_layers(encoder, layers)
        chosen = [n for n, inside in linear.items() if inside and KEY_OR_VALUE.search(n.rpartition(".")[2])]
        if not chosen:
            raise ValueError(f"name: ia3 finds no keys and values among {', '.join(_last(linear))}; use lora")
        shape = {n: encoder.model.get_submodule(n) for n, inside in linear.items() if not inside}
        narrowing = [n for n, m in shape.items() if m.in_features > m.out_features]
        return IA3Config(target_modules=sorted([*chosen, *narrowing]), feedforward_modules=sorted(narrowing))


@adaptations.register("bias")
@dataclass(frozen=True)
class Bias:
    """All biases of the layers train. `save` as for `lora`."""

    save: Save = "merged"

    def parameters(self, encoder: Encoder, layers: Sequence[str]) -> list[str]:
        return [n for n in _within(encoder, layers) if n.rpartition(".")[2] == "bias"]


@adaptations.register("norm")
@dataclass(frozen=True)
class Norm:
    """The layer norms of the layers train. `save` as for `lora`."""

    save: Save = "merged"

    def parameters(self, encoder: Encoder, layers: Sequence[str]) -> list[str]:
        found, get = _within(encoder, layers), encoder.model.get_submodule
        return [n for n in found if isinstance(get(n.rpartition(".")[0]), nn.LayerNorm | nn.RMSNorm)]


def _modules(encoder: Encoder, layers: Sequence[str]) -> Iterator[tuple[str, nn.Module]]:
    """The modules of the chosen layers with their names in the transformers model."""
    names = {id(m): n for n, m in encoder.model.named_modules()}
    for part, modules in encoder.backbone.parts():
        if part in layers:
            yield from ((names[id(m)], m) for m in modules if isinstance(m, nn.Module))


def _within(encoder: Encoder, layers: Sequence[str]) -> list[str]:
    return [f"{name}.{inner}" for name, m in _modules(encoder, layers) for inner, _ in m.named_parameters()]


def _linear_layers(encoder: Encoder, layers: Sequence[str]) -> dict[str, bool]:
    """Names of linear layers as wide as the encoder, and whether they are of its attention.

    Narrower ones are no projections of the stream: WavLM's gate of its position bias has 8 outputs.
    """
    found = {}
    for name, module in _modules(encoder, layers):
        attention = [f"{n}." for n, m in module.named_modules() if "Attention" in type(m).__name__]
        for inner, linear in module.named_modules():
            if isinstance(linear, nn.Linear) and min(linear.weight.shape) >= encoder.hidden_size:
                found[f"{name}.{inner}"] = inner.startswith(tuple(attention))
    return found


def _named(wanted: Sequence[str], linear: dict[str, bool]) -> list[str]:
    ends = {w: [n for n in linear if n == w or n.endswith(f".{w}")] for w in wanted}
    unknown = [w for w, found in ends.items() if not found]
    if unknown:
        raise ValueError(
            f"targets: no linear layer is called {', '.join(unknown)}; there are {', '.join(_last(linear))}"
        )
    return sorted({n for found in ends.values() for n in found})


def _last(linear: dict[str, bool]) -> list[str]:
    return sorted({n.rpartition(".")[2] for n in linear})
