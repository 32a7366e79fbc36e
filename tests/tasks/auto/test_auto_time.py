"""`audioft auto` in little time, and with many recordings: there is a model early, and in any case."""

from __future__ import annotations

import json

import makers
import pytest

from audioft.assembly import recording_passes
from audioft.inference.predictor import Predictor
from audioft.tasks.auto import look


def test_three_seconds_still_end_with_a_model(auto, recordings, tmp_path):
    found = auto(recordings, tmp_path / "out", minutes=0.05)
    assert Predictor(found.model).labels == ("high", "low")
    assert [n for n, s in found.steps.items() if "left out" in s.said[0]] == ["curve", "settings"]
    assert found.steps["measured"].found["clips"] == 4
    assert found.seconds < 60


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(look, "MANY", 20)


def test_of_many_clips_the_first_model_is_there_before_all_are_checked(auto, recordings, tmp_path, many, monkeypatch):
    plain, out = recording_passes.check, tmp_path / "out"

    def check(clips, *more):
        if len(clips) == 24:  # not those of the first model
            assert Predictor(out / "model").labels == ("high", "low")
            raise KeyboardInterrupt
        return plain(clips, *more)

    monkeypatch.setattr(recording_passes, "check", check)
    with pytest.raises(KeyboardInterrupt) as e:
        auto(recordings, out)
    assert "is the best model so far (prototypes on" in "".join(e.value.__notes__)
    held = json.loads((out / "auto.json").read_text())
    assert list(held["steps"]) == ["first"]


def test_a_first_model_of_unchecked_clips_bears_bad_ones(auto, tmp_path, many, monkeypatch):
    from audioft.tasks.auto import auto_run

    data = makers.tones(tmp_path / "data", each=15)
    broken = sorted((data / "low").glob("*.wav"))[:2]
    for path in broken:
        path.write_bytes(path.read_bytes()[:44] + bytes(16000))  # silent, which no header tells
    for name in ("curve", "settings"):
        monkeypatch.setitem(auto_run.LEAST, name, 1e9)
    found = auto(data, tmp_path / "out", overrides={"data.max_bad": 0.07})
    assert not found.failed
    assert list(found.steps)[:2] == ["first", "data"]
    assert found.steps["data"].found["learnt"] + found.steps["data"].found["tested"] == 28
    assert (tmp_path / "out" / "bad_files.csv").read_text().count("silent") >= 2
