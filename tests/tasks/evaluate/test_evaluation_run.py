"""A model held against recordings: which of them count, and what is refused before any is heard."""

from __future__ import annotations

import csv
import inspect
import re
import shutil

import makers
import pages
import pytest

import audioft
from audioft.cli import make_parser
from audioft.errors import DataError, UsageError
from audioft.evaluation.html import PLAYERS

QUIET = audioft.Console(quiet=True)


def test_sides_labels_and_places_that_cannot_be_are_refused(trained, two_tones, chords, tmp_path):
    with pytest.raises(UsageError, match="side 'dev': expected one of train, valid, test, all"):
        audioft.evaluate(trained, two_tones, side="dev", console=QUIET)
    with pytest.raises(DataError, match=r"no clip is on the side 'valid'; it gives no split\. Use --side all"):
        audioft.evaluate(without_heard(trained, tmp_path), two_tones, side="valid", console=QUIET)
    new = makers.tones(tmp_path / "new", each=1, seed=9)
    with pytest.raises(DataError, match=r"none of its 2 recordings was on it for this run\. Use --side all"):
        audioft.evaluate(trained, new, side="valid", console=QUIET)
    with pytest.raises(UsageError, match="holds a run"):
        audioft.evaluate(trained, two_tones, out=trained.folder, console=QUIET)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        audioft.evaluate(trained, two_tones, out=tmp_path / "file", console=QUIET)
    with pytest.raises(DataError, match="the model gives exactly one"):
        audioft.evaluate(trained, chords, side="all", console=QUIET)
    data = shutil.copytree(two_tones, tmp_path / "data")
    (data / "low").rename(data / "bark")
    with pytest.raises(DataError, match=r"1 label\(s\) .* does not know: 'bark' \(as of bark/low_00.wav\)\. It knows"):
        audioft.evaluate(trained, data, console=QUIET)


def without_heard(run, folder):
    model = shutil.copytree(run.model, folder / "copied")
    (model / "heard.csv").unlink()
    (model / "hashes.json").unlink()
    return model


def test_a_side_that_the_data_does_not_give_is_that_of_the_run(trained, two_tones, tmp_path, audioft_command):
    with open(trained.folder / "manifest.csv", newline="", encoding="utf-8") as file:
        tested = {row["path"] for row in csv.DictReader(file) if row["split"] == "test"}
    assert 0 < len(tested) < 12
    code, out, err = audioft_command("evaluate", trained.folder, two_tones, "--side", "test", "--out", tmp_path)
    assert (code, f"{len(tested)} of 12 recordings were on the test side of this run" in err) == (0, True)
    assert "too good" not in out
    assert {row["path"] for row in rows(tmp_path / "predictions.csv")} == tested
    card = audioft.robustness(trained, two_tones, side="test", kinds=["dc"], severities=[1], console=QUIET)
    assert card.clips == len(tested)
    _, out, err = audioft_command("evaluate", trained.folder, two_tones)
    assert "too good" in out
    assert "--side test takes these alone" in err


def test_what_cannot_be_read_is_left_out_counted_and_listed(trained, two_tones, tmp_path):
    data = shutil.copytree(two_tones, tmp_path / "data")
    (data / "low" / "low_00.wav").write_bytes(b"RIFF")
    report = audioft.evaluate(trained.model, data, out=tmp_path / "out", console=QUIET)
    assert report.clips == len(list(data.rglob("*.wav"))) - 1
    assert any(note.startswith("1 of 12 recordings could not be used") for note in report.notes)
    with open(tmp_path / "out" / "bad_files.csv", encoding="utf-8") as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["low/low_00.wav"]
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        *("report.json", "report.html", "predictions.csv", "bad_files.csv")
    }
    for path in data.rglob("*.wav"):
        path.write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"none of the 12 recordings can be used; the first, \w+/\w+\.wav: not audio"):
        audioft.evaluate(trained.model, data, console=QUIET)


def test_the_page_lists_what_was_wrong_and_holds_sound_as_far_as_asked(trained, tmp_path, audioft_command):
    """Labels of the wrong recordings: everything is a mistake."""
    data = makers.tones(tmp_path / "data", each=3, seed=5)
    (data / "low").rename(data / "x")
    (data / "high").rename(data / "low")
    (data / "x").rename(data / "high")
    (data / "low" / "broken.wav").write_bytes(b"RIFF")
    found = {}
    for players in ((), ("--players", 2), ("--players", 0)):
        out = tmp_path / f"out{len(found)}"
        code, _, err = audioft_command("evaluate", trained.folder, data, "--out", out, *players)
        assert code == 0, err
        page = (out / "report.html").read_text(encoding="utf-8")
        pages.check(page)
        assert "broken.wav" in page
        found[players] = page.count("<audio")
    wrong = sum(row["label"] != row["predicted"] for row in rows(tmp_path / "out0" / "predictions.csv"))
    assert wrong >= 3
    assert found == {(): wrong, ("--players", 2): 2, ("--players", 0): 0}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_number_of_players_that_cannot_be_is_refused(trained, two_tones, audioft_command):
    with pytest.raises(UsageError, match="players is -1"):
        audioft.evaluate(trained, two_tones, players=-1, console=QUIET)
    code, _, err = audioft_command("evaluate", trained.folder, two_tones, "--players", "-1")
    assert code == 2
    assert "--players: '-1' is not a whole number, 0 or more" in err


def test_the_page_of_a_run_marks_the_kept_epoch(trained_several):
    page = (trained_several.folder / "report.html").read_text(encoding="utf-8")
    pages.check(page)
    assert re.search(r"kept: epoch [12]\b", page)


def test_recordings_that_the_run_has_learnt_from_are_told(trained, two_tones, tmp_path):
    told = audioft.evaluate(trained, two_tones, resamples=0, console=QUIET).notes
    assert any("were trained on by this run: the figures are too good" in note for note in told)
    new = makers.tones(tmp_path / "new", each=2, seed=9)
    told = audioft.evaluate(trained, new, resamples=0, console=QUIET).notes
    assert not any("were trained on" in note for note in told)


def test_as_many_players_are_made_however_it_is_called():
    asked = inspect.signature(audioft.evaluate).parameters["players"].default
    options = make_parser()[1]["evaluate"].parse_args(["model", "data"])
    assert asked == options.players == audioft.Config().evaluate.players == PLAYERS
