"""Clusters of frames: what masked prediction predicts (HuBERT, Hsu et al. 2021)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audioft.core.storage import write_bytes
from audioft.errors import CheckpointError
from audioft.training.checkpoint import pack, unpack


@dataclasses.dataclass(frozen=True)
class Scale:
    """Mean and deviation of each feature, `(D,)`."""

    mean: Tensor
    deviation: Tensor

    def __call__(self, frames: Tensor) -> Tensor:
        return (frames - self.mean) / self.deviation

    def to(self, device: torch.device | str) -> Scale:
        return Scale(self.mean.to(device), self.deviation.to(device))

    @classmethod
    def of(cls, frames: Tensor) -> Scale:
        """Of a sample `(N, D)`; a feature that never changes is left as it is."""
        deviation = frames.double().std(0)
        return cls(frames.double().mean(0).float(), torch.where(deviation > 1e-6, deviation, 1.0).float())


@dataclasses.dataclass(frozen=True)
class Clusters:
    """K centres in a space of scaled features.

    Attributes:
        scale: of the features.
        centres: `(K, D)` float32.
    """

    scale: Scale
    centres: Tensor

    def __len__(self) -> int:
        return len(self.centres)

    def nearest(self, frames: Tensor) -> Tensor:
        """The cluster of each frame: `(..., D)` to `(...)` int64."""
        scaled = self.scale(frames)
        return (scaled @ self.centres.T - 0.5 * self.centres.square().sum(1)).argmax(-1)

    def to(self, device: torch.device | str) -> Clusters:
        return Clusters(self.scale.to(device), self.centres.to(device))


def fit(frames: Tensor, count: int, seed: int) -> Clusters:
    """Cluster a sample of frames with scikit-learn's MiniBatchKMeans (Sculley 2010).

    Args:
        frames: `(N, D)`, N at least `count`.
        count: K.
        seed: of the initial centres and the batches.
    """
    from sklearn.cluster import MiniBatchKMeans

    scale = Scale.of(frames)
    means = MiniBatchKMeans(count, batch_size=max(4096, 4 * count), n_init=3, max_no_improvement=20, random_state=seed)
    means.fit(scale(frames).numpy())
    return Clusters(scale, torch.from_numpy(means.cluster_centers_.astype(np.float32)))


def save(path: Path, clusters: Clusters | None, **scales: Scale | None) -> None:
    """Write clusters, and scales by their names: of the features that are regressed on, if any, and the like."""
    tensors = {}
    if clusters is not None:
        tensors = {"mean": clusters.scale.mean, "deviation": clusters.scale.deviation, "centres": clusters.centres}
    for name, scale in scales.items():
        if scale is not None:
            tensors |= {f"{name}.mean": scale.mean, f"{name}.deviation": scale.deviation}
    write_bytes(path, pack(tensors))


def load(path: Path) -> tuple[Clusters | None, dict[str, Scale]]:
    """The reverse of `save`: the clusters, and the scales that there are.

    Raises:
        CheckpointError: the file is damaged.
    """
    from safetensors import SafetensorError

    try:
        found = unpack(path.read_bytes())
        names = [key.removesuffix(".mean") for key in found if key.endswith(".mean")]
        scales = {name: Scale(found[f"{name}.mean"], found[f"{name}.deviation"]) for name in names}
        if "centres" not in found:
            return None, scales
        return Clusters(Scale(found["mean"], found["deviation"]), found["centres"]), scales
    except (OSError, SafetensorError, KeyError) as e:
        raise CheckpointError(f"{path} cannot be read ({e}); remove it, and the clusters are found anew") from e
