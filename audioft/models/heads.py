"""From a pooled vector to one logit a label."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from audioft.core.registry import Registry

heads = Registry("head", given=("input_size", "num_labels"))


def dimension_problems(dropout: float, **sizes: int) -> list[str]:
    """What is wrong with a head's sizes, which are above 0, and its dropout, in [0, 1)."""
    found = [f"{name}: {value} is not above 0" for name, value in sizes.items() if value <= 0]
    return found if 0 <= dropout < 1 else [*found, f"dropout: {dropout} is not in [0, 1)"]


@heads.register("projection")
class ProjectionHead(nn.Module):
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


@heads.register("linear")
class LinearHead(nn.Module):
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


@heads.register("normalised")
class NormalisedHead(nn.Module):
    """A layer norm, then a linear classifier, `(B, D) -> (B, C)`: the layout of the AST's own class."""

    def __init__(self, input_size: int, num_labels: int):
        super().__init__()
        self.layernorm = nn.LayerNorm(input_size, eps=1e-12)
        self.dense = nn.Linear(input_size, num_labels)

    def forward(self, pooled: Tensor) -> Tensor:
        return self.dense(self.layernorm(pooled))


@heads.register("mlp")
class MLPHead(nn.Module):
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
