"""What a model has heard is asked by content and by group, kept with it, and told."""

from __future__ import annotations

import shutil

import pytest

import audioft
from audioft.core.storage import damaged
from audioft.errors import ModelError
from audioft.models import folder as folders
from audioft.models import heard
from audioft.models.heard import Heard, group_key

A, B, C, D = (letter * 64 for letter in "abcd")


def test_the_side_that_taught_most_counts():
    ada, bo = group_key("speaker", "Ada"), group_key("speaker", "Bo")
    one = Heard.of([(A, ada), (B, bo), (C, bo), (D, "")], ["test", "test", "valid", ""])
    assert [one.side(d, "") for d in (A, B, C, D)] == ["test", "test", "valid", ""]
    assert one.side("f" * 64, bo) == "valid"
    assert one.side(D, "") == ""
    later = Heard.of([(A, "")], ["train"])
    for both in (one | later, later | one):
        assert both.side(A, "") == "train"
        assert both.side(D, ada) == "test"


def test_names_of_groups_are_not_kept_and_mean_their_column(tmp_path):
    Heard.of([(A, group_key("speaker", "Ada Lovelace"))], ["train"]).write(tmp_path / "heard.csv")
    assert "Ada" not in (tmp_path / "heard.csv").read_text()
    assert group_key("speaker", "1") != group_key("place", "1")
    assert group_key("recording", "1.wav") == group_key("speaker", "") == ""


def test_each_way_of_having_heard_a_clip_is_told_once():
    ada, bo = group_key("speaker", "Ada"), group_key("speaker", "Bo")
    own = Heard.of([(A, ada), (B, bo)], ["train", "valid"]) | Heard.unlabelled([A, C, ""])
    clips = [(A, ada), (A, ada), (B, bo), (C, ""), (D, ada), (D, "")]
    assert own.told(clips, "test clips", "old") == [
        "2 of 6 test clips were trained on by old: the figures are too good",
        "1 of 6 test clips was validated on by old, which chose its epoch or thresholds: the figures may be too good",
        "1 of 6 test clips was heard in the pretraining of old, without labels: the figures may be too good",
        "1 of 6 test clips is of groups that old was trained on: the figures may be too good",
    ]
    assert own.told([(D, "")], "test clips", "old") == []
    assert own.told([("", "")], "test clips", "old") == []


def test_a_table_is_read_as_it_was_written(tmp_path):
    own = Heard.of([(A, "0" * 16), (B, "")], ["train", "test"]) | Heard.unlabelled([B])
    own.write(tmp_path / heard.FILE)
    assert heard.read(tmp_path / heard.FILE) == own
    assert heard.of_folder(tmp_path) == own
    Heard().write(tmp_path / "none" / heard.FILE)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("text", ["", "kind,hash,side\nrecording,00,trained\n", "kind,hash,side\nx\n", "a,b\n", "\xff"])
def test_a_table_that_is_none_is_told(tmp_path, text):
    (tmp_path / heard.FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"heard\.csv is damaged .*copy it anew, or remove it"):
        heard.read(tmp_path / heard.FILE)


def test_a_run_leaves_it_in_its_model_among_what_is_checked(trained, tmp_path):
    own = heard.of_folder(trained.model)
    assert sorted(own.recordings.values()) == ["test"] * 2 + ["train"] * 8 + ["valid"] * 2
    shutil.copytree(trained.model, tmp_path / "model")
    (tmp_path / "model" / heard.FILE).write_text("kind,hash,side\n")
    assert "heard.csv is damaged" in damaged(tmp_path / "model")
    with pytest.raises(ModelError, match=r"heard\.csv is damaged"):
        folders.load(tmp_path / "model")


def test_an_older_run_is_asked_by_its_table_of_clips(trained, tmp_path):
    shutil.copytree(trained.folder, tmp_path / "run")
    (tmp_path / "run" / "model" / heard.FILE).unlink()
    assert heard.of_folder(tmp_path / "run" / "model") == heard.of_folder(trained.model)
    shutil.move(tmp_path / "run" / "model", tmp_path / "alone")
    assert heard.of_folder(tmp_path / "alone") is None
    assert "not known, as its folder has no heard.csv" in heard.unknown(str(tmp_path / "alone"), tmp_path / "alone")
    assert heard.unknown("somebody/published", tmp_path / "alone") is None


def test_evaluate_of_a_model_alone_tells_what_it_has_heard(trained, two_tones, tmp_path):
    shutil.copytree(trained.model, tmp_path / "model")
    told = audioft.evaluate(tmp_path / "model", two_tones, resamples=0, console=audioft.Console(quiet=True)).notes
    assert "8 of 12 recordings were trained on by this model: the figures are too good" in told
