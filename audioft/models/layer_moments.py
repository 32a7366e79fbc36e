"""What the mean and deviation over time of a weighted sum of layers can be made of, whatever the weights.

Of each dimension the states of a clip's n layers are F rows of n numbers. Centred and divided by the root of F - 1 they
are A, and their covariance is A'A; the sum with weights w deviates by |A w|. As A = Q R, Q of orthonormal columns and R
upper triangular, that is |R w|: n (n + 1) / 2 numbers in the place of F n. R rather than the covariance is kept, since
its numbers are of the size of deviations: none is squared before it is rounded, and no difference of large ones is
taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from audioft.core.runtime import one_thread
from audioft.models.frames import deviation


def moments(layers: Sequence[Tensor], lengths: Tensor) -> Tensor:
    """Means, then R row by row without its zeros: `(B, n + n (n + 1) / 2, H)` float32, on the device of the states.

    The factor is computed on the processor, clip by clip, so that it is a function of the clip alone. It carries no
    gradient.

    Args:
        layers: n states `(B, F, H)`.
        lengths: `(B,)`, how many frames are a clip's own.
    """
    clips = torch.stack([own.detach().float().cpu() for own in layers], 1)
    with one_thread():
        found = [_of_clip(clip[:, :length]) for clip, length in zip(clips, lengths.tolist(), strict=True)]
    return torch.stack(found).to(layers[0].device)


def _of_clip(states: Tensor) -> Tensor:
    """`(n + n (n + 1) / 2, H)` of `(n, F, H)`."""
    count, frames = states.shape[:2]
    mean = states.mean(1, keepdim=True)
    centred = (states - mean) / max(1, frames - 1) ** 0.5
    factor = torch.linalg.qr(centred.permute(2, 1, 0), mode="r").R
    factor = functional.pad(factor, (0, 0, 0, count - factor.shape[1]))  # of fewer frames than layers
    row, column = torch.triu_indices(count, count)
    return torch.cat([mean[:, 0], factor[:, row, column].T])


def statistics_of_sum(kept: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the sum, each `(B, H)` float32, as `pooling.statistics` has them of its frames.

    Args:
        kept: `(B, n + n (n + 1) / 2, H)`, see `moments`.
        weights: `(n,)`, of the layers.
    """
    count = len(weights)
    # products and sums, which are of float32 also where matrix products are of less
    mean = (kept[:, :count] * weights[:, None]).sum(1)
    rows = kept[:, count:].split(list(range(count, 0, -1)), 1)
    sums = [(row * weights[first:, None]).sum(1) for first, row in enumerate(rows)]
    variance = torch.stack(sums).square().sum(0)
    return mean, deviation(variance)
