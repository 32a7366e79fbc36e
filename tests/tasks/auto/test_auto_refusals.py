"""What `audioft auto` refuses, with one message, and without touching what is there."""

from __future__ import annotations

import importlib.util
import shutil

import makers
import pytest

import audioft
from audioft.errors import CheckpointError

QUIET = audioft.Console(quiet=True)


@pytest.fixture
def nothing_there(tmp_path):
    yield tmp_path / "out"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--for", "moon"), ("--for moon: unknown; known are laptop, phone, server\n",)),
        (("--for", "phones"), ("did you mean 'phone'?",)),
        (("train.lr=0.1",), ("train.lr=0.1", "data, events, seed", "audioft search")),
        (("--minutes", "0"), ("minutes",)),
        (("--minutes", "-1"), ("minutes",)),
        (("--minutes", "nan"), ("minutes",)),
        (("--minutes", "inf"), ("minutes",)),
        (("--encoders", ""), ("no encoders given",)),
        (("--encoders", "mimi"), ("mimi", "mini")),
        (("--encoders", "mini,./gone"), ("./gone: no such folder",)),
        (("--resume",), ("there is nothing to go on with",)),
        (("--resume", "--overwrite"), ("give one of them",)),
        (("data.tset=0.1",), ("data.tset", "data.test")),
        (("other",), ("one folder or table, 2 given",)),
    ],
)
def test_a_wrong_call(audioft_command, two_tones, nothing_there, given, said):
    code, out, told = audioft_command("auto", two_tones, *given, "--out", nothing_there)
    assert code == 2, told
    assert out == ""
    assert "Traceback" not in told
    for part in said:
        assert part in told
    assert len([line for line in told.splitlines() if line.startswith("audioft")]) == 1


def test_no_data_or_none_that_is_there(refused, nothing_there, tmp_path):
    out = ("--out", nothing_there)
    refused("auto", *out, code=2, said=("no data given", "audioft auto DATA"))
    refused("auto", "--resume", code=2, said=("--resume needs the folder",))
    refused("auto", tmp_path / "gone", *out, code=2, said=("gone: no such file or folder",))


def test_data_that_cannot_be_used_leaves_nothing(refused, nothing_there, tmp_path):
    one = makers.tones(tmp_path / "one", each=3, labels=("low",))
    err = refused("auto", one, "--out", nothing_there, code=1, said=("one label 'low'",))
    assert err.count("one label 'low'") == 1


def test_when_no_encoder_can_be_used_the_reason_is_told(refused, two_tones, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    both, out = f"{tmp_path / 'a'},{tmp_path / 'b'}", tmp_path / "out"
    err = refused("auto", two_tones, "--encoders", both, "--out", out, code=1, said=("cannot be loaded",))
    assert "Traceback" not in err
    assert not out.exists(), "the next call is not in its way"


def test_one_encoder_that_fails_is_told_and_others_are_taken(auto, two_tones, small_encoder, tmp_path, monkeypatch):
    from audioft.tasks.auto import auto_run

    for name in ("curve", "settings", "joint"):
        monkeypatch.setitem(auto_run.LEAST, name, 1e9)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.json").write_text("{}")
    found = auto(two_tones, tmp_path / "out", encoders=[tmp_path / "a", small_encoder])
    assert not found.failed
    assert str(small_encoder) in found.best.name
    assert any(str(tmp_path / "a") in line for line in found.steps["encoder"].lost)
    assert "first" in found.steps


def test_optuna_is_asked_for(refused, two_tones, nothing_there, monkeypatch):
    plain = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "optuna" else plain(name))
    refused("auto", two_tones, "--out", nothing_there, code=2, said=('pip install "audioft[search]"',))


def test_places_that_hold_something_else(refused, two_tones, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused("auto", two_tones, "--out", tmp_path / "file", code=2, said=("is a file",))
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("mine")
    for more in ((), ("--overwrite",)):
        refused("auto", two_tones, "--out", tmp_path / "thesis", *more, code=2, said=("holds something else",))
    assert makers.files(tmp_path / "thesis") == {"thesis.txt": b"mine"}


def test_what_a_killed_call_left_is_not_in_the_way(auto, two_tones, tmp_path):
    from audioft.tasks.auto import beginning

    for name in ("auto.log", "bad_files.csv", "clips.csv", ".auto.json.partial"):
        (tmp_path / name).write_text("")
    (tmp_path / ".model.partial").mkdir()
    beginning.refuse(tmp_path, resume=False, overwrite=False)


@pytest.fixture(scope="module")
def copy(whole, tmp_path_factory):
    return shutil.copytree(whole.folder, tmp_path_factory.mktemp("auto") / "copy")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("samples/keywords",), ("data was", "leave it out")),
        (("--encoders", "mini"), ("encoders was",)),
        (("--for", "phone"), ("place was laptop, is phone",)),
        (("seed=3",), ("settings was",)),
    ],
)
def test_another_work_beside_resume(refused, copy, given, said):
    before = makers.files(copy)
    refused("auto", *given, "--out", copy, "--resume", code=2, said=("--resume goes on with what was asked for", *said))
    assert makers.files(copy) == before


def test_a_finished_work_is_not_begun_again(refused, copy, two_tones):
    before = makers.files(copy)
    refused("auto", two_tones, "--out", copy, code=2, said=("already holds a model", "--resume", "--overwrite"))
    assert makers.files(copy) == before


def test_a_damaged_or_foreign_state_is_told(whole, tmp_path):
    out = tmp_path / "copy"
    out.mkdir()
    for text, said in (("{", "auto.json"), ('{"version": 9}', "another audioft"), ('{"version": 1}', "is damaged")):
        (out / "auto.json").write_text(text)
        with pytest.raises(CheckpointError, match=said):
            audioft.auto(out=out, resume=True, console=QUIET)
    assert [p.name for p in out.iterdir()] == ["auto.json"]
