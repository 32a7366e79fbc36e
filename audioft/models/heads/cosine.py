"""The head for margin losses: an embedding, and how alike it is in direction to a vector of each label."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audioft.models.heads.layouts import LinearStart, dimension_problems, heads


@heads.register("cosine")
class CosineHead(LinearStart):
    """An embedding, then how alike it is in direction to a vector of each label: the head for margin losses.

    A logit is `scale` times the cosine between the embedding and the nearest of the label's `subcenters` vectors
    (sub-centre ArcFace, Deng et al. 2020, eq. 3). The losses `am_softmax` and `aam_softmax` are told the same scale
    by `build`; to everything else these are logits as any.

    Shape: `(B, D) -> (B, C)`, or `(..., D) -> (..., C)`.

    Args:
        size: width of the embedding.
        depth: embedding layers; all but the last are followed by a ReLU.
        norm: `layer`, a layer norm before each embedding layer; `none`.
        subcenters: vectors a label; more than one where labels are noisy or one label sounds in several ways.
        scale: of the cosines, above 0: the softmax of cosines themselves could never be sure.
        dropout: before the first embedding layer, in training only.
    """

    cosines = True

    def __init__(
        self,
        input_size: int,
        num_labels: int,
        size: int = 256,
        depth: int = 1,
        norm: Literal["layer", "none"] = "layer",
        subcenters: int = 1,
        scale: float = 30.0,
        dropout: float = 0.0,
    ):
        super().__init__()
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        for i in range(depth):
            width = size if i else input_size
            layers += [nn.ReLU()] if i else []
            layers += [nn.LayerNorm(width)] if norm == "layer" else []
            layers.append(nn.Linear(width, size))
        self.embedding = nn.Sequential(*layers)
        self.centers = nn.Parameter(torch.randn(num_labels, subcenters, size) / size**0.5)
        self.scale = scale

    @staticmethod
    def validate(size: int, depth: int, norm: str, subcenters: int, scale: float, dropout: float) -> list[str]:
        found = dimension_problems(dropout, size=size, depth=depth, subcenters=subcenters)
        return found if scale > 0 else [*found, f"scale: {scale} is not above 0"]

    def embed(self, pooled: Tensor) -> Tensor:
        """Embeddings `(B, size)`, of any length: only their direction says anything."""
        return self.embedding(pooled)

    def forward(self, pooled: Tensor) -> Tensor:
        embedded = self.embed(pooled)
        # in full precision: near 1 a cosine in bfloat16 has steps of 0.004, as large as a tenth of a radian
        with torch.autocast(embedded.device.type, enabled=False):
            directions = F.normalize(embedded.float(), dim=-1)
            cosines = F.linear(directions, F.normalize(self.centers.float(), dim=-1).flatten(0, 1))
            return self.scale * cosines.unflatten(-1, self.centers.shape[:2]).amax(-1)

    def become(self, weight: Tensor, bias: Tensor) -> None:
        raise AssertionError("its logits are cosines: see `gather`")

    def gather(self, projection: Tensor, pooled: Tensor, targets: Tensor) -> None:
        """Put the centres of every label where its clips are.

        Args:
            projection: `(r, D)`, the first rows of the embedding's only layer, r being at most its size.
            pooled: `(N, D)`, what the head sees of clips.
            targets: `(N, C)`, above 0 where a clip has the label; a label without clips keeps its centres.
        """
        if len(self.of_embedding) == 1:
            self.first.weight[: len(projection)] = projection.to(self.first.weight)
            self.first.weight[len(projection) :] *= 1e-2  # there to learn
        self.first.bias.zero_()
        directions = F.normalize(self.embed(pooled).double(), dim=-1)
        means = F.normalize((targets.double() > 0).double().T @ directions, dim=-1)
        there = (targets > 0).any(0)
        apart = 1e-3 * self.centers[there] if self.centers.shape[1] > 1 else 0.0
        self.centers[there] = means[there, None].to(self.centers) + apart

    @property
    def of_embedding(self) -> list[nn.Linear]:
        """The embedding's layers."""
        return [m for m in self.embedding if isinstance(m, nn.Linear)]

    @property
    def norm(self) -> nn.LayerNorm | None:
        found = next((m for m in self.embedding if isinstance(m, nn.LayerNorm | nn.Linear)), None)
        return found if isinstance(found, nn.LayerNorm) else None

    @property
    def first(self) -> nn.Linear:
        return self.of_embedding[0]
