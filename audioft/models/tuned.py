"""What trains in an adapted encoder, as the encoder itself has to know it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from torch import nn

ADAPTER = "default"  # peft's name for the only adapter of a model
PEFT_PREFIX = "base_model.model."  # of the keys in a file of peft's


@dataclass(frozen=True)
class Tuned:
    """What trains in an adapted encoder.

    Attributes:
        parameters: names in the transformers model; all others stay frozen.
        layers: the parts that they are of, as `layer_3`.
        config: peft's, for adapters; None where parameters of the encoder itself train.
        about: how it came about, for `audioft.json`: `adapt`, and the base encoder's `name`, `revision`, `sha256`.
    """

    parameters: frozenset[str]
    layers: tuple[str, ...]
    config: Any = None
    about: dict[str, Any] = field(default_factory=dict)

    def quiet(self, module: nn.Module) -> None:
        """Eval mode for all of `module` but the dropout of its adapters, which keeps the mode of `module`."""
        mode = module.training
        module.eval()
        for name, inner in module.named_modules():
            if ".lora_dropout." in name:
                inner.train(mode)

    def file_key(self, name: str) -> str:
        """What a parameter is called in a file of peft's; of `bias` and `norm` what the encoder calls it."""
        return name if self.config is None else PEFT_PREFIX + re.sub(rf"\.{ADAPTER}(?=\.|$)", "", name)
