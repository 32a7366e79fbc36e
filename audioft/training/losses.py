"""Losses, each as a sum with its weight, so that pieces and processes can be added up and divided once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from audioft.core.registry import Registry
from audioft.training.margins import Margin, at_epoch, problems

losses = Registry("loss", given=("class_weights", "scale"))
TINY = 1e-6  # a root of what is quite right has no finite slope at 0


class _Loss:
    """What the losses share: optional class weights, `(C,)`.

    Calling one with logits `(B, C)`, targets `(B, C)` in [0, 1] and known `(B, C)` gives `(total, weight)`: the
    weighted sum over all terms and the sum of their weights; the mean loss is their quotient.
    """

    multilabel = False
    cosines = False  # whether its logits must be scaled cosines, see `CosineHead`

    def __init__(self, class_weights: Tensor | None = None):
        self.class_weights = class_weights

    def at(self, epoch: float) -> None:
        """Told before every step how many epochs have passed, as 2.5: a function of the step and nothing else."""

    def _weights(self, like: Tensor) -> Tensor:
        ones = torch.ones(like.shape[1], device=like.device)
        return ones if self.class_weights is None else self.class_weights.to(like.device)

    def _summed(self, of_clips: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Losses `(B,)` of clips that count as their labels do, and not at all where something is not known."""
        weight = (targets * self._weights(targets)).sum(-1) * known.all(-1)
        return (of_clips * weight).sum(), weight.sum()


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
        return [] if 0 <= smoothing < 1 else [f"smoothing: {smoothing} is not at least 0 and below 1"]

    def __call__(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        log_p = F.log_softmax(logits.float(), dim=-1)
        smooth = targets * (1 - self.smoothing) + self.smoothing / targets.shape[1]
        return self._summed(-(smooth * log_p).sum(-1), targets, known)


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
        wrong = (1 - log_p.exp()).clamp(min=TINY)
        return self._summed(-(targets * wrong.pow(self.gamma) * log_p).sum(-1), targets, known)


class _MarginSoftmax(CrossEntropy):
    """Softmax cross-entropy of scaled cosines, in which a clip's own label has to win by a margin.

    Logits `(B, C)` are `scale` times cosines; targets are one-hot. With a margin of 0 this is cross-entropy.

    Args:
        margin: a number, or by epoch as `{0: 0.0, 5: 0.2}`, see `training.margins`; in [0, 1).
        class_weights: `(C,)`.
        scale: what the head multiplied its cosines by; `build` takes it from the head.
    """

    cosines = True

    def __init__(self, margin: Margin = 0.2, class_weights: Tensor | None = None, scale: float = 30.0):
        super().__init__(class_weights=class_weights)
        self.plan, self.scale = margin, scale
        self.at(0)

    @staticmethod
    def validate(margin: Margin) -> list[str]:
        return problems(margin)

    def at(self, epoch: float) -> None:
        self.margin = at_epoch(self.plan, epoch)

    def __call__(self, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits.float()
        harder = self.scale * self._harder((logits / self.scale).clamp(-1, 1))
        return super().__call__(torch.where(targets > 0, harder, logits), targets, known)

    def _harder(self, cosine: Tensor) -> Tensor:
        """What the cosine with the own label counts as."""
        raise AssertionError("a margin loss says where its margin lies")


@losses.register("am_softmax")
class AMSoftmax(_MarginSoftmax):
    """Additive margin: the own label's cosine less the margin (Wang et al. 2018, eq. 4 to 6; CosFace).

    Args:
        margin: see `_MarginSoftmax`; of the cosine.
    """

    def _harder(self, cosine: Tensor) -> Tensor:
        return cosine - self.margin


@losses.register("aam_softmax")
class AAMSoftmax(_MarginSoftmax):
    """Additive angular margin: the cosine of the own label's angle plus the margin (ArcFace, Deng et al. 2019, eq. 3).

    An angle that the margin would carry beyond pi, where the cosine rises again, counts as its cosine less the
    constant that joins the two curves, so that worse is never cheaper (as in wespeaker).

    Args:
        margin: see `_MarginSoftmax`; in radians.
    """

    def _harder(self, cosine: Tensor) -> Tensor:
        m = self.margin
        sine = (1 - cosine.square()).clamp(min=TINY).sqrt()
        furthest = -math.cos(m)  # the cosine of pi - m
        return torch.where(cosine > furthest, cosine * math.cos(m) - sine * math.sin(m), cosine - 1 - furthest)


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


def fitting(multilabel: bool) -> list[str]:
    """The losses for one label a clip, or for several, that go with any head.

    >>> fitting(False)
    ['cross_entropy', 'focal']
    """
    parts = {n: losses[n] for n in losses.names()}
    return [n for n, p in parts.items() if p.multilabel == multilabel and not p.cosines]  # type: ignore[attr-defined]


def balanced_weights(targets: Tensor, known: Tensor) -> Tensor:
    """Class weights `(C,)` inversely proportional to how often a label is present, with mean 1 over the clips.

    For one label a clip this is scikit-learn's `class_weight="balanced"`: N / (C n_c).
    """
    count = (targets * known).sum(0).clamp(min=1)
    total = count.sum()
    return total / (len(count) * count)
