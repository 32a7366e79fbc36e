"""What a run reads, across its epochs."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from small_training import ToneItems, make_trainer

from audioft.core.runtime import Processes
from audioft.data.batching import StepPlan
from audioft.training.feed import Feed, share

PLAN = StepPlan(11, 4, seed=0, seconds=np.linspace(1, 4, 11), batch_seconds=7.0)


class Fellow(Processes):
    def __init__(self, rank, count):
        self.rank, self.count = rank, count


def read(feed):
    found = []
    while True:
        try:
            found.append([b.indices for b in feed.step()[0]])
        except StopIteration:
            return found


@pytest.mark.parametrize("workers", [0, 2])
def test_the_epochs_follow_one_another(workers):
    expected = [[tuple(d.index for d in s)] for e in range(3) for s in PLAN.epoch(e)]
    assert read(Feed(ToneItems(11), PLAN, range(3), 0, Fellow(0, 1), workers=workers)) == expected
    resumed = read(Feed(ToneItems(11), PLAN, range(1, 3), 2, Fellow(0, 1), workers=workers))
    assert resumed == expected[PLAN.steps_of(0) + 2 :]


def test_a_process_without_clips_in_a_step_stays_in_step():
    steps = [s for e in range(2) for s in PLAN.epoch(e)]
    assert any(len(s) == 1 for s in steps)
    shares = [read(Feed(ToneItems(11), PLAN, range(2), 0, Fellow(r, 2), accumulate=2)) for r in range(2)]
    assert len(shares[0]) == len(shares[1]) == len(steps)
    assert [] in shares[1]
    for step, *mine in zip(steps, *shares, strict=True):
        assert sorted(d.index for d in step) == sorted(i for m in mine for piece in m for i in piece)


class Slow(ToneItems):
    def __getitem__(self, draw):
        time.sleep(0.02)
        return super().__getitem__(draw)


def test_the_share_of_waiting_is_what_was_waited(tmp_path):
    found = {}
    for kind in (ToneItems, Slow):
        trainer = make_trainer(tmp_path / kind.__name__, size=8, epochs=2)
        trainer.dataset = kind(8)
        trainer.fit()
        found[kind] = trainer.state
        assert trainer.waiting == share(trainer.state.waited, trainer.state.worked)
    assert found[Slow].waited >= 16 * 0.02
    assert found[Slow].waited - found[ToneItems].waited > 0.2
    assert found[Slow].worked > 0


def test_workers_change_no_bit_and_end_with_the_run(tmp_path):
    found = []
    for workers in (0, 2):
        trainer = make_trainer(tmp_path / str(workers), epochs=2, workers=workers)
        trainer.fit()
        found.append(torch.cat([p.detach().reshape(-1) for p in trainer.model.parameters()]))
        assert trainer._feed is None
    assert torch.equal(*found)
    assert not torch.multiprocessing.active_children()
