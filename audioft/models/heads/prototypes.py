"""A head that is fitted instead of trained: the mean direction of each label's clips, and cosines to it.

Snell et al. 2017, "Prototypical Networks for Few-shot Learning", with the cosine in place of the Euclidean distance;
centring and normalising the embeddings of an encoder that was never trained for it is SimpleShot (Wang et al. 2019,
"SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning", CL2N).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audioft.models.heads.layouts import heads

SCALES = (0.1, 1000.0)  # between which the scale is looked for
PROTOTYPE = "prototype"
UNFITTED_SCALE = 10.0  # where no label has a clip to leave out: as sure as cosines allow, and not surer


@dataclass(frozen=True)
class Fit:
    """What fitting found out, each clip scored by prototypes made without it.

    Attributes:
        clips: how many clips could be scored so; none could where every label has but one.
        loss: their log loss, nan where there are none.
        accuracy: of one label a clip, the share labelled right; nan where there are none, or several labels a clip.
        scale: the factor of the cosines.
    """

    clips: int
    loss: float
    accuracy: float
    scale: float


UNFITTED = Fit(0, math.nan, math.nan, UNFITTED_SCALE)


@heads.register(PROTOTYPE)
class PrototypeHead(nn.Module):
    """`scale` times the cosine between a clip and each label's prototype, plus `offset`.

    It has no parameters, only buffers that `fit` fills; until then every logit is 0. The scale is shared, the offsets
    are of several labels a clip only.

    Shape: `(B, D) -> (B, C)`.

    Args:
        centre: take the mean of the training clips away first. Pooled states of a transformer have a large mean in
            common, beside which what tells clips apart is little.
    """

    def __init__(self, input_size: int, num_labels: int, centre: bool = True):
        super().__init__()
        self.centre = centre
        self.prototypes = nn.Buffer(torch.zeros(num_labels, input_size))
        self.mean = nn.Buffer(torch.zeros(input_size))
        self.scale = nn.Buffer(torch.tensor(UNFITTED_SCALE))
        self.offset = nn.Buffer(torch.zeros(num_labels))

    def embed(self, pooled: Tensor) -> Tensor:
        """Directions `(B, D)`: of length 1, float32."""
        return directions(pooled.float(), self.mean)

    def forward(self, pooled: Tensor) -> Tensor:
        # in full precision: a cosine in bfloat16 has steps of 0.004, which the scale would multiply
        with torch.autocast(pooled.device.type, enabled=False):
            return self.scale * F.linear(self.embed(pooled), self.prototypes) + self.offset

    def fit(self, pooled: Tensor, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> Fit:
        """Prototypes from clips, then a scale at which the probabilities are right on clips that are left out.

        The mean that centres is not made anew for each clip left out: for the clip itself that changes only the
        length of its vector, for the others one part in N.

        Args:
            pooled: `(N, D)`.
            targets: `(N, C)`, 1 where a clip has the label.
            known: `(N, C)` bool, whether that is known.
            multilabel: several labels may hold at once: scores are sigmoids, and each label has an offset.

        Raises:
            ValueError: a label has no clip.
        """
        x = pooled.detach().double().cpu()
        mean = x.mean(0) if self.centre else torch.zeros_like(x[0])
        z = directions(x, mean)
        present = torch.from_numpy(((targets > 0) & known).astype(np.float64))
        made = class_means(z, present)
        cosines, usable = left_out(z, present)
        wanted, counted = present.numpy() > 0, usable & known
        offset, fit = (_several_labels if multilabel else _one_label)(cosines, wanted, counted)
        scale = torch.tensor(fit.scale)
        self.load_state_dict({"prototypes": made, "mean": mean, "scale": scale, "offset": torch.from_numpy(offset)})
        return fit


def directions(x: Tensor, mean: Tensor) -> Tensor:
    """`(N, D)` vectors from `mean`, of length 1; one that is `mean` itself stays 0."""
    return F.normalize(x - mean, dim=-1, eps=1e-12)


def class_means(z: Tensor, present: Tensor) -> Tensor:
    """The mean of each label's directions, of length 1, `(C, D)`.

    Args:
        z: directions `(N, D)`.
        present: `(N, C)`, 1 where a clip has the label.

    Raises:
        ValueError: a label has no clip.
    """
    lacking = (present.sum(0) == 0).nonzero().flatten().tolist()
    if lacking:
        raise ValueError(f"labels without a clip: {lacking}")
    return F.normalize(present.T @ z, dim=-1, eps=1e-12)


def left_out(z: Tensor, present: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of each clip with prototypes made without it.

    Args:
        z: directions `(N, D)` float64.
        present: `(N, C)` float64, 1 where a clip has the label.

    Returns:
        `(N, C)` float64, and `(N, C)` bool, false where a label would have no clip left.
    """
    sums = present.T @ z
    cosines = z @ F.normalize(sums, dim=-1, eps=1e-12).T
    for c in range(present.shape[1]):
        own = present[:, c].nonzero().flatten()
        without = F.normalize(sums[c] - z[own], dim=-1, eps=1e-12)
        cosines[own, c] = (without * z[own]).sum(1)
    usable = (present == 0) | (present.sum(0) > 1)
    return cosines.numpy(), usable.numpy()


