"""The families of encoders as a table."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from audioft.models.backbones.base import Backbone
from audioft.models.families import FAMILIES, backbone_of


def table() -> str:
    """The families as a Markdown table: layers and limits are those of the default sizes."""
    rows = [
        "| family, `model_type` | takes, at 16 kHz | clips of | layers | frames that count | in transformers' format |",
        "|" + "---|" * 6,
    ]
    for kind, f in FAMILIES.items():
        backbone, layers = _default(kind)
        least, most = f"{max(400, backbone.shortest()) / 16:.0f} ms", backbone.longest
        limits = f"{least} or more" if most is None else f"{least} to {most / 16000:.2f} s"
        sums = "; `weighted` layers" if f.layer_sum else ""
        rows.append(
            f"| {f.name}, `{kind}` | {f.takes} | {limits} | {layers} | {f.padding} | `{f.pooling}`, `{f.head}`{sums} |"
        )
    return "\n".join(rows)


def _default(kind: str) -> tuple[Backbone, int]:
    """What runs a model of the family's default size, and how many layers that has; no weights are made."""
    config, f = transformers.AutoConfig.for_model(kind), FAMILIES[kind]
    features = None if f.extractor is None else getattr(transformers, f.extractor)().to_dict()
    with torch.device("meta"):
        model: Any = transformers.AutoModel.from_config(config)
    return backbone_of(model.get_encoder() if kind == "whisper" else model, features), config.num_hidden_layers
