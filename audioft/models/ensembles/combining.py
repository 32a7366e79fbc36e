"""From what several members say to one answer: logits of M members to logits.

A softmax, or where several labels may hold a sigmoid, of what comes out gives the combined scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

HOWS = ("average", "vote", "stack")
OVER = ("probabilities", "logits")
LEAST = 1e-6  # a score below which a stack does not look
_TINY = 1e-300  # the least that has a finite logarithm in float64


class Combination(nn.Module):
    """What the members' logits become.

    Args:
        known: `(M, C)` bool, which labels a member knows; what stands in its place for others says nothing.
        multilabel: several labels may hold at once.
    """

    known: Tensor

    def __init__(self, known: Tensor, multilabel: bool):
        super().__init__()
        self.multilabel = multilabel
        self.register_buffer("known", known.bool())

    @property
    def told(self) -> dict[str, Any]:
        """What `made` needs, besides the buffers."""
        raise AssertionError("a combination says what it is")

    def forward(self, logits: Tensor) -> Tensor:
        """`(..., M, C)` float64 to `(..., C)`."""
        raise AssertionError("a combination combines")

    def scores(self, logits: Tensor) -> Tensor:
        """Probabilities of the members, `(..., M, C)`."""
        return torch.sigmoid(logits) if self.multilabel else torch.softmax(logits, -1)

    def logits_of(self, scores: Tensor) -> Tensor:
        """Logits whose softmax, or sigmoid, is `scores` `(..., C)`; of single labels these sum up to 1."""
        if self.multilabel:
            return scores.clamp(min=_TINY).log() - (1 - scores).clamp(min=_TINY).log()
        return scores.clamp(min=_TINY).log()


class Average(Combination):
    """The weighted mean of the members' probabilities, or of their logits.

    Of single labels the mean of logits is that of log-probabilities, brought to a sum of 1 again: their geometric mean.
    A label is averaged over the members that know it.

    Args:
        known, multilabel: see `Combination`.
        over: one of `OVER`.
        weights: `(M,)`, at least 0; None for all alike.
    """

    weights: Tensor

    def __init__(self, known: Tensor, multilabel: bool, over: str = "probabilities", weights: Tensor | None = None):
        super().__init__(known, multilabel)
        if over not in OVER:
            raise ValueError(f"{over!r} is not one of {', '.join(OVER)}")
        self.over = over
        self.register_buffer("weights", torch.ones(len(known)).double() if weights is None else weights.double())

    @property
    def told(self) -> dict[str, Any]:
        return {"how": "average", "over": self.over}

    def forward(self, logits: Tensor) -> Tensor:
        # a label that only members of no weight know is left to them
        shares = (self.weights[:, None] + 1e-12) * self.known
        shares = shares / shares.sum(0)
        if self.over == "logits":
            inner = logits if self.multilabel else torch.log_softmax(logits, -1)
            return (shares * inner).sum(-2)
        return self.logits_of((shares * self.scores(logits)).sum(-2))


class Vote(Combination):
    """Each member has one voice for the label it gives, or for each label where several may hold.

    A label's score is its share of the voices; equal numbers of voices are told apart by the mean score: with `M`
    members it weighs as much as one voice more would, `(voices + mean) / (M + 1)`.

    Args:
        known, multilabel: see `Combination`.
        thresholds: `(M, C)`, the score from which on a member gives a label, where several may hold; None for 0.5.
    """

    thresholds: Tensor

    def __init__(self, known: Tensor, multilabel: bool, thresholds: Tensor | None = None):
        super().__init__(known, multilabel)
        given = torch.full(known.shape, 0.5) if thresholds is None else thresholds
        self.register_buffer("thresholds", given.double())

    @property
    def told(self) -> dict[str, Any]:
        return {"how": "vote"}

    def forward(self, logits: Tensor) -> Tensor:
        scores = self.scores(logits)
        if self.multilabel:
            voices = (scores >= self.thresholds).double()
        else:
            voices = nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).double()
        count = self.known.sum(0)
        voices, mean = ((x * self.known).sum(-2) for x in (voices, scores))
        return self.logits_of((voices + mean / count) / (count + 1))


class Stack(Combination):
    """A logistic regression on the logarithms of the members' scores (their logits where several labels may hold).

    Args:
        known, multilabel: see `Combination`; every member knows every label.
        weight, bias: `(C, M * C)` and `(C,)`, on features as of `features`; None for zeros, to be loaded.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, known: Tensor, multilabel: bool, weight: Tensor | None = None, bias: Tensor | None = None):
        super().__init__(known, multilabel)
        members, labels = known.shape
        self.register_buffer("weight", torch.zeros(labels, members * labels).double() if weight is None else weight)
        self.register_buffer("bias", torch.zeros(labels).double() if bias is None else bias)

    @property
    def told(self) -> dict[str, Any]:
        return {"how": "stack"}

    def forward(self, logits: Tensor) -> Tensor:
        return nn.functional.linear(features(self.scores(logits), self.multilabel), self.weight, self.bias)


def features(scores: Tensor, multilabel: bool) -> Tensor:
    """What a stack sees of members' scores `(..., M, C)`: `(..., M * C)` logarithms, or logits; none is infinite."""
    scores = scores.clamp(LEAST, 1 - LEAST)
    inner = scores.log() - (1 - scores).log() if multilabel else scores.log()
    return inner.flatten(-2)


def made(about: Mapping[str, Any], members: int, labels: int, multilabel: bool) -> Combination:
    """The combination that `Combination.told` speaks of, its buffers to be loaded.

    Raises:
        ValueError: there is none of that name.
    """
    known, how = torch.ones(members, labels).bool(), about.get("how")
    if how == "average":
        return Average(known, multilabel, str(about.get("over", OVER[0])))
    if how == "vote":
        return Vote(known, multilabel)
    if how == "stack":
        return Stack(known, multilabel)
    raise ValueError(f"{how!r} is none of {', '.join(HOWS)}")
