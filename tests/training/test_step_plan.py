"""Which clips make a step: each once an epoch, in an order that the seed and the epoch alone decide."""

from collections import Counter

import numpy as np
import pytest
import torch

from audioft.data.batching import StepPlan, collate, pad, pieces
from audioft.data.buckets import batches_of
from audioft.data.dataset import Draw, Item
from audioft.errors import AudioError


@pytest.mark.parametrize(("size", "batch"), [(1, 4), (7, 3), (8, 4), (10, 100)])
def test_each_clip_once_an_epoch(size, batch):
    plan = StepPlan(size, batch, seed=3)
    for epoch in range(3):
        steps = plan.epoch(epoch)
        assert len(steps) == plan.steps_of(epoch)
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
    batches = batches_of(waves, most=2500, apart=10**6)  # as few as can be
    assert sorted(i for b in batches for i in b) == list(range(60))
    for b in batches:
        assert max(len(waves[i]) for i in b) * len(b) <= 2500
    assert len(batches) < 20
    own = batches_of(waves, most=2500, apart=0)
    assert all(len({len(waves[i]) for i in b}) == 1 for b in own)  # nothing is padded
    assert sorted(i for b in own for i in b) == list(range(60))
    assert batches_of([torch.zeros(50), torch.zeros(40)], most=10) == [[0], [1]]  # longer than allowed: alone
    assert batches_of([], most=10) == []


@pytest.mark.parametrize("apart", [0, 3, 20, 100])
def test_no_other_cut_costs_less(apart):
    rng = np.random.default_rng(1)
    for lengths in ([int(n) for n in rng.integers(1, 50, 9)] for _ in range(20)):

        def cost(batches, lengths=lengths):
            return sum(apart + len(b) * max(lengths[i] for i in b) for b in batches)

        order = sorted(range(9), key=lambda i: -lengths[i])
        cuts = (np.flatnonzero([c >> i & 1 for i in range(8)]) + 1 for c in range(256))
        ways = ([part.tolist() for part in np.split(order, cut)] for cut in cuts)
        allowed = (w for w in ways if all(len(b) == 1 or len(b) * lengths[b[0]] <= 120 for b in w))
        assert cost(batches_of([torch.zeros(n) for n in lengths], 120, apart)) == min(map(cost, allowed))


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
    assert plan.steps_of(0) == len(steps) == 3
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


def lengths(size, seed=0):
    """As real ones: many short, few long, 0.5 to 12 s."""
    return np.clip(np.random.default_rng(seed).lognormal(1.2, 0.7, size), 0.5, 12)


@pytest.mark.parametrize(("size", "budget"), [(1, 5.0), (7, 30.0), (60, 20.0), (300, 100.0), (300, 5.0)])
def test_steps_of_so_many_seconds_hold_each_clip_once_and_no_more_than_that(size, budget):
    seconds = lengths(size)
    plan = StepPlan(size, 4, seed=3, seconds=seconds, batch_seconds=budget)
    for epoch in range(4):
        steps = plan.epoch(epoch)
        assert len(steps) == plan.steps_of(epoch)
        draws = [d for s in steps for d in s]
        assert sorted(d.index for d in draws) == list(range(size))
        assert all(d.epoch == epoch and d.repeat == 0 for d in draws)
        for step in steps:
            longest = max(seconds[d.index] for d in step)
            assert longest * len(step) <= budget + 1e-6 or len(step) == 1
    assert plan.total(4) == sum(len(plan.epoch(e)) for e in range(4))


def test_steps_of_seconds_pad_little_and_are_others_every_epoch():
    seconds = lengths(800)
    by_number = StepPlan(800, 16, seed=1, seconds=seconds)
    by_seconds = StepPlan(800, 16, seed=1, seconds=seconds, batch_seconds=16 * seconds.mean())
    assert by_number.padding(0) > 0.4
    assert by_seconds.padding(0) < 0.1
    assert by_seconds.steps_of(0) < 1.12 * by_number.steps_of(0)
    padded = sum(len(s) * max(seconds[d.index] for d in s) for s in by_seconds.epoch(0))
    assert by_seconds.padding(0) == pytest.approx(1 - seconds.sum() / padded)

    def mates(epoch, seed=1):
        steps = StepPlan(800, 16, seed, seconds=seconds, batch_seconds=16 * seconds.mean()).epoch(epoch)
        return [{d.index for d in s} for s in steps]

    assert mates(2) == mates(2)
    assert mates(2) != mates(2, seed=2)
    pairs = [{(a, b) for s in mates(e) for a in s for b in s if a < b} for e in (0, 1)]
    assert len(pairs[0] & pairs[1]) < 0.4 * len(pairs[0]), "who is in a step with whom changes"
    longest = [max(seconds[i] for i in s) for s in mates(0)]
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.4, "long and short steps are mixed"


def test_clips_of_one_length_make_as_many_steps_as_by_number():
    plan = StepPlan(403, 16, seed=0, seconds=[5.0] * 403, batch_seconds=80.0)
    assert [plan.steps_of(e) for e in range(3)] == [26] * 3
    assert sorted({len(s) for s in plan.epoch(0)}) == [3, 16]
    assert plan.padding(0) == 0


def test_how_far_a_run_is_where_epochs_have_different_numbers_of_steps():
    plan = StepPlan(40, 4, seed=0, seconds=lengths(40), batch_seconds=14.0)
    counts = [plan.steps_of(e) for e in range(6)]
    assert len(set(counts)) > 1
    done = 0
    for epoch, count in enumerate(counts):
        assert plan.epoch_of(done) == epoch
        assert plan.epoch_of(done + 1) == pytest.approx(epoch + 1 / count)
        done += count
    assert plan.epoch_of(done) == 6
    by_number = StepPlan(10, 4, seed=0)
    assert [by_number.epoch_of(s) for s in (0, 1, 3, 4)] == [0, 1 / 3, 1, 4 / 3]
    assert by_number.total(5) == 15


def test_a_balanced_sampler_in_steps_of_seconds():
    weights = np.array([1 / 90] * 90 + [1 / 10] * 10)
    seconds = lengths(100)
    plan = StepPlan(100, 10, seed=0, weights=weights, seconds=seconds, batch_seconds=30.0)
    alike = StepPlan(100, 10, seed=0, weights=weights)
    drawn = [sorted((d.index, d.repeat) for s in p.epoch(1) for d in s) for p in (plan, alike)]
    assert drawn[0] == drawn[1], "the same clips are drawn, with the same addresses"
    assert max(len(s) * max(seconds[d.index] for d in s) for s in plan.epoch(1)) <= 30 + 1e-6


def test_processes_have_pieces_of_like_padding():
    seconds = lengths(300)
    plan = StepPlan(300, 4, seed=0, seconds=seconds, batch_seconds=80.0)
    computed = np.zeros(2)
    for step in plan.epoch(0):
        for rank in range(2):
            for piece in pieces(step, rank, 2, 2):
                computed[rank] += len(piece) * max((seconds[d.index] for d in piece), default=0)
    assert abs(computed[0] - computed[1]) < 0.1 * computed.sum()
    assert plan.padding(0, 2, 2) == pytest.approx(1 - seconds.sum() / computed.sum())
    with pytest.raises(ValueError, match="need the seconds"):
        StepPlan(3, 4, 0, batch_seconds=8.0)
