"""Shapes, and that nothing beyond a clip's own frames counts."""

import math

import pytest
import torch

from audioft.models.frames import Frames
from audioft.models.pooling import LayerSum
from audioft.models.poolings_and_heads import heads, poolings

LENGTHS = torch.tensor([7, 1, 4])
# three frames are lost: of the clips of 7, 1 and 4 frames 4 are left, the middle one is lengthened, and 1
TDNN = {"name": "xvector", "sizes": [5, 4], "kernels": [2, 2], "dilations": [2, 1]}


def frames(seed=0, hidden=6, padding=0.0, layers=0):
    source = torch.Generator().manual_seed(seed)

    def states():
        x = torch.randn(3, 7, hidden, generator=source)
        return torch.where(torch.arange(7)[None, :, None] < LENGTHS[:, None, None], x, torch.tensor(padding))

    kept = tuple(states() for _ in range(layers)) or None
    return Frames(states(), LENGTHS, 0.02, layers=kept)


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ("mean", 6),
        ("stats", 12),
        ("attentive_stats", 12),
        ({"name": "attentive_stats", "bottleneck": 3}, 12),
        ({"name": "attentive_stats", "context": True}, 12),
        (TDNN, 8),
        ("xvector", 3000),
    ],
    ids=str,
)
def test_poolings_see_own_frames_only(spec, size):
    pooling = poolings.build(spec, hidden_size=6)
    assert pooling.output_size == size
    out = pooling(frames())
    assert out.shape == (3, size)
    for padding in (1e4, -1e4, math.inf, math.nan):
        assert torch.equal(pooling(frames(padding=padding)), out)
    for row, n in enumerate(LENGTHS.tolist()):
        alone = Frames(frames().states[row : row + 1, :n], LENGTHS[row : row + 1], 0.02)
        assert (pooling(alone)[0] - out[row]).abs().max() < 1e-6


def test_mean_is_the_mean():
    pooling = poolings.build("mean", hidden_size=6)
    f = frames(padding=5.0)
    for row, n in enumerate(LENGTHS.tolist()):
        assert torch.allclose(pooling(f)[row], f.states[row, :n].mean(0), atol=1e-6)


def test_stats_are_mean_and_deviation():
    pooling = poolings.build("stats", hidden_size=6)
    f = frames(padding=5.0)
    for row, n in enumerate(LENGTHS.tolist()):
        own = f.states[row, :n]
        deviation = own.std(0) if n > 1 else torch.full((6,), 1e-6)
        assert torch.allclose(pooling(f)[row], torch.cat([own.mean(0), deviation]), atol=1e-6)


def test_context_is_the_mean_and_deviation_beside_each_frame():
    torch.manual_seed(0)
    pooling = poolings.build({"name": "attentive_stats", "bottleneck": 5, "context": True}, hidden_size=6)
    f = frames(padding=3.0)
    first, _, second = pooling.score
    with torch.no_grad():
        for row, n in enumerate(LENGTHS.tolist()):
            own = f.states[row, :n]
            deviation = own.std(0) if n > 1 else torch.full((6,), 1e-6)
            seen = torch.stack([torch.cat([h, own.mean(0), deviation]) for h in own])
            weights = torch.softmax(second(torch.tanh(first(seen))), 0)
            mean = (weights * own).sum(0)
            spread = ((weights * own.square()).sum(0) - mean.square()).clamp(min=0)
            expected = torch.cat([mean, (spread + 1e-6).sqrt()])
            assert torch.allclose(pooling(f)[row], expected, atol=1e-4)


