"""Each checkpoint has the weights that were the best up to it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from audioft.errors import CheckpointError
from audioft.training.checkpoint import Checkpoints
from audioft.training.state import State


def weights(value):
    model = nn.Linear(3, 2)
    for p in model.parameters():
        nn.init.constant_(p, float(value))
    return model


def after_epoch(kept, epoch, best=None):
    """What a trainer saves after an epoch whose weights are its number; `best` is the one so far, itself if None."""
    model = weights(epoch)
    if best is None:
        kept.save_best(model, {"epoch": epoch})
    optimizer = torch.optim.SGD(model.parameters())
    kept.save(model, optimizer, State(step=10 * epoch, epoch=epoch, best_epoch=best or epoch))


def gone_on_from(kept):
    """The epoch of the checkpoint that is gone on from, and of the best weights beside it."""
    model, best = weights(0), weights(0)
    state, _ = kept.load_last(model, torch.optim.SGD(model.parameters()))
    about = kept.load_best(best, state.best_epoch)
    assert torch.equal(best.weight, weights(about["epoch"]).weight)
    assert torch.equal(model.weight, weights(state.epoch).weight)
    return state.epoch, about["epoch"]


def names(kept):
    return sorted(p.name for p in kept.folder.glob("best-*"))


@pytest.fixture
def kept(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", "the run", keep=2)


def test_better_weights_without_a_checkpoint_are_not_taken_for_those_of_the_one_before(kept):
    after_epoch(kept, 1)
    kept.save_best(weights(2), {"epoch": 2})  # and killed before the checkpoint
    assert gone_on_from(kept) == (1, 1)
    after_epoch(kept, 2, best=1)  # computed otherwise, as on a GPU, it is no better now
    assert gone_on_from(kept) == (2, 1)
    assert names(kept) == ["best-000001"]


def test_only_those_of_checkpoints_are_kept(kept):
    for epoch in (1, 2, 3):
        after_epoch(kept, epoch)
    assert names(kept) == ["best-000002", "best-000003"]
    after_epoch(kept, 4, best=3)
    assert names(kept) == ["best-000003"]
    for epoch in (5, 6):  # no checkpoint yet: it would not have paid
        kept.save_best(weights(epoch), {"epoch": epoch})
    assert names(kept) == ["best-000003", "best-000006"]
    assert gone_on_from(kept) == (4, 3)


def test_damaged_ones_cost_the_epochs_since_the_checkpoint_before(kept):
    after_epoch(kept, 1)
    after_epoch(kept, 2)
    file = kept.folder / "best-000002" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    _, lost = kept.load_last(model := weights(0), torch.optim.SGD(model.parameters()))
    assert str(file) in lost[0]
    assert "going back to the checkpoint before step-00000020" in lost[0]
    assert gone_on_from(kept) == (1, 1)
    with pytest.raises(CheckpointError, match="the best weights of the run are lost"):
        kept.load_best(weights(0), 2)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"best_epoch": "two"}', '{"best_epoch": null}'])
def test_a_damaged_checkpoint_is_no_reason_to_keep_any(kept, content):
    after_epoch(kept, 1)
    after_epoch(kept, 2)
    (kept.folder / "step-00000020" / "state.json").write_text(content)
    kept.save_best(weights(3), {"epoch": 3})
    assert names(kept) == ["best-000001", "best-000003"]
    assert gone_on_from(kept) == (1, 1)
