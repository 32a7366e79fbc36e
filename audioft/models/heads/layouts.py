"""From a pooled vector to one logit a label."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from audioft.core.registry import Registry

heads = Registry("head", given=("input_size", "num_labels"))


class LinearStart(nn.Module):
    """A head that can be any linear map of what it sees, up to a rank: see `models.linear_start`."""

    @property
    def norm(self) -> nn.LayerNorm | None:
        """The layer norm that it begins with."""
        return None

    @property
    def first(self) -> nn.Linear:
        """Its first layer after that."""
        raise AssertionError("a head says what its first layer is")

    @property
    def rank(self) -> int | None:
        """The highest rank of a linear map that it can be; None for any."""
        return None

    def become(self, weight: Tensor, bias: Tensor) -> None:
        """Be the map `(..., D) -> (..., C)` of the weight `(C, D)`, of no higher rank than `rank`, and the bias `(C,)`;
        both follow the normalisation of `norm`.
        """
        self.first.weight.copy_(weight)
        self.first.bias.copy_(bias)


def factors(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """`(r, D)` and `(C, r)`, of like size, whose product is the weight `(C, D)`; r is at most `rank`, and its own."""
    left, sizes, right = torch.linalg.svd(weight.double(), full_matrices=False)
    kept = min(rank, int((sizes > 1e-12 * sizes[0]).sum()))
    root = sizes[:kept].sqrt()
    return root[:, None] * right[:kept], left[:, :kept] * root


def dimension_problems(dropout: float, **sizes: int) -> list[str]:
    """What is wrong with a head's sizes, which are above 0, and its dropout, in [0, 1)."""
    found = [f"{name}: {value} is not above 0" for name, value in sizes.items() if value <= 0]
    return found if 0 <= dropout < 1 else [*found, f"dropout: {dropout} is not at least 0 and below 1"]


@heads.register("projection")
class ProjectionHead(LinearStart):
    """A linear projection, then a linear classifier: the layout of transformers' classification classes.

    With mean pooling the projection may come after the pooling as well as before it, both being linear. A model with
    it is saved under transformers' own key names, and `transformers.pipeline` gives the same scores.

    Shape: `(B, D) -> (B, C)`.

    Args:
        size: width of the projection (`classifier_proj_size`).
        dropout: between the two, in training only.
    """

    def __init__(self, input_size: int, num_labels: int, size: int = 256, dropout: float = 0.0):
        super().__init__()
        self.projector = nn.Linear(input_size, size)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(size, num_labels)

    @staticmethod
    def validate(size: int, dropout: float) -> list[str]:
        return dimension_problems(dropout, size=size)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.classifier(self.dropout(self.projector(pooled)))

    @property
    def first(self) -> nn.Linear:
        return self.projector

    @property
    def rank(self) -> int:
        return self.projector.out_features

    def become(self, weight: Tensor, bias: Tensor) -> None:
        before, after = factors(weight, self.rank)
        # the other rows stay as they were made, and are not listened to: they may learn
        self.projector.weight[: len(before)] = before.to(weight)
        self.projector.bias.zero_()
        self.classifier.weight.zero_()
        self.classifier.weight[:, : len(before)] = after.to(weight)
        self.classifier.bias.copy_(bias)


@heads.register("linear")
class LinearHead(LinearStart):
    """One linear layer, `(B, D) -> (B, C)`.

    Args:
        dropout: before the layer, in training only.
    """

    def __init__(self, input_size: int, num_labels: int, dropout: float = 0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(input_size, num_labels)

    @staticmethod
    def validate(dropout: float) -> list[str]:
        return dimension_problems(dropout)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.classifier(self.dropout(pooled))

    @property
    def first(self) -> nn.Linear:
        return self.classifier


@heads.register("normalised")
class NormalisedHead(LinearStart):
    """A layer norm, then a linear classifier, `(B, D) -> (B, C)`: the layout of the AST's own class."""

    def __init__(self, input_size: int, num_labels: int):
        super().__init__()
        self.layernorm = nn.LayerNorm(input_size, eps=1e-12)
        self.dense = nn.Linear(input_size, num_labels)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.dense(self.layernorm(pooled))

    @property
    def norm(self) -> nn.LayerNorm:
        return self.layernorm

    @property
    def first(self) -> nn.Linear:
        return self.dense


@heads.register("mlp")
class MLPHead(LinearStart):
    """Hidden layers with GELU, then a linear classifier, `(B, D) -> (B, C)`.

    Args:
        size: width of each hidden layer.
        depth: how many hidden layers.
        dropout: after each hidden layer, in training only.
    """

    def __init__(self, input_size: int, num_labels: int, size: int = 256, depth: int = 1, dropout: float = 0.1):
        super().__init__()
        widths = [input_size, *[size] * depth]
        self.hidden = nn.Sequential(
            *(nn.Sequential(nn.Linear(a, b), nn.GELU(), nn.Dropout(dropout)) for a, b in itertools.pairwise(widths))
        )
        self.classifier = nn.Linear(widths[-1], num_labels)

    @staticmethod
    def validate(size: int, depth: int, dropout: float) -> list[str]:
        return dimension_problems(dropout, size=size, depth=depth)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.classifier(self.hidden(pooled))

    @property
    def of_hidden(self) -> list[nn.Linear]:
        """The hidden layers."""
        return [m for m in self.hidden.modules() if isinstance(m, nn.Linear)]

    @property
    def first(self) -> nn.Linear:
        return self.of_hidden[0]

    @property
    def rank(self) -> int:
        return self.first.out_features // 2

    def become(self, weight: Tensor, bias: Tensor) -> None:
        before, after = factors(weight, self.rank)
        r = len(before)
        both = torch.cat([before, -before]).to(weight)  # gelu(x) - gelu(-x) is x
        for depth, linear in enumerate(self.of_hidden):
            if depth:
                linear.weight[: 2 * r].zero_()
                linear.weight[: 2 * r, : 2 * r] = torch.kron(torch.tensor([[1.0, -1], [-1, 1]]), torch.eye(r))
            else:
                linear.weight[: 2 * r] = both
            linear.bias.zero_()
        self.classifier.weight.zero_()
        self.classifier.weight[:, : 2 * r] = torch.cat([after, -after], 1).to(weight)
        self.classifier.bias.copy_(bias)
