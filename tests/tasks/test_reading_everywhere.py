"""What a message names can be typed: every verb that reads labelled data takes the settings of how it is read."""

from __future__ import annotations

import dataclasses
import json
import re

import makers
import pytest

import audioft
from audioft.assembly import reading
from audioft.configuration.config import load
from audioft.errors import ConfigError, DataError, UsageError

QUIET = audioft.Console(quiet=True)
RAVEN = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\tConfidence\n"


@pytest.fixture
def elsewhere(tmp_path):
    """A table of recordings in two labels and a half, the recordings elsewhere; it calls its labels otherwise."""
    makers.tones(tmp_path / "audio", each=4)
    names = sorted(p.relative_to(tmp_path / "audio") for p in (tmp_path / "audio").rglob("*.wav"))
    rows = [f"{n},{n.parts[0]}" for n in names]
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "t.csv").write_text("\n".join(["file_name,species", *rows, ""]))
    return tmp_path


@pytest.fixture
def verbs(elsewhere, trained, small_encoder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(elsewhere / "cache"))
    out = elsewhere / "out"
    return {
        "train": ("train", "{}", "--dry-run"),
        "few-shot": ("train", "{}", "--few-shot", "--dry-run", "--encoder", small_encoder),
        "evaluate": ("evaluate", trained.folder, "{}"),
        "evaluate to a folder": ("evaluate", trained.folder, "{}", "--out", out),
        "render": ("render", "{}", "--out", out, "augment=[gain]"),
        "trials": ("trials", "{}", "--out", out, "--same", 4, "--different", 4),
        "learning-curve": (
            "learning-curve",
            "{}",
            "--encoder",
            small_encoder,
            "--shots",
            1,
            "--draws",
            2,
            "--no-cache",
        ),
        "probe": ("probe", "{}", "--encoders", small_encoder, "--no-cache"),
    }


VERBS = ["train", "few-shot", "evaluate", "evaluate to a folder", "render", "trials", "learning-curve"]
VERBS += [pytest.param("probe", marks=pytest.mark.slow)]


@pytest.mark.parametrize("verb", VERBS)
def test_words_that_a_message_names_are_taken(verb, verbs, elsewhere, audioft_command):
    """As somebody does who reads one message after the other."""
    call = [str(a).replace("{}", str(elsewhere / "meta" / "t.csv")) for a in verbs[verb]]
    words = []
    for expected in ("data.label=species", f"data.audio_root={elsewhere / 'audio'}"):
        code, _, err = audioft_command(*call, *words)
        assert code in (1, 2)
        assert expected in err
        words += re.findall(re.escape(expected), err)[:1]
    code, _, err = audioft_command(*call, *words)
    assert code == 0, err


