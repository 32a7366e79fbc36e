"""What is saved of a run: the newest whole one is gone on from, when it pays, never that of another run."""

import checks
import pytest
import torch
from small_training import make_trainer

from audioft.errors import CheckpointError
from audioft.training.checkpoint import Checkpoints, Saving


def test_checkpoints_restore_and_keep_only_the_last(tmp_path):
    trainer = make_trainer(tmp_path, epochs=4)
    trainer.fit()
    assert [p.name for p in trainer.checkpoints.written()] == ["step-00000009", "step-00000012"]
    other = make_trainer(tmp_path, epochs=4)
    assert other.resume() == []
    assert checks.hashes(other.model) == checks.hashes(trainer.model)
    assert other.state == trainer.state
    held = [trainer.optimizer.state[p] for p in trainer.model.parameters()]
    found = [other.optimizer.state[p] for p in other.model.parameters()]
    for a, b in zip(held, found, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    trainer = make_trainer(tmp_path)
    trainer.fit()
    first, last = trainer.checkpoints.written()
    for name in ("model.safetensors", "optimizer.safetensors", "state.json"):
        data = (last / name).read_bytes()
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 1
        for damaged in (bytes(flipped), data[:-1], b""):
            (last / name).write_bytes(damaged)
            other = make_trainer(tmp_path)
            (note,) = other.resume()
            assert str(last / name) in note
            assert other.state.step == 3
        (last / name).unlink()
        (note,) = make_trainer(tmp_path).resume()
        assert name in note
        (last / name).write_bytes(data)
    assert make_trainer(tmp_path).resume() == []
    for path in (first, last):
        (path / "state.json").write_text("{}")
    with pytest.raises(CheckpointError, match="damaged"):
        make_trainer(tmp_path).resume()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    make_trainer(tmp_path).fit()
    with pytest.raises(CheckpointError, match="another run"):
        make_trainer(tmp_path, identity="that").resume()
    with pytest.raises(CheckpointError, match="no checkpoint"):
        make_trainer(tmp_path / "nowhere").resume()


def test_a_dear_save_is_left_out_until_it_pays_and_nothing_is_lost(tmp_path, monkeypatch):
    assert Saving().pays(cost=1.9, since=0.0)
    assert not Saving().pays(cost=3.0, since=29.0)
    assert Saving().pays(cost=3.0, since=30.0)
    now, save = [0.0], Checkpoints.save

    def dear(self, *given):
        now[0] += 5
        return save(self, *given)

    monkeypatch.setattr(Checkpoints, "save", dear)
    monkeypatch.setattr("audioft.training.trainer.time.monotonic", lambda: now[0])

    def passing(epoch):
        now[0] += 20

    whole = make_trainer(tmp_path / "whole", size=4, epochs=5, begin_epoch=passing)
    whole.fit()
    assert [p.name for p in whole.checkpoints.written()] == ["step-00000001", "step-00000004"]
    assert whole.state.step == 5
    again = make_trainer(tmp_path / "whole", size=4, epochs=5)
    assert again.resume() == []
    assert again.fit().step == 5
    assert checks.hashes(again.model) == checks.hashes(whole.model)