def test_xvector_layers_see_neighbours_of_the_clip_alone():
    """Layer by layer and frame by frame, over the clip with its ends repeated where it is too short."""
    torch.manual_seed(0)
    pooling = poolings.build(TDNN, hidden_size=6)
    f = frames(padding=9.0)
    repeated = {0: range(7), 1: [0, 0, 0, 0], 2: range(4)}
    with torch.no_grad():
        out = pooling(f)
        for row, index in repeated.items():
            states = [pooling.projector(f.states[row, i]) for i in index]
            for layer, d in zip(pooling.layers, TDNN["dilations"], strict=True):
                pairs = [torch.stack([states[t], states[t + d]], 1) for t in range(len(states) - d)]
                states = [torch.relu((layer.weight * p).sum((1, 2)) + layer.bias) for p in pairs]
            assert len(states) == {0: 4, 1: 1, 2: 1}[row]
            kept = torch.stack(states)
            deviation = kept.std(0) if len(kept) > 1 else torch.zeros(4)
            assert torch.allclose(out[row], torch.cat([kept.mean(0), deviation]), atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_short_clip_is_repeated_at_both_ends(n):
    pooling = poolings.build({"name": "xvector", "sizes": [3], "kernels": [5]} | {"dilations": [1]}, hidden_size=6)
    states = torch.randn(1, n, 6, generator=torch.Generator().manual_seed(n))
    before = (5 - n) // 2
    index = [min(max(i - before, 0), n - 1) for i in range(5)]
    with torch.no_grad():
        found = pooling(Frames(states, torch.tensor([n]), 0.02))
        assert torch.equal(found, pooling(Frames(states[:, index], torch.tensor([5]), 0.02)))


@pytest.mark.parametrize("spec", ["stats", {"name": "attentive_stats", "context": True}, TDNN], ids=str)
def test_the_deviation_of_a_steady_or_single_frame_has_a_finite_gradient(spec):
    pooling = poolings.build(spec, hidden_size=6)
    states = torch.randn(2, 1, 6).expand(2, 5, 6).clone().requires_grad_()
    pooling(Frames(states, torch.tensor([1, 5]), 0.02)).sum().backward()
    assert torch.isfinite(states.grad).all()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in pooling.parameters())


def test_attentive_stats_are_the_papers_equations():
    torch.manual_seed(0)
    pooling = poolings.build({"name": "attentive_stats", "bottleneck": 5}, hidden_size=6)
    f = frames(padding=3.0)
    with torch.no_grad():
        out = pooling(f)
        first, _, second = pooling.score
        for row, n in enumerate(LENGTHS.tolist()):
            h = f.states[row, :n].double()
            e = torch.stack([second(torch.tanh(first(x.float()))) for x in h]).double()
            for c in range(6):
                a = [math.exp(v) for v in e[:, c]]
                mean = sum(w * x for w, x in zip(a, h[:, c].tolist(), strict=True)) / sum(a)
                square = sum(w * x * x for w, x in zip(a, h[:, c].tolist(), strict=True)) / sum(a)
                assert out[row, c] == pytest.approx(mean, abs=1e-5)
                assert out[row, 6 + c] == pytest.approx(math.sqrt(max(square - mean**2, 0) + 1e-6), abs=1e-4)


def test_attentive_stats_of_a_single_frame_has_a_finite_gradient():
    pooling = poolings.build("attentive_stats", hidden_size=6)
    states = torch.randn(1, 1, 6, requires_grad=True)
    pooling(Frames(states, torch.tensor([1]), 0.02)).sum().backward()
    assert torch.isfinite(states.grad).all()


def test_layer_sum_starts_as_the_mean_and_is_a_softmax():
    layer_sum = LayerSum(3)
    f = frames(layers=4)
    assert torch.allclose(layer_sum(f).states, torch.stack(f.layers).mean(0), atol=1e-6)
    with torch.no_grad():
        layer_sum.layer_weights.copy_(torch.tensor([0.0, 100.0, 0.0, 0.0]))
    assert torch.allclose(layer_sum(f).states, f.layers[1])
    with pytest.raises(ValueError, match="every layer"):
        layer_sum(frames())
    with pytest.raises(ValueError):
        layer_sum(frames(layers=3))


