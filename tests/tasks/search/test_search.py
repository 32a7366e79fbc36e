"""`audioft search` on tiny tones, from the call to the model."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import makers
import pytest
import yaml
from pages import shown
from small_search import QUICK, QUIET, SPACE

import audioft
from audioft.errors import AudioftError, CheckpointError, DataError, UsageError
from audioft.tasks.search import storage, trial


@pytest.fixture(scope="module")
def heard():
    """What the trials of the search that tests share have heard."""
    return set()


@pytest.fixture(scope="module")
def found(search, heard, tmp_path_factory):
    """A search that tests share; whoever changes it takes a copy."""
    plain = trial._fold

    def fold(config, data, *more):
        heard.update(c.key for side in ("train", "valid", "test") for c in data.clips(side))
        return plain(config, data, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "_fold", fold)
        return search(tmp_path_factory.mktemp("study") / "study", seeds=2, take="best")


def settings(found):
    return [e.settings for e in found.trials]


def test_a_search_ends_with_a_model_that_was_tested_once(found):
    out = found.folder
    assert [e.state for e in found.trials] == ["complete"] * 4
    assert found.trials[0].settings == {}
    assert found.chosen == found.best
    assert found.run.report.side == "test"
    config = yaml.safe_load((out / "best.yaml").read_text())
    assert config["train"]["lr"] == found.settings.get("train.lr", config["train"]["lr"])
    assert found.run.config.model_dump() == config
    with open(out / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(r["trial"]) for r in rows] == [0, 1, 2, 3]
    assert all(float(r["refined_loss"]) > 0 for r in rows)
    told = json.loads((out / "search.json").read_text())
    assert told["chosen"] == found.chosen.number
    assert {len(v) for v in told["spread"].values()} == {2}
    page = (out / "search.html").read_text()
    assert "How it went" in page
    assert f"trial-{found.best.number}" in page
    assert str(found).splitlines()[-1].startswith("Taken: ")


def test_a_notebook_shows_what_came_of_it(found):
    page = shown(found)
    assert found.why in page.text
    assert len(page.all("table")) == 1
    assert f"<Search in {found.folder}: 4 trials, best refined_loss" in repr(found)
    unfinished = replace(found, trials=(), gain=None, spread={}, chosen=None, run=None)
    assert "none ended" in repr(unfinished)
    shown(unfinished)


def test_the_test_side_is_heard_by_no_trial(found, heard):
    with open(found.run.folder / "predictions.csv", newline="") as file:
        tested = {c["path"] for c in csv.DictReader(file)}
    assert tested
    assert len(heard) + len(tested) == 16
    assert not {p for p in tested if any(p.endswith(k) or k.endswith(p) for k in heard)}


def test_a_config_gives_the_same_run_again(found, tmp_path):
    again = audioft.finetune(config=found.folder / "best.yaml", out=tmp_path / "again", console=QUIET)
    assert (again.model / "model.safetensors").read_bytes() == (found.run.model / "model.safetensors").read_bytes()


def test_a_study_that_was_moved_goes_on_and_takes_more_trials(found, search, tmp_path):
    shutil.copytree(found.folder, tmp_path / "moved")
    more = audioft.search(out=tmp_path / "moved", trials=6, seeds=1, resume=True, console=QUIET)
    assert settings(more)[:4] == settings(found)
    assert len(more.trials) == 6
    assert settings(search(tmp_path / "other", trials=6)) == settings(more), "the same trials as in one go"


def test_a_killed_search_goes_on_with_the_trial_it_was_at(found, data, small_encoder, tmp_path):
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(SPACE))
    given = [f"{k}={str(v).lower()}" for k, v in QUICK.items()]
    command = [sys.executable, "-m", "audioft", "search", data, "--out", tmp_path / "study", "--encoder", small_encoder]
    command += ["--space", tmp_path / "space.yaml", "--trials", "4", "--folds", "2", "--seeds", "1", *given]
    process = subprocess.Popen(list(map(str, command)), env=os.environ, stderr=subprocess.PIPE)
    for _ in range(600):
        if (tmp_path / "study" / "trials" / "0001" / "fold-0.json").is_file():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {p: p.stat().st_mtime_ns for p in (tmp_path / "study").glob("trials/*/fold-*.json")}
    assert done
    again = audioft.search(out=tmp_path / "study", trials=4, seeds=1, resume=True, console=QUIET)
    assert {p: p.stat().st_mtime_ns for p in done} == done, "what was done is not done again"
    assert settings(again) == settings(found)
    assert [e.about.get("error") for e in again.trials] == [None] * 4
    assert [e.values for e in again.trials] == [e.values for e in found.trials]


def test_a_fold_that_was_killed_as_it_began_begins_again(search, tmp_path):
    half = tmp_path / "study" / "trials" / "0000" / "fold-1"
    half.mkdir(parents=True)
    (half / ".config.yaml.tmp").write_text("model:")
    assert [e.state for e in search(tmp_path / "study", trials=1).trials] == ["complete"]


def test_each_clip_passes_a_frozen_encoder_once(search, tmp_path, monkeypatch):
    from audioft.assembly.fitting import frozen_cache, frozen_states

    monkeypatch.setattr(frozen_cache, "usual", lambda: tmp_path / "states")
    passed = []
    plain = frozen_states.Cache._keep

    def keep(self, cut, name, *more):
        passed.append(name)
        return plain(self, cut, name, *more)

    monkeypatch.setattr(frozen_states.Cache, "_keep", keep)
    heads = {"train.head_lr": {"log": [1e-4, 1e-2]}, "train.weight_decay": {"log": [1e-3, 0.3]}}
    found = search(tmp_path / "study", trials=6, folds=3, space=heads, overrides={**QUICK, "freeze": "all"})
    assert [e.state for e in found.trials] == ["complete"] * 6
    assert len(passed) == len(set(passed))
    assert len(set(passed)) <= 16, "one of each clip, whichever side it is on"


def test_where_nothing_is_better_the_search_says_so(search, tmp_path):
    found = search(tmp_path / "study", trials=2)
    if found.gain is not None and not found.gain.beyond_chance:
        assert found.chosen.number == 0
        assert "beyond chance" in str(found) or "No trial is better" in str(found)


def test_several_objectives_have_a_front(search, tmp_path):
    found = search(tmp_path / "study", trials=3, objectives=["size", "score"])
    assert [len(e.values) for e in found.trials] == [2, 2, 2]
    assert found.front
    assert "None is better in all of score, size" in str(found)


def test_one_validation_side_and_epochs(search, tmp_path):
    found = search(tmp_path / "study", trials=2, folds=1, metric="accuracy", overrides={**QUICK, "train.epochs": 2})
    assert all(0 <= e.values[0] <= 1 for e in found.trials)
    assert all(e.steps for e in found.trials)
    assert found.objectives.higher


def test_no_time_for_a_trial_is_said_and_ends_with_a_model(search, tmp_path):
    found = search(tmp_path / "study", minutes=0.001)
    assert "No trial ended in time" in str(found)
    assert found.run.config.freeze == "all"
    assert found.run.report.side == "test"


def test_when_all_trials_fail_the_first_reason_is_told_once(search, tmp_path, monkeypatch):
    def fails(*args):
        raise AudioftError("the weights are of another planet")

    monkeypatch.setattr(trial, "_fold", fails)
    with pytest.raises(AudioftError) as e:
        search(tmp_path / "study", trials=9)
    assert str(e.value).count("another planet") == 1
    assert "so did" in str(e.value)


def test_a_trial_that_fails_is_told_and_the_others_count(search, tmp_path, monkeypatch):
    plain = trial._fold

    def fold(config, *more):
        if config.train.batch_size == 4:
            raise AudioftError("four is too few")
        return plain(config, *more)

    monkeypatch.setattr(trial, "_fold", fold)
    found = search(tmp_path / "study", trials=6)
    failed = [e for e in found.trials if e.state == "failed"]
    assert failed
    assert "four is too few" in str(found)
    assert found.run.report.side == "test"


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"metric": "acuracy"}, UsageError, "acuracy"),
        ({"metric": "f1_micro_"}, UsageError, "unknown metric"),
        ({"objectives": ["speed"]}, UsageError, "'speed' is unknown"),
        ({"objectives": ["time"]}, UsageError, "score among them"),
        ({"pruner": "median"}, UsageError, "--pruner median compares epochs"),
        ({"folds": 40}, DataError, "folds"),
        ({"overrides": {**QUICK, "train.budget": "5m"}}, UsageError, "--minutes"),
        ({"space": {"train.lr": {"log": [1, 2, 3]}}}, UsageError, "train.lr"),
        ({"space": "nowhere.yaml"}, UsageError, "nowhere.yaml"),
        ({"trials": 0}, UsageError, "above 0"),
        ({"folds": 1, "overrides": {**QUICK, "data.valid": None}}, DataError, "no validation side"),
        ({"storage": "nonsense"}, AudioftError, "--storage nonsense"),
    ],
)
def test_what_cannot_be_searched_is_told_and_leaves_nothing(search, tmp_path, given, kind, said):
    with pytest.raises(kind) as e:
        search(tmp_path / "study", **given)
    assert said in str(e.value)
    assert not (tmp_path / "study").exists()


def test_a_study_is_not_mixed_with_another(found, search, data, tmp_path):
    study = found.folder
    with pytest.raises(UsageError, match="already holds a study"):
        search(study, trials=1)
    with pytest.raises(UsageError, match="no study to go on with"):
        audioft.search(out=tmp_path / "none", resume=True, console=QUIET)
    with pytest.raises(CheckpointError, match="metric: was"):
        audioft.search(out=study, resume=True, metric="accuracy", console=QUIET)
    with pytest.raises(UsageError, match="other settings"):
        audioft.search(out=study, resume=True, overrides={"train.epochs": 7}, console=QUIET)
    makers.tone(data / "high" / "high_99.wav", 2400.0, seed=99)
    try:
        with pytest.raises(CheckpointError, match="others than it began with"):
            audioft.search(out=study, resume=True, console=QUIET)
    finally:
        (data / "high" / "high_99.wav").unlink()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no study"):
        search(tmp_path / "mine", trials=1)
    shutil.copytree(study, tmp_path / "again")
    assert len(search(tmp_path / "again", trials=1, overwrite=True).trials) == 1


def test_the_command_shows_its_space_and_refuses_without_a_folder(audioft_command, refused, data):
    code, out, _ = audioft_command("search", "--show-space")
    assert code == 0
    assert set(yaml.safe_load(out)) >= {"freeze", "train.lr"}
    refused("search", data, code=2, said=("--out STUDY",))


def test_a_study_in_a_database_is_found_again(search, tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    first = search(tmp_path / "study", trials=2, storage=url)
    more = audioft.search(out=tmp_path / "study", trials=3, seeds=1, resume=True, console=QUIET)
    assert settings(more)[:2] == settings(first)
    assert not (tmp_path / "study" / "journal.log").exists()
    with pytest.raises(UsageError, match="is kept in sqlite"):
        audioft.search(out=tmp_path / "study", resume=True, storage="sqlite:///other.db", console=QUIET)
    assert storage.shown("postgresql://me:secret@host/x") == "postgresql://me@host/x"
    with pytest.raises(UsageError, match="give --storage with its password"):
        storage.going_on(tmp_path, "postgresql://me@host/x", None)


@pytest.mark.slow
def test_two_processes_do_the_same_trials(search, tmp_path):
    how = {"trials": 6, "overrides": {**QUICK, "train.epochs": 40}}  # long enough for the other one to come up
    alone, both = search(tmp_path / "a", **how), search(tmp_path / "b", jobs=2, **how)
    assert settings(both) == settings(alone)
    assert [e.number for e in both.trials] == list(range(6))
    assert len({e.about["holder"] for e in both.trials}) == 2
