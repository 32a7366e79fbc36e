"""Several machines at one study through a database; two folders stand for two machines, SQLite for the server."""

from __future__ import annotations

import shutil
import time

import makers
import pytest
from test_ledger import how, ledger

import audioft
from audioft.errors import AudioftError, UsageError
from audioft.tasks.search import lease, study
from audioft.tasks.search.ledger import StorageGone

QUICK = {**makers.QUICK, "train.batch_size": 8}
SPACE = {"train.lr": {"log": [1e-4, 1e-2]}}
QUIET = audioft.Console(quiet=True)


@pytest.fixture
def machines(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    return ledger(tmp_path / "a", url), ledger(tmp_path / "b", url)


@pytest.fixture(scope="module")
def search(small_encoder, tmp_path_factory):
    data = makers.tones(tmp_path_factory.mktemp("search") / "tones", each=8)

    def call(out, **given):
        how = {"trials": 3, "folds": 2, "seeds": 1, "space": SPACE, "overrides": QUICK, "console": QUIET}
        return audioft.search(data, out=out, encoder=str(small_encoder), **{**how, **given})

    return call


def test_a_trial_of_another_machine_is_its_own_as_long_as_it_shows_signs_of_life(machines, monkeypatch):
    first, second = machines
    taken = first.take(how().settings, 3, 2)
    lease.let_go(taken.entry.id)  # as where its lock cannot be seen
    assert second.take(how().settings, 3, 2).entry.number == 1
    monkeypatch.setattr(lease, "STALE", 0.3)
    time.sleep(0.4)
    again = second.take(how().settings, 3, 2)
    assert (again.entry.number, again.entry.settings) == (0, {})
    second.end(again, "complete", [1.0])
    first.end(taken, "complete", [2.0])  # which comes too late
    assert [(e.number, e.values) for e in first.entries() if e.ended] == [(0, (1.0,))]


def test_signs_of_life_are_seen_by_the_other_machine(machines, monkeypatch):
    first, second = machines
    monkeypatch.setattr(lease, "BEAT", 0.05)
    monkeypatch.setattr(lease, "STALE", 0.5)
    taken = first.take(how().settings, 3, 2)
    lease.let_go(taken.entry.id)
    with first.alive(taken):
        time.sleep(0.8)
        assert second.take(how().settings, 3, 2).entry.number == 1


def test_a_storage_that_is_gone_is_no_failure_of_the_trial(machines, monkeypatch, tmp_path):
    first, _ = machines

    def gone(*args, **given):
        raise StorageGone("the database is gone")

    class Pruning:
        def judge(self, *given):
            return lambda *more: False

    taken = first.take(how().settings, 3, 2)
    monkeypatch.setattr(study.trial, "run", gone)
    work = study.Study(tmp_path, None, None, how(), Pruning(), first, study.Around([0, 1], None, ""), 3)
    monkeypatch.setattr(study.Study, "config", lambda *given: None)
    with pytest.raises(AudioftError, match="is gone"):
        study.do(work, taken, QUIET)
    assert [e.state for e in first.entries()] == ["running"]


def test_whoever_concludes_has_what_trials_of_other_machines_said(search, tmp_path):
    how = {"storage": f"sqlite:///{tmp_path}/study.db", "take": "best"}
    done = search(tmp_path / "a" / "study", **how)
    other = search(tmp_path / "b" / "study", **how)
    assert [e.about["holder"] for e in other.trials] == [e.about["holder"] for e in done.trials]
    assert done.gain is not None
    assert other.gain == done.gain
    files = {str(p.relative_to(done.folder)) for p in done.folder.glob("trials/*/*.npz")}
    assert {str(p.relative_to(other.folder)) for p in other.folder.glob("trials/*/*.npz")} == files
    assert all((other.folder / f).read_bytes() == (done.folder / f).read_bytes() for f in files)


def test_machines_that_began_otherwise_do_not_work_on_one_study(search, tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    search(tmp_path / "a" / "study", storage=url, trials=1)
    with pytest.raises(UsageError, match="began with other space;"):
        search(tmp_path / "b" / "study", storage=url, space={"train.lr": {"log": [1e-5, 1e-2]}})
    with pytest.raises(UsageError, match="began with other data, settings, options;"):
        search(tmp_path / "b" / "study", storage=url, overrides={**QUICK, "seed": 3, "data.test": 0.2})
    assert not (tmp_path / "b").exists()
    again = search(
        tmp_path / "a" / "study", storage=url, trials=2, space={"train.epochs": {"int": [1, 2]}}, overwrite=True
    )
    assert [set(e.settings) for e in again.trials] == [set(), {"train.epochs"}]
    shutil.copytree(tmp_path / "a" / "study", tmp_path / "c" / "study")
    assert len(audioft.search(out=tmp_path / "c" / "study", resume=True, trials=3, seeds=1, console=QUIET).trials) == 3