@pytest.mark.parametrize(
    ("spec", "parameters"),
    [
        ("projection", 6 * 256 + 256 + 256 * 4 + 4),
        ({"name": "projection", "size": 5, "dropout": 0.5}, 6 * 5 + 5 + 5 * 4 + 4),
        ("linear", 6 * 4 + 4),
        ({"name": "mlp", "size": 5, "depth": 2, "dropout": 0.5}, 6 * 5 + 5 + 5 * 5 + 5 + 5 * 4 + 4),
        ("cosine", 2 * 6 + 6 * 256 + 256 + 4 * 256),
        (
            {"name": "cosine", "size": 5, "depth": 2, "subcenters": 3, "dropout": 0.5},
            2 * 6 + 6 * 5 + 5 + 2 * 5 + 5 * 5 + 5 + 4 * 3 * 5,
        ),
        ({"name": "cosine", "size": 5, "norm": "none", "dropout": 0.5}, 6 * 5 + 5 + 4 * 5),
    ],
    ids=str,
)
def test_heads(spec, parameters):
    head = heads.build(spec, input_size=6, num_labels=4)
    x = torch.randn(3, 6)
    assert head(x).shape == (3, 4)
    assert sum(p.numel() for p in head.parameters()) == parameters
    dropout = isinstance(spec, dict)
    head.train()
    torch.manual_seed(0)
    same = [torch.equal(head(x), head(x)) for _ in range(4)]
    assert all(same) != dropout or spec == "mlp"
    head.eval()
    assert torch.equal(head(x), head(x))


def test_a_logit_is_the_scaled_cosine_of_the_nearest_center():
    torch.manual_seed(0)
    head = heads.build({"name": "cosine", "size": 3, "subcenters": 2, "scale": 7}, input_size=6, num_labels=4)
    pooled = torch.randn(3, 6)
    with torch.no_grad():
        embedded, logits = head.embed(pooled), head(pooled)
        assert embedded.shape == (3, 3)
        for row, e in enumerate(embedded.double()):
            for label, centers in enumerate(head.centers.double()):
                cosines = [(e @ c / (e.norm() * c.norm())).item() for c in centers]
                assert logits[row, label].item() == pytest.approx(7 * max(cosines), abs=1e-5)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            low = head(pooled)
    assert low.dtype == torch.float32
    assert head(pooled[:, None].expand(3, 2, 6)).shape == (3, 2, 4)  # of frames


@pytest.mark.parametrize(
    ("registry", "spec", "said"),
    [
        (heads, {"name": "mlp", "depth": 0}, "head.depth: 0 is not above 0"),
        (heads, {"name": "linear", "dropout": 1.0}, r"dropout: 1.0 is not at least 0 and below 1"),
        (heads, {"name": "projection", "size": -1}, "size: -1"),
        (heads, {"name": "linear", "size": 3}, "no such argument"),
        (heads, "projektion", "did you mean 'projection'"),
        (heads, {"name": "cosine", "scale": 0}, "scale: 0.0 is not above 0"),
        (heads, {"name": "cosine", "subcenters": 0}, "subcenters: 0 is not above 0"),
        (heads, {"name": "cosine", "norm": "batch"}, "norm: 'batch' is not of type"),
        (poolings, {"name": "attentive_stats", "bottleneck": 0}, "bottleneck: 0"),
        (poolings, {"name": "xvector", "sizes": [5, 5]}, "found 2 sizes, 5 kernels, 5 dilations"),
        (poolings, TDNN | {"kernels": [2, 0]}, r"kernels: \[2, 0\] are not all above 0"),
        (poolings, TDNN | {"kernels": [2, "x"]}, "kernels: .* is not of type"),
        (poolings, {"name": "xvector", "sizes": [], "kernels": [], "dilations": []}, "at least one"),
        (poolings, "max", "unknown pooling"),
    ],
)
def test_wrong_settings_are_said(registry, spec, said):
    import re

    (problem,) = registry.check(spec, registry.kind)
    assert re.search(said, problem)
