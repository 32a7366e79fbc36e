"""What of its encoder a model listens to, in words: layers, and what its head weighs."""

from __future__ import annotations

import torch

from audioft.models.classifier import AudioClassifier
from audioft.tasks.explain.logodds import log_odds

TOLD = 3  # layers


def layers(model: AudioClassifier) -> str:
    """Which layers the answer is made of."""
    count = model.encoder.num_layers
    if model.layer_sum is None:
        return f"It listens to what its encoder's layer {count} says."
    weights = model.layer_sum.weights.detach().cpu().tolist()
    best = sorted(range(len(weights)), key=lambda i: -weights[i])[:TOLD]
    named = ", ".join(f"layer {i} ({weights[i]:.0%})" for i in best)
    even = max(weights) < 1.5 / len(weights)
    return f"It listens to all {count} layers {'about evenly' if even else 'unevenly'}, most to {named}."


def head(model: AudioClassifier, pooled: torch.Tensor, label: int, multilabel: bool, against: int | None = None) -> str:
    """What the head weighs for a label at a pooled vector `(1, D)`; empty where that says nothing.

    What counts of each value is itself times the slope of the label's log-odds there: of a linear head its weight.
    """
    pooling = model.pooling
    if model.frame_level or getattr(pooling, "width", 1) != 2:
        return ""
    vector = pooled.detach().float().requires_grad_()
    with torch.enable_grad():
        value = log_odds(model.head(vector).double(), label, multilabel, against).sum()
        (slope,) = torch.autograd.grad(value, vector)
    means, deviations = (part.abs().sum().item() for part in (slope * vector.detach())[0].chunk(2))
    if means + deviations == 0:
        return ""
    part = means / (means + deviations)
    return (
        f"Of what its head weighs for this label, {part:.0%} is what the encoder says on average and {1 - part:.0%} "
        "how far that varies over time."
    )
