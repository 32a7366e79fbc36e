"""Heads that begin as a linear map: exactly, whatever head it is, and still after standardisation was folded in."""

import pytest
import torch
from torch import nn

from audioft.models.heads.cosine import CosineHead
from audioft.models.heads.layouts import LinearStart, factors, heads
from audioft.models.heads.linear_start import LinearMap, Standardised

WIDTH, LABELS = 12, 4
LINEAR = [
    "linear",
    "projection",
    {"name": "projection", "size": 4},
    "mlp",
    {"name": "mlp", "size": 9, "depth": 3},
    {"name": "linear", "dropout": 0.3},
]


@pytest.fixture
def features():
    """What the head sees: a large common part, as in real encoders, and one feature that is constant."""
    source = torch.Generator().manual_seed(0)
    x = torch.randn(30, WIDTH, generator=source) * torch.logspace(-2, 1, WIDTH) + 20
    x[:, 3] = 7.0
    return x


def linear_map(x, seed=1):
    source = torch.Generator().manual_seed(seed)
    scale = torch.where(x.std(0) > 1e-6, x.std(0), 1.0)
    return LinearMap(
        x.mean(0).double(),
        scale.double(),
        torch.randn(LABELS, WIDTH, generator=source).double(),
        torch.randn(LABELS, generator=source).double(),
    )


@pytest.mark.parametrize("spec", LINEAR, ids=str)
def test_a_head_begins_as_the_map_and_folds_to_it(spec, features):
    fit = linear_map(features)
    head = heads.build(spec, input_size=WIDTH, num_labels=LABELS)
    assert isinstance(head, LinearStart)
    whole = Standardised(head, WIDTH).eval()
    with torch.no_grad():
        whole.mean.copy_(fit.mean)
        whole.scale.copy_(fit.scale)
        head.become(fit.weight, fit.bias)
        wanted = fit(features.double()).float()
        torch.testing.assert_close(whole(features), wanted, atol=1e-5, rtol=1e-5)
        plain = whole.folded().eval()
        assert plain is head
        torch.testing.assert_close(
            plain(features), wanted, atol=1e-3, rtol=1e-4
        )  # of features 2,000 times their spread


@pytest.mark.parametrize("spec", LINEAR, ids=str)
def test_a_head_that_began_so_learns(spec, features):
    head = heads.build(spec, input_size=WIDTH, num_labels=LABELS)
    fit = linear_map(features)
    with torch.no_grad():
        head.become(fit.weight, fit.bias)
    loss = nn.functional.cross_entropy(head((features - features.mean(0)).float()), torch.arange(30) % LABELS)
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for name, p in head.named_parameters() if "weight" in name)


def test_a_layer_norm_takes_the_standardisation(features):
    head = heads.build("normalised", input_size=WIDTH, num_labels=LABELS)
    x = nn.functional.layer_norm(features, (WIDTH,), eps=head.norm.eps)
    fit = linear_map(x)
    with torch.no_grad():
        head.norm.weight.copy_(1 / fit.scale)
        head.norm.bias.copy_(-fit.mean / fit.scale)
        head.become(fit.weight, fit.bias)
        torch.testing.assert_close(head(features), fit(x.double()).float(), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("subcenters", [1, 3])
@pytest.mark.parametrize("depth", [1, 2])
def test_centres_lie_where_the_clips_are(subcenters, depth):
    source = torch.Generator().manual_seed(0)
    middles = torch.randn(LABELS, WIDTH, generator=source)
    labels = torch.arange(40) % (LABELS - 1)  # the last label has no clips
    x = middles[labels] + 0.1 * torch.randn(40, WIDTH, generator=source)
    head: CosineHead = heads.build(
        {"name": "cosine", "size": 8, "depth": depth, "subcenters": subcenters}, input_size=WIDTH, num_labels=LABELS
    ).eval()
    before = head.centers[-1].clone()
    with torch.no_grad():
        head.gather(torch.randn(3, WIDTH, generator=source), x, nn.functional.one_hot(labels, LABELS))
        assert (head(x)[:, : LABELS - 1].argmax(1) == labels).all()
    assert torch.equal(head.centers[-1], before)


def test_factors_are_the_weight_or_the_nearest_of_their_rank():
    source = torch.Generator().manual_seed(0)
    weight = torch.randn(6, 3, generator=source).double() @ torch.randn(3, 9, generator=source).double()
    before, after = factors(weight, 8)
    assert before.shape == (3, 9)
    torch.testing.assert_close(after @ before, weight)
    before, after = factors(weight, 2)
    assert torch.linalg.matrix_rank(after @ before) == 2
