"""Where the layers of an encoder have their attention heads and feed-forward units, whatever family it is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from audioft.models.encoder import Encoder


@dataclass(frozen=True)
class FeedForward:
    """Two linear layers with units between them.

    Attributes:
        first, second: their names in the transformers model.
    """

    first: str
    second: str


@dataclass(frozen=True)
class Attention:
    """The attention of a layer.

    Attributes:
        holder: the name of the module in the transformers model.
        inputs: names of the linear layers whose outputs are heads side by side.
        output: of the one whose inputs are.
        by_head: names of parameters with a row a head.
        counted: the attribute of the holder that says how many there are.
    """

    holder: str
    inputs: tuple[str, ...]
    output: str
    by_head: tuple[str, ...]
    counted: str


FEED_FORWARDS = (
    ("feed_forward.intermediate_dense", "feed_forward.output_dense"),
    ("ffn1.intermediate_dense", "ffn1.output_dense"),
    ("ffn2.intermediate_dense", "ffn2.output_dense"),
    ("intermediate.dense", "output.dense"),
    ("mlp.fc1", "mlp.fc2"),
    ("fc1", "fc2"),
)
PROJECTIONS = (
    *("q_proj", "k_proj", "v_proj", "linear_q", "linear_k", "linear_v", "linear_pos"),
    *("query_proj", "key_proj", "value_proj", "pos_key_proj", "pos_query_proj"),
)
OUTPUTS = ("out_proj", "o_proj", "linear_out")
BY_HEAD = ("pos_bias_u", "pos_bias_v")


def feed_forwards(encoder: Encoder, index: int) -> list[FeedForward]:
    """Those of layer `index`, from 0."""
    layer, name = encoder.backbone.layers[index], f"{encoder.backbone.layers_in}.{index}"
    held = {n for n, m in layer.named_modules() if hasattr(m, "out_features")}
    return [FeedForward(f"{name}.{a}", f"{name}.{b}") for a, b in FEED_FORWARDS if {a, b} <= held]


def attention(encoder: Encoder, index: int) -> Attention | None:
    """That of layer `index`; None where heads cannot be taken away one by one, see `heads_stay`."""
    if heads_stay(encoder) is not None:
        return None
    layer, name = encoder.backbone.layers[index], f"{encoder.backbone.layers_in}.{index}"
    for own, module in layer.named_modules():
        held = dict(module.named_children())
        inputs = tuple(p for p in PROJECTIONS if hasattr(held.get(p), "out_features"))
        if len(inputs) < 3:
            continue
        output = next((o for o in OUTPUTS if hasattr(held.get(o), "out_features")), None)
        at, holder = f"{name}.{own}", layer.get_submodule(own)
        place = f"{name}.attention.output.dense" if output is None else f"{at}.{output}"  # SEW-D's is beside it
        rows = tuple(f"{at}.{b}" for b in BY_HEAD if isinstance(getattr(holder, b, None), nn.Parameter))
        counted = "num_heads" if hasattr(holder, "num_heads") else "num_attention_heads"
        return Attention(at, tuple(f"{at}.{p}" for p in inputs), place, rows, counted)
    return None


def heads_stay(encoder: Encoder) -> str | None:
    """Why no head of an encoder can be taken away; None where they can."""
    if encoder.family == "wavlm":
        return "the heads of WavLM share one position bias in all layers and stay"
    if getattr(encoder.model.config, "position_embeddings_type", None) == "rotary":
        return "rotary positions turn all heads together, which stay"
    return None


def first_stays(encoder: Encoder) -> str | None:
    """Why the first layer of an encoder cannot be taken away; None where it can."""
    if encoder.family == "wavlm":
        return "the first layer of WavLM holds the position bias of all others and stays"
    if encoder.family == "sew-d":
        return "the first layer of SEW-D has a convolution beside it and stays"
    return None


def head_count(encoder: Encoder, found: Attention) -> int:
    """How many heads an attention has."""
    return int(getattr(encoder.model.get_submodule(found.holder), found.counted))


def head_rows(encoder: Encoder, found: Attention, heads: list[int]) -> torch.Tensor:
    """The outputs of the projections that belong to some heads, `(K,)` int64."""
    linear: Any = encoder.model.get_submodule(found.inputs[0])
    size = linear.out_features // head_count(encoder, found)
    return torch.cat([torch.arange(h * size, (h + 1) * size) for h in heads])
