"""Losses, each as a sum with its weight, so that pieces and processes can be added up and divided once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from audioft.registry import Registry

losses = Registry("loss", given=("class_weights",))
TINY = 1e-6  # a root of what is quite right has no finite slope at 0


class _Loss:
    """What the losses share: optional class weights, `(C,)`.

    Calling one with logits `(B, C)`, targets `(B, C)` in [0, 1] and known `(B, C)` gives `(total, weight)`: the
    weighted sum over all terms and the sum of their weights; the mean loss is their quotient.
    """

    multilabel = False

    def __init__(self, class_weights: Tensor | None = None):
        self.class_weights = class_weights

    def _weights(self, like: Tensor) -> Tensor:
        ones = torch.ones(like.shape[1], device=like.device)
        return ones if self.class_weights is None else self.class_weights.to(like.device)


@losses.register("cross_entropy")
class CrossEntropy(_Loss):
    """Softmax cross-entropy against a distribution over the labels (one label, or two mixed).

    Args:
        smoothing: share of the target spread evenly over all labels (Szegedy et al. 2016).
    """

    def __init__(self, smoothing: float = 0.0, class_weights: Tensor | None = None):
        super().__init__(class_weights)
        self.smoothing = smoothing

    @staticmethod
    def validate(smoothing: float) -> list[str]:
        return [] if 0 <= smoothing < 1 else [f"smoothing: {smoothing} is not in [0, 1)"]

    def __call__(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        log_p = F.log_softmax(logits.float(), dim=-1)
        clip_weight = (targets * self._weights(logits)).sum(-1) * known.all(-1)
        smooth = targets * (1 - self.smoothing) + self.smoothing / targets.shape[1]
        return (-(smooth * log_p).sum(-1) * clip_weight).sum(), clip_weight.sum()


@losses.register("focal")
class Focal(_Loss):
    """Focal loss, which turns towards what is still wrong (Lin et al. 2017, eq. 4), over a softmax.

    Args:
        gamma: 0 is cross-entropy; larger values look away from what is already right.
    """

    def __init__(self, gamma: float = 2.0, class_weights: Tensor | None = None):
        super().__init__(class_weights)
        self.gamma = gamma

    @staticmethod
    def validate(gamma: float) -> list[str]:
        return [] if gamma >= 0 else [f"gamma: {gamma} is below 0"]

    def __call__(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        log_p = F.log_softmax(logits.float(), dim=-1)
        clip_weight = (targets * self._weights(logits)).sum(-1) * known.all(-1)
        wrong = (1 - log_p.exp()).clamp(min=TINY)
        per_clip = -(targets * wrong.pow(self.gamma) * log_p).sum(-1)
        return (per_clip * clip_weight).sum(), clip_weight.sum()


@losses.register("bce")
class BinaryCrossEntropy(_Loss):
    """Binary cross-entropy of every known target by itself, for clips that may carry several labels.

    Args:
        smoothing: moves targets towards 0.5 by this share.
        gamma: above 0 makes it the focal form.
    """

    multilabel = True

    def __init__(self, smoothing: float = 0.0, gamma: float = 0.0, class_weights: Tensor | None = None):
        super().__init__(class_weights)
        self.smoothing, self.gamma = smoothing, gamma

    @staticmethod
    def validate(smoothing: float, gamma: float) -> list[str]:
        return CrossEntropy.validate(smoothing) + Focal.validate(gamma)

    def __call__(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits.float()
        smooth = targets * (1 - self.smoothing) + 0.5 * self.smoothing
        terms = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        if self.gamma:
            wrong = (targets - torch.sigmoid(logits)).abs().clamp(min=TINY)
            terms = terms * wrong.pow(self.gamma)
        # a class weight raises what a present label counts; absent ones keep the weight 1
        weight = (1 + targets * (self._weights(logits) - 1)) * known
        return (terms * weight).sum(), weight.sum()


def balanced_weights(targets: Tensor, known: Tensor) -> Tensor:
    """Class weights `(C,)` inversely proportional to how often a label is present, with mean 1 over the clips.

    For one label a clip this is scikit-learn's `class_weight="balanced"`: N / (C n_c).
    """
    count = (targets * known).sum(0).clamp(min=1)
    total = count.sum()
    return total / (len(count) * count)
