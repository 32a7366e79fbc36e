"""Shapes, and that nothing beyond a clip's own frames counts."""

import math

import pytest
import torch

from audioft.models.frames import Frames
from audioft.models.heads import heads
from audioft.models.pooling import LayerSum, poolings

LENGTHS = torch.tensor([7, 1, 4])


def frames(seed=0, hidden=6, padding=0.0, layers=0):
    source = torch.Generator().manual_seed(seed)

    def states():
        x = torch.randn(3, 7, hidden, generator=source)
        return torch.where(torch.arange(7)[None, :, None] < LENGTHS[:, None, None], x, torch.tensor(padding))

    kept = tuple(states() for _ in range(layers)) or None
    return Frames(states(), LENGTHS, 0.02, layers=kept)


@pytest.mark.parametrize(
    ("spec", "size"), [("mean", 6), ("attentive_stats", 12), ({"name": "attentive_stats", "bottleneck": 3}, 12)]
)
def test_poolings_see_own_frames_only(spec, size):
    pooling = poolings.build(spec, hidden_size=6)
    assert pooling.output_size == size
    out = pooling(frames())
    assert out.shape == (3, size)
    for padding in (1e4, -1e4, math.inf, math.nan):
        assert torch.equal(pooling(frames(padding=padding)), out)
    alone = Frames(frames().states[2:, :4], LENGTHS[2:], 0.02)
    assert (pooling(alone)[0] - out[2]).abs().max() < 1e-6


def test_mean_is_the_mean():
    pooling = poolings.build("mean", hidden_size=6)
    f = frames(padding=5.0)
    for row, n in enumerate(LENGTHS.tolist()):
        assert torch.allclose(pooling(f)[row], f.states[row, :n].mean(0), atol=1e-6)


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


@pytest.mark.parametrize(
    ("registry", "spec", "said"),
    [
        (heads, {"name": "mlp", "depth": 0}, "head.depth: 0 is not above 0"),
        (heads, {"name": "linear", "dropout": 1.0}, r"dropout: 1.0 is not in \[0, 1\)"),
        (heads, {"name": "projection", "size": -1}, "size: -1"),
        (heads, {"name": "linear", "size": 3}, "no such argument"),
        (heads, "projektion", "did you mean 'projection'"),
        (poolings, {"name": "attentive_stats", "bottleneck": 0}, "bottleneck: 0"),
        (poolings, "max", "unknown pooling"),
    ],
)
def test_wrong_settings_are_said(registry, spec, said):
    import re

    (problem,) = registry.check(spec, registry.kind)
    assert re.search(said, problem)
