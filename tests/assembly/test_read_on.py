"""A run that goes on from a model reads its labels as that model's run did, unless it says otherwise."""

from __future__ import annotations

import shutil

import pytest
import tiny

import audioft
from audioft.assembly import read_on
from audioft.core.progress import Console
from audioft.data import manifest
from audioft.data.reading.choices import Choices
from audioft.models import folder as folders
from audioft.models.folder import ModelCard
from audioft.tasks.train import api

QUICK = {"train.epochs": 1, "data.workers": 0, "train.tensorboard": False, "evaluate.resamples": 0}
QUICK |= {"data.test": None, "data.valid": None}
READING = {
    "data.rename": {"High": "high", "alto": "middle"},
    "data.merge": {"deep": ["low", "bass"]},
    "data.drop": ["junk", "elsewhere"],
}
FOUND = {"data.rename": {"High": "high"}, "data.merge": {"deep": ["low"]}, "data.drop": ["junk"]}


def model_of(path, **reading):
    model = tiny.make_classifier("hubert", labels=2, head="linear", pooling="mean")
    folders.save(model, ModelCard(("deep", "high"), False, 1.0, reading=reading), path, "")
    return path


@pytest.fixture(scope="module")
def messy(tmp_path_factory):
    return tiny.save_tones(tmp_path_factory.mktemp("messy") / "data", ("High", "high", "low", "junk"), clips=3)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return model_of(tmp_path_factory.mktemp("start") / "model", **READING)


def settled(data, start, overrides=(), **more):
    return read_on.as_start(audioft.settings(data, start=start, overrides=overrides, **more), Console())


def read(data, start, overrides=(), **more):
    d = settled(data, start, overrides, **more).data
    found = {"data.rename": d.rename, "data.merge": d.merge, "data.drop": d.drop, "data.keep": d.keep}
    return {k: v for k, v in found.items() if v}


@pytest.mark.parametrize("more", [{}, {"extend": True}, {"few_shot": True}])
def test_what_occurs_in_the_data_is_taken_over_and_said_once(messy, start, capsys, more):
    assert read(messy, start, **more) == FOUND
    told = capsys.readouterr().err
    assert told.count("labels are read as") == 1
    assert "data.rename={High: high}" in told
    assert "data.rename={} data.merge={} data.drop=[] turns it off" in told


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"data.rename": {}}, {k: v for k, v in FOUND.items() if k != "data.rename"}),
        ({"data.drop": ["High"]}, {"data.merge": {"deep": ["low"]}, "data.drop": 1}),
        ({"data.merge": {"x": ["High", "low"]}}, {"data.drop": ["junk"], "data.merge": 1}),
        ({"data.negatives": ["low"]}, {k: v for k, v in FOUND.items() if k != "data.merge"}),
        ({"data.merge": {}, "data.drop": [], "data.rename": {}}, {}),
        ({"data.keep": ["junk", "high"]}, {k: FOUND[k] for k in ("data.rename", "data.merge")} | {"data.keep": 1}),
    ],
)
def test_what_the_call_says_wins(messy, start, given, found):
    own = read(messy, start, given)
    assert own == found | {k: given[k] for k in found if k in given}
    assert len(manifest.load(messy, choices=Choices.of(settled(messy, start, given).data)).labels) > 1


def test_a_table_and_a_clean_folder(messy, start, tones, tmp_path, capsys):
    table = tmp_path / "table.csv"
    rows = [f"{p},{p.parent.name}" for p in sorted(messy.rglob("*.wav"))]
    table.write_text("\n".join(["file_name,label", *rows]))
    assert read(table, start, {"data.allow_outside": True}) == FOUND
    capsys.readouterr()
    assert read(tiny.save_tones(tmp_path / "clean", ("high", "owl"), clips=2), start) == {}
    assert capsys.readouterr().err == ""


def test_a_class_that_is_empty_is_left_out_as_before(messy, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(messy, data)
    (data / "void").mkdir()
    assert read(data, model_of(tmp_path / "model", **{"data.drop": ["void"]})) == {"data.drop": ["void"]}


def test_labels_that_are_added_are_not_left_out(messy, tmp_path):
    keeping = model_of(tmp_path / "keeping", **{"data.keep": ["high", "low"]})
    assert read(messy, keeping) == {"data.keep": ["high", "low"]}
    assert read(messy, keeping, extend=True) == {}
    dropping = model_of(tmp_path / "dropping", **{"data.drop": ["High", "high", "low", "junk"]})
    assert read(messy, dropping) == {}


def test_a_run_holds_it_and_goes_on_with_it(messy, start, tmp_path, capsys):
    run = audioft.finetune(messy, start=start, out=tmp_path / "run", overrides=QUICK)
    assert (run.config.data.rename, run.config.data.drop) == ({"High": "high"}, ["junk"])
    _, card = folders.load(run.model)
    assert (set(card.labels), card.reading) == ({"deep", "high"}, FOUND)
    assert "encoder and head kept" in capsys.readouterr().err
    same = {"data": messy, "start": start, "overrides": QUICK}
    for given in ({}, same):
        assert audioft.finetune(**given, out=run.folder, resume=True).config == run.config
    again = audioft.finetune(config=run.config, out=tmp_path / "again", overrides={"data.drop": []})
    assert again.config.data.drop == []


def test_a_dry_run_prints_it(messy, start):
    config = api.plan(audioft.settings(messy, start=start, overrides=QUICK), Console(quiet=True))
    assert config.data.merge == {"deep": ["low"]}
    assert config.data.source == str(messy)
