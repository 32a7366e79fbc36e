"""Which clips make a step: each once an epoch, in an order that the seed and the epoch alone decide."""

from collections import Counter

import numpy as np
import pytest
import torch

from audioft.data.batching import StepPlan, batches_of, collate, pad, pieces
from audioft.data.dataset import Draw, Item
from audioft.errors import AudioError


@pytest.mark.parametrize(("size", "batch"), [(1, 4), (7, 3), (8, 4), (10, 100)])
def test_each_clip_once_an_epoch(size, batch):
    plan = StepPlan(size, batch, seed=3)
    for epoch in range(3):
        steps = plan.epoch(epoch)
        assert len(steps) == plan.steps
        assert all(len(s) == batch for s in steps[:-1])
        draws = [d for s in steps for d in s]
        assert sorted(d.index for d in draws) == list(range(size))
        assert all(d.epoch == epoch and d.repeat == 0 for d in draws)


def test_the_order_depends_on_seed_and_epoch_alone():
    assert StepPlan(50, 8, seed=1).epoch(2) == StepPlan(50, 8, seed=1).epoch(2)

    def order(seed, epoch, batch=8):
        return [d.index for s in StepPlan(50, batch, seed).epoch(epoch) for d in s]

    assert order(1, 2) == order(1, 2, batch=7)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)
    assert order(1, 2) != list(range(50))


def test_a_balanced_sampler_evens_out_and_counts_repeats():
    weights = np.array([1 / 90] * 90 + [1 / 10] * 10)
    plan = StepPlan(100, 10, seed=0, weights=weights)
    rare = [sum(d.index >= 90 for s in plan.epoch(e) for d in s) for e in range(40)]
    assert 45 < np.mean(rare) < 55
    draws = [d for s in plan.epoch(0) for d in s]
    assert len(draws) == 100
    assert len(set(draws)) == 100  # a clip drawn twice has two addresses
    for index, times in Counter(d.index for d in draws).items():
        assert sorted(d.repeat for d in draws if d.index == index) == list(range(times))
    assert max(d.repeat for d in draws) > 0
    assert plan.epoch(1) == StepPlan(100, 10, seed=0, weights=weights).epoch(1)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 13])
@pytest.mark.parametrize(("processes", "accumulate"), [(1, 1), (1, 4), (2, 1), (2, 3), (3, 2)])
def test_pieces_share_out_a_step(size, processes, accumulate):
    step = [Draw(i) for i in range(size)]
    shares = [pieces(step, rank, processes, accumulate) for rank in range(processes)]
    assert all(len(s) == accumulate for s in shares)
    assert sorted(d.index for s in shares for p in s for d in p) == list(range(size))
    most = -(-size // (processes * accumulate))
    assert max(len(p) for s in shares for p in s) <= most


def test_batches_of_like_lengths():
    rng = np.random.default_rng(0)
    waves = [torch.zeros(int(n)) for n in rng.integers(1, 1000, 60)]
    batches = batches_of(waves, most=2500)
    assert sorted(i for b in batches for i in b) == list(range(60))
    for b in batches:
        assert max(len(waves[i]) for i in b) * len(b) <= 2500
    assert len(batches) < 20
    assert batches_of([torch.zeros(50), torch.zeros(40)], most=10) == [[0], [1]]  # longer than allowed: alone
    assert batches_of([], most=10) == []


def test_pad():
    waveforms, lengths = pad([torch.ones(3), torch.ones(5)])
    assert waveforms.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert lengths.tolist() == [3, 5]
    assert pad([])[0].shape == (0, 0)


def test_collate_sets_failures_apart():
    targets, known = torch.tensor([1.0, 0.0]), torch.tensor([True, False])
    error = AudioError("b.wav", "decode", "broken")
    good = Item(torch.ones(4), targets, known, 0, ("a",))
    bad = Item(None, targets, known, 1, ("b",), error)
    batch = collate([good, bad, good])
    assert len(batch) == 2
    assert batch.indices == (0, 0)
    assert batch.addresses == (("a",), ("a",))
    assert batch.failures == ((1, error),)
    assert batch.known.tolist() == [[True, False]] * 2
    nothing = collate([bad])
    assert len(nothing) == 0
    assert nothing.targets.shape == (0, 2)


def test_a_plan_of_so_many_draws():
    plan = StepPlan(6, 4, seed=0, weights=np.array([1, 1, 1, 1, 1, 5.0]), draws=10)
    steps = plan.epoch(0)
    assert plan.steps == len(steps) == 3
    assert [len(s) for s in steps] == [4, 4, 2]
    flat = [(d.index, d.repeat) for s in steps for d in s]
    assert len(set(flat)) == 10, "each draw of a clip has an address of its own"
    assert plan.epoch(0) == steps
    assert plan.epoch(1) != steps
    many = StepPlan(6, 100, 0, np.array([1, 1, 1, 1, 1, 5.0]), draws=4000).epoch(0)
    counts = np.bincount([d.index for s in many for d in s]) / 4000
    np.testing.assert_allclose(counts, [0.1] * 5 + [0.5], atol=0.03)
    with pytest.raises(ValueError, match="without weights"):
        StepPlan(6, 4, 0, draws=3)
