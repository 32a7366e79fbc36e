"""Clusters: scikit-learn's, kept in a file, the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audioft.errors import CheckpointError
from audioft.training import clusters as clustering
from audioft.training.clusters import Clusters, Scale, fit, load, save


@pytest.fixture(scope="module")
def frames() -> torch.Tensor:
    source = torch.Generator().manual_seed(0)
    centres = 4 * torch.randn(6, 5, generator=source)
    noise = torch.randn(1200, 5, generator=source)
    spread = torch.tensor([1.0, 100.0, 0.01, 1.0, 1.0])  # features of very different scale
    found = (centres.repeat(200, 1) + noise) * spread + 7
    found[:, 4] = 3.0  # and one that never changes
    return found


def test_nearest_is_what_sklearn_predicts(frames):
    from sklearn.cluster import KMeans

    found = fit(frames, 6, seed=0)
    assert len(found) == 6
    scaled = ((frames - frames.mean(0)) / torch.where(frames.std(0) > 1e-6, frames.std(0), 1.0)).numpy()
    theirs = KMeans(6, init=found.centres.numpy(), n_init=1, max_iter=1).fit(scaled)
    theirs.cluster_centers_ = found.centres.numpy().astype(np.float32)
    assert found.nearest(frames).tolist() == theirs.predict(scaled).tolist()
    assert found.nearest(frames.reshape(40, 30, 5)).shape == (40, 30)
    assert found.nearest(frames.reshape(40, 30, 5)).flatten().tolist() == found.nearest(frames).tolist()


def test_clusters_that_are_there_are_found(frames):
    labels = fit(frames, 6, seed=0).nearest(frames).reshape(200, 6)
    assert len(set(labels[0].tolist())) == 6
    assert (labels == labels.mode(0).values).float().mean() > 0.98


def test_a_seed_gives_the_same_clusters(frames):
    assert torch.equal(fit(frames, 6, seed=1).centres, fit(frames, 6, seed=1).centres)
    assert not torch.equal(fit(frames, 6, seed=1).centres, fit(frames, 6, seed=2).centres)


def test_scale(frames):
    scale = Scale.of(frames)
    scaled = scale(frames).double()
    assert scaled.mean(0).abs().max() < 1e-3
    np.testing.assert_allclose(scaled.std(0)[:4], 1, atol=1e-3)
    assert not scaled[:, 4].any()


@pytest.mark.parametrize("with_features", [False, True])
def test_kept_in_a_file(frames, tmp_path, with_features):
    found, features = fit(frames, 6, seed=0), Scale.of(frames[:, :2]) if with_features else None
    save(tmp_path / "targets.safetensors", found, features=features)
    again, scales = load(tmp_path / "targets.safetensors")
    assert again is not None
    more = scales.get("features")
    assert torch.equal(again.centres, found.centres)
    assert torch.equal(again.scale.mean, found.scale.mean)
    assert torch.equal(again.scale.deviation, found.scale.deviation)
    assert (more is None) == (features is None)
    if more is not None and features is not None:
        assert torch.equal(more.mean, features.mean)
        assert torch.equal(more.deviation, features.deviation)


def test_a_damaged_file(frames, tmp_path):
    path = tmp_path / "targets.safetensors"
    with pytest.raises(CheckpointError, match=r"targets\.safetensors cannot be read"):
        load(path)
    save(path, Clusters(Scale.of(frames), frames[:3]))
    whole = path.read_bytes()
    for broken in (b"", whole[:20], whole[:-8], b"\xff" * 100):
        path.write_bytes(broken)
        with pytest.raises(CheckpointError, match="remove it, and the clusters are found anew"):
            load(path)
    path.write_bytes(clustering.pack({"mean": torch.zeros(3), "centres": torch.zeros(2, 3)}))
    with pytest.raises(CheckpointError, match=r"targets\.safetensors"):
        load(path)


def test_scales_without_clusters(frames, tmp_path):
    save(tmp_path / "targets.safetensors", None, teacher=Scale.of(frames), features=None)
    clusters, scales = load(tmp_path / "targets.safetensors")
    assert clusters is None
    assert list(scales) == ["teacher"]
    assert torch.equal(scales["teacher"].mean, Scale.of(frames).mean)
