"""Tidied labels in every verb that reads labelled data: the same words, the same labels."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import makers
import pytest

import audioft
from audioft.assembly import reading
from audioft.assembly.run_folder import identity
from audioft.assembly.starting_model import Start
from audioft.configuration import config as configs
from audioft.models.card import ModelCard
from audioft.tasks.predict.over_time import without_background

QUIET = audioft.Console(quiet=True)
WORDS = ("data.rename={tall: high}", "data.drop=[unsorted]", "data.exclude=low/low_03.wav")


@pytest.fixture
def untidy(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = makers.tones(tmp_path / "data", each=4)
    for name, seed in (("tall", 50), ("unsorted", 60)):
        for i in range(4):
            makers.tone(data / name / f"{i}.wav", makers.PITCHES["high"], seed=seed + i)
    return data


def calls(trained, encoder, out):
    return {
        "train": ("train", "{}", "--dry-run"),
        "evaluate": ("evaluate", trained.folder, "{}"),
        "render": ("render", "{}", "--out", out, "augment=[gain]"),
        "trials": ("trials", "{}", "--out", out, "--same", 4, "--different", 4),
        "learning-curve": ("learning-curve", "{}", "--encoder", encoder, "--shots", 1, "--draws", 2, "--no-cache"),
        "pretrain": ("pretrain", "{}", "--from", "mini", "--probe", "{}", "--dry-run"),
    }


VERBS = ["train", "evaluate", "render", "trials", "learning-curve", "pretrain"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_them(verb, untidy, trained, small_encoder, tmp_path, audioft_command):
    call = [str(a).replace("{}", str(untidy)) for a in calls(trained, small_encoder, tmp_path / "out")[verb]]
    words = [f"probe.{w}" for w in WORDS] if verb == "pretrain" else WORDS
    code, out, err = audioft_command(*call, *words)
    assert code == 0, err
    if verb != "pretrain":  # a dry run of it measures nothing
        assert "data.drop leaves out 4 clips of 'unsorted'" in out + err
        assert "1 recording is left out by data.exclude: low/low_03.wav" in out + err
    wrong = ["probe.data.drop=[unsortd]" if verb == "pretrain" else "data.drop=[unsortd]"]
    code, _, err = audioft_command(*call, *wrong, *(["--overwrite"] if verb in ("render", "trials") else []))
    assert code == 2
    assert f"{wrong[0].partition('=')[0]}: no label is called 'unsortd': did you mean 'unsorted'?" in err


@pytest.mark.slow
def test_probes_take_them(untidy, small_encoder, audioft_command):
    code, _, err = audioft_command("probe", untidy, "--encoders", small_encoder, "--no-cache", *WORDS)
    assert code == 0, err
    assert "data.drop leaves out 4 clips" in err
    found = audioft.probe(small_encoder, untidy, overrides=WORDS, seconds=0.2)
    assert found.clips == 11


def test_evaluate_renames_by_an_option_and_says_it_where_labels_are_strange(untidy, trained, audioft_command):
    call = ("evaluate", trained.folder, untidy)
    code, _, err = audioft_command(*call)
    assert code == 1
    assert "leave them out with data.drop=[tall,unsorted], or rename what the model calls otherwise" in err
    assert "--rename tall=LABEL (data.rename)" in err
    code, _, err = audioft_command(*call, "--rename", "tall=hihg")
    assert code == 1
    assert "'hihg' is what data.rename (--rename) makes of 'tall': rename 'tall' to one that it knows, or" in err
    code, _, err = audioft_command(*call, "--rename", "high=tall")
    assert "leave out the rename of 'high'" in err
    code, _, err = audioft_command(*call, "--rename", "tall=high", "--rename", "unsorted=lows")
    assert "--rename lows=low" not in err
    code, out, err = audioft_command(*call, "data.drop=[tall,unsorted,low]")
    assert code == 0, err
    assert "4 clips" in out
    code, out, err = audioft_command(*call, "--rename", "tall=high", "--rename", "unsorted=high")
    assert code == 0, err
    assert "16 clips" in out
    code, _, err = audioft_command(*call, "--rename", "tall")
    assert code == 2
    assert "'tall' is not OLD=NEW" in err
    made = audioft.evaluate(trained, untidy, rename={"tall": "high", "unsorted": "low"}, resamples=0, console=QUIET)
    assert made.clips == 16


def test_copies_have_the_labels_as_they_are_called(untidy, tmp_path):
    how = list(WORDS)
    copies = audioft.render(untidy, tmp_path / "copies", augment=["gain"], overrides=how, console=QUIET)
    with open(copies / "metadata.csv", newline="") as f:
        assert {row["label"] for row in csv.DictReader(f)} == {"high", "low"}
    rows = ["file_name,label", "low/low_00.wav,a", "tall/0.wav,b", "tall/1.wav,c"]
    (untidy / "metadata.csv").write_text("\n".join([*rows, ""]))
    for n, given in enumerate((["data.merge={x: [b, c]}"], ["data.label=folder:1"])):
        place = tmp_path / f"copies {n}"
        audioft.render(untidy, place, augment=["gain"], overrides=given, console=QUIET)
        with open(place / "metadata.csv", newline="") as f:
            found = {row["label"] for row in csv.DictReader(f)}
        assert found == ({"a", "x"} if n == 0 else {"low", "tall"})


class TestOfAModel:
    def test_it_keeps_them_and_names_that_are_not_there_are_no_mistake(
        self, untidy, two_tones, small_encoder, tmp_path
    ):
        run = makers.train(
            untidy, small_encoder, tmp_path / "run", data__rename={"tall": "high"}, data__drop=["unsorted"]
        )
        about = json.loads((run.model / "audioft.json").read_text())
        assert about["labels"] == ["high", "low"]
        assert about["reading"] == {"data.rename": {"tall": "high"}, "data.drop": ["unsorted"]}
        assert audioft.evaluate(run, untidy, side="all", resamples=0, console=QUIET).clips == 12
        assert audioft.evaluate(run, two_tones, resamples=0, console=QUIET).clips == 12
        more = audioft.evaluate(run, untidy, rename={"unsorted": "low"}, overrides=["data.drop=[tall]"], console=QUIET)
        assert more.clips == 12

    def test_negatives_are_its_background(self, untidy, small_encoder, tmp_path, audioft_command):
        run = makers.train(untidy, small_encoder, tmp_path / "run", data__negatives=["unsorted", "tall"])
        model = audioft.load_model(run)
        assert model.labels == ("background", "high", "low")
        assert (model.card.background, model.rules().skip) == ("background", ("background",))
        code, out, err = audioft_command(
            "predict", run.folder, untidy / "low", "--what", "segments", "--threshold", "0.01"
        )
        assert code == 0
        assert "background" not in out + err
        assert ",high," in out

    def test_segments_of_a_model_without_background_say_so_once(self, trained, two_tones, audioft_command):
        code, _, err = audioft_command("predict", trained.folder, two_tones, "--what", "segments")
        assert code == 0
        assert err.count("the model knows no background") == 1
        assert "data.negatives" in err
        assert "events.background=class" in err
        assert "no background" not in audioft_command("predict", trained.folder, two_tones, "--what", "windows")[2]
        assert "no background" not in audioft_command("predict", trained.folder, two_tones)[2]

    @pytest.mark.parametrize(
        ("card", "frames", "said"),
        [
            ({}, False, "data.negatives"),
            ({"labels": ("dog", "Noise")}, False, "`audioft relabel MODEL --background Noise --out NEW`"),
            ({"multilabel": True}, False, None),
            ({"multilabel": True}, True, None),
            ({"labels": ("dog", "background"), "background": "background"}, False, None),
        ],
    )
    def test_which_models_know_none(self, card, frames, said):
        told = without_background(
            ModelCard(**{"labels": ("dog", "rain"), "multilabel": False, "window": 1.0} | card), frames
        )
        assert (said in told[0]) if said else (told == [])

    def test_going_on_with_more_labels_forgets_none_that_the_data_leaves_out(self):
        card = ModelCard(("dog", "cat", "wind"), False, 1.0)
        start = Start("m", None, card, "e", True, Path("m"))
        assert start.labels(("cat", "owl"), False) == ("dog", "cat", "wind", "owl")


def test_they_change_no_older_run(tmp_path):
    written = configs.load().model_dump()
    new = ("rename", "merge", "drop", "keep", "negatives", "exclude")
    old = written | {"data": {k: v for k, v in written["data"].items() if k not in new}}
    hashes = []
    for settings in (written, old):
        (tmp_path / "config.yaml").write_text(json.dumps(settings))
        hashes.append(identity(configs.load(), [("a",)], tmp_path))
    assert hashes[0] != hashes[1]  # those it has are a part of it
    (tmp_path / "config.yaml").write_text(json.dumps(old))
    assert identity(configs.load(overrides={"data.drop": []}), [("a",)], tmp_path) == hashes[1]


@pytest.mark.parametrize(
    ("words", "section"),
    [
        (["data.drop=[no, yes, 1]"], {"drop": ["no", "yes", "1"]}),
        (["data.drop=unsorted"], {"drop": ["unsorted"]}),
        (["data.rename={no: yes, 'a b': c}"], {"rename": {"no": "yes", "a b": "c"}}),
        (["data.rename.dogs=dog", "data.rename.cats=cat"], {"rename": {"dogs": "dog", "cats": "cat"}}),
        (["data.exclude=[*.tmp.wav, old/*]"], {"exclude": ["*.tmp.wav", "old/*"]}),
        (["data.exclude=*.tmp.wav"], {"exclude": ["*.tmp.wav"]}),
        (["data.merge={animal: [dog, cat], noise: wind}"], {"merge": {"animal": ["dog", "cat"], "noise": ["wind"]}}),
        (["data.keep=null"], {"keep": []}),
        (["data.group=name:^(.*?)_: #"], {"group": "name:^(.*?)_: #"}),
    ],
)
def test_names_are_texts(words, section):
    data = configs.load(overrides=words).data
    assert {k: getattr(data, k) for k in section} == section
    again = configs.check(json.loads(json.dumps(configs.load(overrides=words).model_dump()))).data
    assert again == data


def test_true_and_false_of_a_file_are_asked_about():
    with pytest.raises(audioft.errors.ConfigError, match=r"data\.drop\.0: .*write it in quotes; found False"):
        configs.load(overrides={"data.drop": [False]})


def test_a_part_of_a_mapping_is_taken_where_the_mapping_is():
    how = reading.of(["data.rename.tall=high"], "a reason")
    assert how.choices.rename == {"tall": "high"}
