"""A work that is broken off has its best model there, and goes on to the one it would have come to."""

from __future__ import annotations

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
import small_auto

import audioft
from audioft.errors import AudioftError
from audioft.inference.predictor import Predictor
from audioft.tasks.auto import joint_choice, look
from audioft.tasks.auto.auto_run import STEPS

#: What each step calls, of which it is broken off here.
INSIDE = {
    "data": (look, "load"),
    "first": (audioft, "finetune"),
    "encoder": (audioft, "compare_encoders"),
    "curve": (audioft, "learning_curve"),
    "settings": (audioft, "finetune"),  # when the trials are done, and the model of the best is made
    "joint": (audioft, "ensemble"),
    "measured": (audioft, "report"),
}


def pays(patch: pytest.MonkeyPatch) -> None:
    """Have two trials be better together than one."""
    plain = joint_choice.choose

    def choose(said, single, *rest):
        other = next(n for n in sorted(said) if n != single)
        return replace(plain(said, single, *rest), members=(single, other), low=0.01, right=0.0)

    patch.setattr(joint_choice, "choose", choose)


@pytest.fixture(scope="module")
def unbroken(auto, recordings, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        small_auto.make(patch)
        pays(patch)
        return auto(recordings, tmp_path_factory.mktemp("auto") / "unbroken")


def weights(found) -> dict[str, bytes]:
    return {k: v for k, v in makers.files(found.model).items() if k.endswith(".safetensors")}


def told(found, *but: str) -> dict[str, list]:
    return {n: [*s.said, *s.lost, *s.calls] for n, s in found.steps.items() if n not in but}


def stop(*given, **more):
    raise KeyboardInterrupt


def times(folder) -> dict[str, int]:
    own = ("auto.html", "auto.json", "auto.log")
    return {str(p): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file() and p.name not in own}


def as_of(found, folder, last: str):
    """A copy of a work as it was when a step had ended."""
    shutil.copytree(found.folder, folder)
    names = list(STEPS)
    held = json.loads((folder / "auto.json").read_text())
    held["steps"] = {n: held["steps"][n] for n in names[: names.index(last) + 1]}
    held["spent"] = 1.0
    (folder / "auto.json").write_text(json.dumps(held))
    for name in ("search", "members", "joined", "report"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return folder


def test_ctrl_c_in_each_step_and_on_to_the_same_model(auto, recordings, unbroken, tmp_path, monkeypatch):
    pays(monkeypatch)
    out, begun = tmp_path / "my model", False
    for name, (where, function) in INSIDE.items():
        with monkeypatch.context() as patch:
            patch.setattr(where, function, stop)
            with pytest.raises(KeyboardInterrupt) as e:
                auto(recordings, out, resume=True) if begun else auto(recordings, out)
        notes = "; ".join(getattr(e.value, "__notes__", []))
        if name == "data":
            assert not out.exists()
            continue
        begun = True
        assert f"`audioft auto --out '{out}' --resume` goes on" in notes
        held = json.loads((out / "auto.json").read_text())
        assert list(held["steps"]) == list(STEPS)[: list(STEPS).index(name)]
        if name != "first":
            assert "is the best model so far (" in notes
            (one,) = Predictor(out / "model").predict(sorted(recordings.rglob("*.wav"))[:1])
            assert set(one.scores) == {"high", "low"}
    members = times(out / "members")
    assert any(p.endswith("model.safetensors") for p in members)
    found = auto(None, out, resume=True)
    assert times(out / "members") == members
    assert found.best == unbroken.best
    assert found.best.name == "2 models joined"
    assert weights(found) == weights(unbroken)


def test_finished_steps_are_not_done_again(whole, auto, tmp_path, monkeypatch):
    out = as_of(whole, tmp_path / "copy", "encoder")
    for name in ("compare_encoders", "finetune"):
        monkeypatch.setattr(audioft, name, stop)
    for name in ("curve", "settings", "joint", "measured"):
        monkeypatch.setitem(STEPS, name, (name, lambda work: whole.steps["data"]))
    found = auto(None, out, resume=True)
    assert found.steps["encoder"] == whole.steps["encoder"]


def test_a_step_that_fails_is_told_and_tried_again(whole, auto, audioft_command, tmp_path, monkeypatch):
    out = as_of(whole, tmp_path / "copy", "curve")

    def fails(*given, **more):
        raise AudioftError("the disk of trials is full")

    with monkeypatch.context() as patch:
        patch.setattr(audioft, "search", fails)
        code, said, told = audioft_command("auto", "--out", out, "--resume")
    assert code == 1
    assert told.count("failed: the disk of trials is full") == 1
    assert said.splitlines()[-1] == str(out / "model")
    held = json.loads((out / "auto.json").read_text())
    assert list(held["steps"]) == list(STEPS)
    assert "failed: the disk of trials is full" in (out / "auto.html").read_text()
    found = auto(None, out, resume=True)
    assert not found.failed
    assert found.best.name == whole.best.name
    assert found.steps["measured"].found["of"] == str(found.best), "what was chosen later is measured, too"
    assert weights(found) == weights(whole)


def test_more_minutes_search_on_and_end_no_worse(unbroken, auto, monkeypatch, tmp_path):
    from audioft.tasks.auto import settings_search

    before, seconds = times(unbroken.folder), unbroken.seconds
    same = auto(None, unbroken.folder, resume=True)
    assert times(unbroken.folder) == before
    assert same.best == unbroken.best
    assert told(same) == told(unbroken)
    assert same.seconds < seconds + 2
    monkeypatch.setattr(settings_search, "TRIALS", 1)  # one more than there were
    more = auto(None, unbroken.folder, resume=True, minutes=3)
    assert "4 trials" in more.steps["settings"].said[0]
    assert not more.failed
    assert more.best.value >= unbroken.best.value
    assert more.best.name == "2 models joined", "what was better together is not left for one as good"
    assert Predictor(more.model).labels == ("high", "low")


def test_too_little_more_time_leaves_all_as_it_was(whole, auto, tmp_path):
    out = shutil.copytree(whole.folder, tmp_path / "copy")
    held = json.loads((out / "auto.json").read_text())
    held["spent"] = 120.0
    (out / "auto.json").write_text(json.dumps(held))
    found = auto(None, out, resume=True, minutes=2.01)
    assert told(found, "measured") == told(whole, "measured")
    assert found.best == whole.best


def test_what_was_left_out_is_done_with_more_time(whole, auto, tmp_path, monkeypatch):
    out = as_of(whole, tmp_path / "copy", "encoder")
    held = json.loads((out / "auto.json").read_text())
    held["spent"] = 119.0
    (out / "auto.json").write_text(json.dumps(held))
    short = auto(None, out, resume=True)
    assert [n for n, s in short.steps.items() if "left out" in s.said[0]] == ["curve", "settings"]
    monkeypatch.setitem(STEPS, "settings", ("the settings", lambda work: whole.steps["settings"]))
    longer = auto(None, out, resume=True, minutes=4)
    assert not [n for n, s in longer.steps.items() if "left out" in s.said[0]]
    assert longer.steps["curve"].found == whole.steps["curve"].found


def test_what_a_killed_call_worked_counts(whole, tmp_path):
    from audioft.tasks.auto import beginning

    out = as_of(whole, tmp_path / "copy", "encoder")
    now = (out / "auto.json").stat().st_mtime
    os.utime(out / "auto.log", (now + 50, now + 50))
    asked = beginning.Asked(None, None, None, None, ())
    work = beginning.work(asked, out, small_auto.QUIET, resume=True, overwrite=False)
    assert 51 <= work.spent < 56
    finished = shutil.copytree(whole.folder, tmp_path / "finished")
    os.utime(finished / "auto.log", (now + 50, now + 50))
    work = beginning.work(asked, finished, small_auto.QUIET, resume=True, overwrite=False)
    assert work.spent < whole.seconds + 5


@pytest.mark.slow
def test_a_killed_search_goes_on(recordings, small_encoder, auto, tmp_path, monkeypatch):
    monkeypatch.setattr(audioft, "search", audioft.search.func)  # as the killed process calls it
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "audioft", "auto", recordings, "--out", out, "--encoders", small_encoder]
    command += ["--minutes", "2"]
    process = subprocess.Popen(list(map(str, command)), env=os.environ, stderr=subprocess.DEVNULL)
    for _ in range(1200):
        if (out / "search" / "trials" / "0000" / "fold-0.json").is_file() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert Predictor(out / "model").labels == ("high", "low")
    done = {p: p.stat().st_mtime_ns for p in (out / "search").glob("trials/*/fold-*.json")}
    assert done
    found = auto(None, out, resume=True)
    assert not found.failed
    assert {p: p.stat().st_mtime_ns for p in done} == done
    assert list(found.steps) == list(STEPS)


def test_a_replaced_work_is_there_until_there_is_a_model(whole, auto, recordings, tmp_path, monkeypatch):
    out = shutil.copytree(whole.folder, tmp_path / "copy")
    (out / "notes.txt").write_text("mine")
    before = makers.files(out)
    for where, function in (INSIDE["data"], INSIDE["first"]):
        with monkeypatch.context() as patch:
            patch.setattr(where, function, stop)
            with pytest.raises(KeyboardInterrupt) as e:
                auto(recordings, out, overwrite=True)
        assert makers.files(out) == before
        assert "is there again" in "".join(e.value.__notes__)
