"""What is kept of a clip's layers gives the mean and deviation of their sum, whatever they weigh."""

from __future__ import annotations

import pytest
import torch

from audioft.models.boundary import Crossing
from audioft.models.boundary_store import Stored
from audioft.models.frames import Frames
from audioft.models.layer_moments import moments, statistics_of_sum
from audioft.models.pooling import LayerSum, statistics

LENGTHS = [1, 2, 4, 9, 60]  # fewer frames than layers, as many, and more
COUNT = 5


def frames(lengths=LENGTHS, change=lambda states: states):
    """`COUNT` layers that resemble their neighbours, of clips of these lengths; what lies beyond is arbitrary."""
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(COUNT, len(lengths), max(lengths), 6, generator=generator).cumsum(0)
    layers = change(states).unbind(0)
    return Frames(layers[-1], torch.tensor(lengths), 0.02, layers, torch.tensor(lengths))


def layer_sum(steep=1.0):
    made = LayerSum(COUNT - 1)
    with torch.no_grad():
        made.layer_weights.copy_(steep * torch.tensor([0.3, -1.0, 1.2, 0.1, -0.4]))
    return made


def of_sum(given, made):
    return statistics_of_sum(moments(given.layers, given.lengths), made.weights)


@pytest.mark.parametrize("steep", [0.0, 1.0, 20.0])  # the last leaves a single layer
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: 1e3 * x,
        lambda x: x + 300,  # a deviation beside a mean of another size
        lambda x: x * torch.logspace(-3, 3, COUNT)[:, None, None, None],
        lambda x: x[:1].expand(COUNT, -1, -1, -1),  # all layers the same
        lambda x: torch.cat([x[:3], -x[:2]]),  # some take one another away
    ],
)
def test_the_statistics_are_those_of_the_sum(change, steep):
    given, made = frames(change=change), layer_sum(steep)
    wanted = statistics(made(given))
    for found, own in zip(of_sum(given, made), wanted, strict=True):
        assert torch.allclose(found, own, rtol=2e-5, atol=2e-6 * float(given.states[:, 0].abs().max()))


def test_what_does_not_vary_deviates_as_the_pooling_says():
    given, made = frames(change=lambda x: x[:, :, :1].expand_as(x)), layer_sum()
    assert torch.equal(statistics(made(given))[1], of_sum(given, made)[1])
    alone = frames([1])
    assert torch.equal(of_sum(alone, made)[1], torch.full((1, 6), 1e-6))


@pytest.mark.parametrize("length", [1, 3, 60])
def test_the_weights_learn_from_it_as_from_the_frames(length):
    given, made = frames([length, 60]), layer_sum()
    losses = [torch.cat(x, -1).square().sum() for x in (of_sum(given, made), statistics(made(given)))]
    found, wanted = (torch.autograd.grad(x, made.layer_weights)[0] for x in losses)
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


def test_it_takes_no_more_of_a_longer_clip():
    assert moments(frames().layers, frames().lengths).shape == (5, 5 + 15, 6)


@pytest.mark.parametrize("size", [1e-3, 1.0, 300.0, 1e6])
def test_half_the_precision_moves_a_deviation_by_half_a_thousandth(size):
    given, made = frames([60], lambda x: size * x), layer_sum()
    kept = Stored.of(Crossing(moments(given.layers, given.lengths)[0], 0, (60, 60)), torch.float16).crossing().states
    found, wanted = statistics_of_sum(kept[None], made.weights)[1], statistics(made(given))[1]
    assert torch.allclose(found, wanted, rtol=5e-4, atol=0)


def test_it_is_not_rounded_where_products_of_matrices_are():
    given, made = frames(), layer_sum()
    exact = of_sum(given, made)
    with torch.autocast("cpu", torch.bfloat16):
        assert all(torch.equal(a, b) for a, b in zip(of_sum(given, made), exact, strict=True))
