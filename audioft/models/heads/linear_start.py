"""A head that begins as a linear classifier of standardised features, to the last digits, and trains on from there.

While it trains, features reach the head with mean 0 and deviation 1 over the training side, so that one rate suits all
of them; in a finished model that is part of the head's own weights, and nothing of it is left to be saved. A head that
begins with a layer norm has no need of it: the scale and shift of the norm are weights of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audioft.models.classifier import AudioClassifier
from audioft.models.heads.cosine import CosineHead
from audioft.models.heads.layouts import LinearStart


@dataclass(frozen=True)
class LinearMap:
    """A linear classifier of standardised features: `weight @ (x - mean) / scale + bias`.

    Attributes:
        mean, scale: `(D,)`; the scale is above 0.
        weight: `(C, D)`.
        bias: `(C,)`.
    """

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Logits `(N, C)` of features `(N, D)`."""
        return (x - self.mean) / self.scale @ self.weight.T + self.bias


class Standardised(nn.Module):
    """A head on standardised features, `(..., D) -> (..., C)`.

    Args:
        head: sees `(x - mean) / scale`.
        size: D.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, head: nn.Module, size: int):
        super().__init__()
        self.head = head
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def forward(self, pooled: Tensor) -> Tensor:
        return self.head((pooled.float() - self.mean) / self.scale)

    def folded(self) -> nn.Module:
        """The head alone, with the same answers: its first layer takes over the mean and the scale."""
        first: nn.Linear = self.head.first  # type: ignore[assignment]
        with torch.no_grad():
            weight = first.weight.double() / self.scale.double()
            first.bias.copy_(first.bias.double() - weight @ self.mean.double())
            first.weight.copy_(weight)
        return self.head


def startable(model: AudioClassifier) -> bool:
    """Whether the head of a model can begin as a linear classifier."""
    return isinstance(model.head, LinearStart)


def standardise(model: AudioClassifier) -> None:
    """Have what the head sees standardised, by mean 0 and scale 1 until `begin` says more."""
    if model.head.norm is None:
        size = model.encoder.hidden_size if model.frame_level else model.pooling.output_size
        model.head = Standardised(model.head, size).to(next(model.parameters()).device)


def fold(model: AudioClassifier) -> None:
    """Bring a model that was standardised to its plain form, with the same answers."""
    if isinstance(model.head, Standardised):
        model.head = model.head.folded()


def seen(model: AudioClassifier, pooled: Tensor) -> Tensor:
    """What standardisation applies to, `(N, D)`, of pooled vectors `(N, D)`: what a layer norm of the head makes of
    them, without its weights.
    """
    norm = inner(model).norm
    return pooled if norm is None else nn.functional.layer_norm(pooled, norm.normalized_shape, eps=norm.eps)


def begin(model: AudioClassifier, fit: LinearMap) -> None:
    """Let the head of a standardised model be a linear classifier.

    Args:
        model: changed in place.
        fit: of what `seen` gives, standardised; of no higher rank than the head's, see `LinearStart.rank`.
    """
    with torch.no_grad():
        _let_see(model, fit.mean, fit.scale)
        inner(model).become(fit.weight, fit.bias)


def begin_at_means(
    model: AudioClassifier, mean: Tensor, scale: Tensor, projection: Tensor, pooled: Tensor, targets: Tensor
) -> None:
    """Let the centres of a cosine head be where the clips of each label are.

    Args:
        model: standardised; changed in place.
        mean, scale: `(D,)`, of what `seen` gives; the scale above 0.
        projection, pooled, targets: see `CosineHead.gather`; the projection is of standardised features.
    """
    head = inner(model)
    assert isinstance(head, CosineHead)
    with torch.no_grad():
        _let_see(model, mean, scale)
        given = pooled if head.norm is not None else (pooled - mean) / scale
        head.gather(projection, given.to(head.centers), targets.to(head.centers.device))


def _let_see(model: AudioClassifier, mean: Tensor, scale: Tensor) -> None:
    norm = inner(model).norm
    if norm is None:
        model.head.mean.copy_(mean)
        model.head.scale.copy_(scale)
    else:
        norm.weight.copy_(1 / scale)
        norm.bias.copy_(-mean / scale)


def inner(model: AudioClassifier) -> LinearStart:
    """The head itself."""
    head = model.head.head if isinstance(model.head, Standardised) else model.head
    assert isinstance(head, LinearStart)
    return head
