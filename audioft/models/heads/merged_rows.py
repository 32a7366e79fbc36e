"""A head of which several rows are one label: the probability of the label is the sum of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audioft.core.registry import Spec, split_spec
from audioft.models.heads.layouts import heads

NAME = "merged"


@heads.register(NAME)
class MergedHead(nn.Module):
    """Another head with more rows than labels, as relabelling with `--merge` makes it; not to be trained from nothing.

    A label's logit is the logarithm of the sum of the exponentials of its rows, so that the softmax over labels is the
    sum of the softmax over rows. No single row of a linear layer could say that.

    Shape: `(..., D) -> (..., C)`.

    Args:
        head: the head with a row for each part.
        parts: how many rows each label has, in their order.
    """

    def __init__(self, input_size: int, num_labels: int, head: str | dict[str, Any], parts: list[int]):
        super().__init__()
        if len(parts) != num_labels:
            raise ValueError(
                f"a head {NAME!r} of {len(parts)} labels cannot have {num_labels}; ask for another one, as "
                "model.head=linear"
            )
        self.parts = list(parts)
        self.inner = heads.build(head, input_size=input_size, num_labels=sum(parts))

    @staticmethod
    def validate(head: str | dict[str, Any], parts: list[int]) -> list[str]:
        wrong = not parts or any(type(n) is not int or n < 1 for n in parts)
        found = [f"parts: {list(parts)} are not whole numbers above 0, one a label"] if wrong else []
        inner = heads.check(head, "head")
        return [*found, *inner, *(["head: a merged one within a merged one"] if not inner and is_merged(head) else [])]

    def __getattr__(self, name: str) -> Any:
        if name in ("embed", "cosines"):  # what the other head knows besides, if it does
            return getattr(self.inner, name)
        return super().__getattr__(name)

    def forward(self, pooled: Tensor) -> Tensor:
        rows = self.inner(pooled).split(self.parts, -1)
        return torch.cat([own if own.shape[-1] == 1 else own.logsumexp(-1, keepdim=True) for own in rows], -1)


def is_merged(head: Spec) -> bool:
    """Whether a spec is of such a head."""
    return split_spec(head)[0] == NAME


def with_labels(head: Spec, kept: Sequence[int | None]) -> Spec:
    """The spec of a head like this one for other labels.

    Args:
        head: of any kind.
        kept: for each label its position among the labels of `head`; None for a new one, which gets one row.
    """
    if not is_merged(head):
        return head
    parts = split_spec(head)[1]["parts"]
    return {"name": NAME, "head": inner(head), "parts": [1 if row is None else parts[row] for row in kept]}


def inner(head: Spec) -> Spec:
    """The spec of the head within one, or of the head itself."""
    return split_spec(head)[1]["head"] if is_merged(head) else head
