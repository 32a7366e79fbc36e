"""AdamW and its parameter groups: a rate for the head, one for the encoder, less of it towards the waveform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import nn

from audioft.models.encoder import Encoder


class Trained(Protocol):
    """An encoder and what is on top of it."""

    encoder: Encoder

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...

    def head_parameters(self) -> list[nn.Parameter]: ...


def parameter_groups(
    model: Trained, lr: float, head_lr: float | None = None, layer_decay: float = 1.0, weight_decay: float = 0.01
) -> list[dict]:
    """Every parameter once, frozen ones included, so that a plan may free them later; without what a cut left unused.

    Args:
        model: encoder and head.
        lr: peak rate of the encoder's last layer.
        head_lr: peak rate of everything beside the encoder; None for `lr`.
        layer_decay: the rate of each layer below is that of the one above times this (ULMFiT, Howard and Ruder 2018;
            BEiT), the projection and the feature extractor each counting as one more.
        weight_decay: of matrices and kernels; biases, norms and other vectors are not decayed, nor are the factors of
            IA3 (a matrix of one row or column), which begin at 1.

    Returns:
        Groups for `torch.optim.AdamW`; each has a `peak` that the schedule scales, and a `name`.
    """
    named = {id(p): n for n, p in model.named_parameters()}
    encoder = enumerate(reversed(model.encoder.parts()))
    parts = [(name, parameters, lr * layer_decay**depth) for depth, (name, parameters) in encoder]
    parts.append(("head", model.head_parameters(), lr if head_lr is None else head_lr))
    groups, placed = [], set()
    for name, parameters, rate in parts:
        for decayed in (True, False):
            chosen = [p for p in parameters if _decays(p, named[id(p)]) == decayed and id(p) not in placed]
            placed |= {id(p) for p in chosen}
            if chosen:
                decay = weight_decay if decayed else 0.0
                groups.append({"params": chosen, "lr": rate, "peak": rate, "weight_decay": decay, "name": name})
    if model.encoder.backbone.is_cut:
        placed |= {id(p) for p in model.encoder.backbone.fixed()}
    left = [n for i, n in named.items() if i not in placed]
    if left:
        raise ValueError(f"parameters that belong to no part of the encoder: {left}")
    return groups


def _decays(p: nn.Parameter, name: str) -> bool:
    return p.ndim > 1 and ".ia3_l." not in name


def adamw(groups: list[dict], betas: tuple[float, float] = (0.9, 0.98)) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019); betas and epsilon as wav2vec 2.0 was fine-tuned with.

    Fused: one pass over the weights instead of ten. A checkpoint of a run that was not goes on as it began.
    """
    return torch.optim.AdamW(groups, betas=betas, eps=1e-8, fused=True)


def scale_gradients(parameters: Sequence[nn.Parameter], weight: float, most: float) -> float:
    """Divide gradients that are sums by `weight` and clip them, in one pass; their norm before it was clipped.

    Args:
        parameters: all have gradients.
        weight: above 0.
        most: the largest norm that is left as it is; infinite for any.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return 0.0
    norm = nn.utils.get_total_norm(gradients).item() / weight
    torch._foreach_mul_(gradients, min(1.0, most / (norm + 1e-6)) / weight)  # as torch clips
    return norm


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Every group's rate as its peak times `factor`."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """How many parameters train, of how many.

    >>> count_parameters(nn.Linear(3, 2))
    (8, 8)
    """
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes)
