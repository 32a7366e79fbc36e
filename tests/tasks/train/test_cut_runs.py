"""Runs with `model.layers=N`: every way to train and to go on that a whole encoder has."""

from __future__ import annotations

import json

import makers
import pytest
import tiny

import audioft
from audioft.core.progress import Console


@pytest.mark.parametrize(
    "settings",
    [
        {"model__layers": 1, "freeze": {"top": 1}},
        {"model__layers": 0, "freeze": "all", "model__pooling": "stats", "model__head": "linear"},
        {"model__layers": 1, "adapt": {"name": "lora", "r": 2}},
        {"model__layers": 1, "adapt": {"name": "lora", "r": 2, "save": "adapter"}},
        {"model__layers": 1, "adapt": {"name": "bias", "save": "adapter"}},
    ],
    ids=str,
)
def test_a_run_and_what_comes_after_it(settings, two_tones, small_encoder, tmp_path):
    run = makers.train(two_tones, small_encoder, tmp_path / "run", **settings)
    about = json.loads((run.model / "audioft.json").read_text())
    assert about["layers"] == settings["model__layers"]
    clips = sorted(two_tones.rglob("*.wav"))[:3]
    before = [p.scores for p in audioft.predict(run, clips)]
    whole = run.model
    if "base" in about:
        whole = tmp_path / "whole"
        audioft.merge(run, out=whole, console=Console(quiet=True))
        assert [p.scores for p in audioft.predict(whole, clips)] == before
    quiet = Console(quiet=True)
    how = {"out": tmp_path / "on", "overrides": makers.QUICK | {"freeze": "all"}, "console": quiet}
    on = audioft.finetune(two_tones, start=whole, **how)
    assert json.loads((on.model / "audioft.json").read_text())["layers"] == settings["model__layers"]
    audioft.relabel(whole, rename={"low": "deep"}, out=tmp_path / "renamed", console=quiet)
    (one,) = audioft.predict(tmp_path / "renamed", clips[:1])
    assert one.scores["deep"] == pytest.approx(before[0]["low"], abs=1e-6)


@pytest.mark.parametrize("kind", tiny.EVERY)
@pytest.mark.parametrize(
    ("layers", "freeze"), [(2, "all"), (3, {"top": 1}), (1, "feature_extractor")], ids=["all", "top", "default"]
)
def test_every_family(kind, layers, freeze, tones, encoder_folder, tmp_path):
    few = {"data__max_seconds": 2.0, "model__pooling": "stats", "model__head": "linear"}
    run = makers.train(tones, encoder_folder(kind), tmp_path / "run", model__layers=layers, freeze=freeze, **few)
    assert json.loads((run.model / "audioft.json").read_text())["layers"] == layers
    if freeze == "all":
        overrides = makers.QUICK | {"freeze": {"top": 1}, "data.max_seconds": 2.0}
        how = {"out": tmp_path / "on", "overrides": overrides, "console": Console(quiet=True)}
        assert audioft.finetune(tones, start=run.folder, **how).model.is_dir()


def test_layers_that_are_not_there_are_told(two_tones, small_encoder, refused, tmp_path):
    call = ("train", two_tones, "--encoder", small_encoder, "--out", tmp_path / "run")
    refused(*call, "model.layers=3", code=2, said=("model.layers: 3, but", "has 0 (before the first) to 2"))
    refused(*call, "model.layers=1", "freeze={top: 2}", code=2, said=("freeze:", "more layers than the 1"))
    for name in ("lora", "ia3", "bias", "norm"):
        said = (f"adapt.name: {name} acts on layers", "leave adapt out, or give model.layers 1 or more")
        refused(*call, "model.layers=0", f"adapt={{name: {name}}}", code=2, said=said)
    refused(*call, "model.layers=-1", code=2, said=("model.layers:", "the number of a layer"))
    assert not (tmp_path / "run").exists()