def _one_label(cosines: np.ndarray, wanted: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, Fit]:
    """The scale of the least log loss of a softmax, and offsets of 0.

    A clip is wanted to be right with the probability (N + 1) / (N + 2), and not 1: Laplace's rule, as Platt 1999
    ("Probabilistic Outputs for Support Vector Machines", section 2.2) has it; or N clips that are all labelled right
    would ask for an infinite scale.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    offset = np.zeros(wanted.shape[1])
    rows = counted.all(1)
    count, labels = int(rows.sum()), wanted.shape[1]
    if not count:
        return offset, UNFITTED
    x, right = cosines[rows], wanted[rows]
    sure = (count + 1) / (count + 2)
    goal = np.where(right, sure, (1 - sure) / max(labels - 1, 1))

    def loss(log_scale: float) -> float:
        return float(-(goal * log_softmax(np.exp(log_scale) * x, axis=1)).sum(1).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(SCALES)), method="bounded", options={"xatol": 1e-4})
    scale = float(np.exp(found.x))
    plain = float(-log_softmax(scale * x, axis=1)[right].mean())
    accuracy = float((x.argmax(1) == right.argmax(1)).mean())
    return offset, Fit(count, plain, accuracy, scale)


def _several_labels(cosines: np.ndarray, wanted: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, Fit]:
    """The scale and the offsets of the least binary log loss, with Platt's targets for each label.

    A label that no clip of its own can be left out of has the mean of the others' offsets.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    counted = counted & ((wanted & counted).sum(0) > 0)
    fitted = counted.any(0)
    offset = np.full(wanted.shape[1], -UNFITTED_SCALE / 2)
    if not fitted.any():
        return offset, UNFITTED
    positive, negative = (wanted & counted).sum(0), (~wanted & counted).sum(0)
    goal = np.where(wanted, (positive + 1) / (positive + 2), 1 / (negative + 2))
    weight = counted / counted.sum()

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        logits = at[0] * cosines + at[1:]
        value = float((weight * (np.logaddexp(0, logits) - goal * logits)).sum())
        slope = weight * (expit(logits) - goal)
        return value, np.concatenate([[(slope * cosines).sum()], slope.sum(0)])

    start = np.concatenate([[UNFITTED_SCALE], offset])
    bounds = [SCALES, *[(-SCALES[1], SCALES[1])] * len(offset)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-12})
    scale = float(found.x[0])
    offset = np.where(fitted, found.x[1:], found.x[1:][fitted].mean())
    logits = scale * cosines + offset
    plain = float((weight * (np.logaddexp(0, logits) - wanted * logits)).sum())
    return offset, Fit(int(counted.any(1).sum()), plain, math.nan, scale)