def test_functions_take_them_as_overrides(elsewhere, trained, small_encoder):
    data, how = elsewhere / "meta" / "t.csv", {"data.audio_root": str(elsewhere / "audio"), "data.label": "species"}
    assert audioft.evaluate(trained, data, overrides=how, resamples=0, console=QUIET).clips == 8
    assert audioft.probe(small_encoder, data, overrides=[f"{k}={v}" for k, v in how.items()], seconds=0.2).clips == 8
    assert audioft.trials(data, elsewhere / "l.csv", overrides=how)[0] == 28
    copies = audioft.render(data, elsewhere / "copies", augment=["gain"], overrides=how, console=QUIET)
    assert len((copies / "metadata.csv").read_text().splitlines()) == 9
    with pytest.raises(DataError, match=r"data\.label=species"):
        audioft.evaluate(trained, data, console=QUIET)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"train.epochs": 3}, "train.epochs: a reason; taken are data.label, data.group, "),
        ({"data.valid": 0.2}, "data.valid: a reason"),
        ({"events.use": "frames"}, "events.use: a reason"),
        ({"data": {"na": "keep"}}, "data: a reason"),
    ],
)
def test_what_has_no_effect_is_refused(overrides, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        reading.of(overrides, "a reason")


def test_what_is_wrong_is_told_as_in_training():
    with pytest.raises(ConfigError, match=r"unknown key 'data\.audioroot': did you mean 'data\.audio_root'"):
        reading.of(["data.audioroot=x"], "a reason")
    with pytest.raises(ConfigError, match=r"data\.na: input should be 'empty' or 'keep'"):
        reading.of({"data.na": "kept"}, "a reason")


@pytest.mark.parametrize("given", [("x",), ("x", "data.na=keep"), ("epochs",)])
def test_what_is_left_over_is_refused(given, trained, two_tones, refused):
    refused("evaluate", trained, two_tones, *given, code=2, said=("evaluate takes one folder or table", given[0]))


@pytest.fixture
def night(tmp_path):
    for i in range(2):
        makers.tone(tmp_path / f"rec{i}.wav", makers.PITCHES["high"], seconds=2.0, seed=i)
        for program, score in (("a", 0.9), ("b", 0.2)):
            row = f"1\t0\t1\thigh\t{score}\n2\t1.5\t1.5\tlow\t{score}\n"
            (tmp_path / f"rec{i}.{program}.selections.txt").write_text(RAVEN + row)
    return tmp_path


def test_label_files_are_chosen_and_points_have_a_width(night, trained):
    def events(*overrides):
        found = audioft.evaluate(trained, night, overrides=overrides, resamples=0, console=QUIET)
        return {row["label"]: row["support"] for row in found.classes}

    with pytest.raises(DataError, match=r"data\.label_files"):
        events()
    chosen = "data.label_files=*.a.selections.txt"
    with pytest.raises(DataError, match=r"data\.min_score=0\.5"):
        events(chosen)
    assert events(chosen, "data.min_score=0.5", "events.point_width=0.2") == {"high": 2, "low": 2}
    with pytest.raises(DataError, match="in no class folder"):
        events("data.source_kind=classes")


class TestWhatLabelsMeanToAModel:
    @pytest.fixture
    def birdnet(self, tmp_path):
        folder = makers.tones(tmp_path / "b", labels=("high", "low"))
        (folder / "high").rename(folder / "high,low")
        makers.tone(folder / "noise" / "n.wav", 900)
        return folder

    @pytest.fixture
    def model(self, trained_several, tmp_path):
        """A model of several labels that were read as BirdNET's folders."""
        import shutil

        folder = shutil.copytree(trained_several.model, tmp_path / "model")
        about = json.loads((folder / "audioft.json").read_text())
        assert about["reading"] == {}
        about["reading"] = {"data.folders": "birdnet", "data.source_kind": "events"}
        (folder / "audioft.json").write_text(json.dumps(about))
        return folder

    def test_it_is_kept_by_a_run_where_it_is_not_as_by_default(self):
        assert reading.kept(load()) == {}
        told = ["data.na=keep", "data.folders=birdnet", "events.point_width=0.2", "data.audio_root=x", "train.lr=1"]
        kept = reading.kept(load(overrides=told))
        assert kept == {"data.na": "keep", "data.folders": "birdnet", "events.point_width": 0.2}

    def test_its_folder_says_so(self, two_tones, small_encoder, tmp_path):
        run = makers.train(two_tones, small_encoder, tmp_path / "run", data__na="keep")
        about = json.loads((run.model / "audioft.json").read_text())
        assert about["reading"] == {"data.na": "keep"}

    def test_it_holds_where_nothing_else_is_said(self, birdnet, model, audioft_command):
        code, out, err = audioft_command("evaluate", model, birdnet)
        assert code == 0, err
        assert "13 clips" in out
        said = "note: labels are read as those that the model learnt: data.folders=birdnet; another value that is given"
        assert said in err
        code, _, err = audioft_command("evaluate", model, birdnet, "data.folders=plain")
        assert code == 1
        assert "does not know: 'high,low'" in err
        assert said not in err

    def test_a_width_of_points_that_a_model_keeps_asks_for_no_times(self, two_tones):
        kept = reading.usual({"events.point_width": 0.2}, ())
        assert reading.of((), "why", usual=kept).in_time(two_tones, asked=False) is None
        with pytest.raises(DataError, match="no labels with times"):
            reading.of({"events.point_width": 0.2}, "why").in_time(two_tones, asked=False)


class TestProbesOfAPretraining:
    def plan(self, audioft_command, data, source, *words):
        return audioft_command("pretrain", data, "--from", "mini", "--probe", source, "--dry-run", *words)

    def test_messages_name_its_own_words(self, elsewhere, two_tones, audioft_command):
        table = elsewhere / "meta" / "t.csv"
        words = []
        for expected in ("probe.data.label=species", f"probe.data.audio_root={elsewhere / 'audio'}"):
            code, _, err = self.plan(audioft_command, two_tones, table, *words)
            assert code in (1, 2)
            assert expected in err
            words.append(expected)
        code, out, _ = self.plan(audioft_command, two_tones, table, *words)
        assert code == 0
        assert f"probe: {table}, 8 clips, 2 labels" in out

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("probe.data.nan=keep", "probe.data.nan: unknown; known are label, group, "),
            ("probe.data.na=kept", "probe.data.na: input should be 'empty' or 'keep'"),
        ],
    )
    def test_a_wrong_one_is_told(self, word, said, two_tones, audioft_command):
        code, _, err = self.plan(audioft_command, two_tones, two_tones, word)
        assert code == 2
        assert said in err


def test_every_choice_is_a_setting_that_is_taken():
    from audioft.data.reading.choices import Choices

    assert {f"data.{f.name}" for f in dataclasses.fields(Choices) if f.name != "assumed"} < set(reading.KEYS)
    assert set(reading.OF_A_MODEL) < set(reading.KEYS)
