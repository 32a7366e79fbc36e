"""A run that leaves layer and pooling to audioft takes those on which the probe does best, and is the run they make."""

from __future__ import annotations

import csv
import json

import makers
import pytest

import audioft
from audioft.assembly import recipe
from audioft.errors import Interrupted
from audioft.evaluation import choosing
from audioft.models import folder
from audioft.training.trainer import Trainer

AUTO = {k: v for k, v in makers.QUICK.items() if k != "model.start"} | {"train.epochs": 2, "cache.precision": "float32"}


@pytest.fixture
def lower(monkeypatch):
    """Have the probe prefer deviations of the layer below the last."""
    monkeypatch.setattr(choosing, "simplest", lambda features, *_: min(2, len(features) - 1))


def run(data, encoder, out, **asked):
    settings = AUTO | {k.replace("__", "."): v for k, v in asked.items()}
    console = asked.pop("console", None) or audioft.Console(quiet=True)
    return audioft.finetune(data, encoder=str(encoder), out=out, overrides=settings, console=console)


def kind(found) -> tuple:
    about = json.loads((found.model / "audioft.json").read_text())
    return about["layers"], about["pooling"]


def test_what_the_probe_prefers_is_the_model_as_if_it_had_been_asked_for(lower, two_tones, small_encoder, tmp_path):
    found = run(two_tones, small_encoder, tmp_path / "run")
    assert kind(found) == (1, "stats")
    kept = recipe.kept(found.folder)
    assert (kept["freeze"], kept["model.layers"], kept["model.pooling"]) == ("all", 1, "stats")
    assert found.config.model.pooling == found.config.freeze == "auto"
    asked = {f"model__{k.split('.')[1]}": kept[k] for k in recipe.OF_THE_MODEL}
    same = run(two_tones, small_encoder, tmp_path / "same", **asked)
    assert same.history[0]["loss"] == pytest.approx(found.history[0]["loss"], abs=1e-4)
    assert same.report.metrics["accuracy"].value == found.report.metrics["accuracy"].value


def test_layers_end_lower_where_few_clips_train_them(lower, two_tones, small_encoder, tmp_path, monkeypatch):
    assert kind(run(two_tones, small_encoder, tmp_path / "few", freeze="feature_extractor")) == (1, "stats")
    plan = run(two_tones, small_encoder, tmp_path / "plan", freeze={0: "all", 1: "feature_extractor"})
    assert kind(plan) == (1, "stats")
    from_above = run(two_tones, small_encoder, tmp_path / "above", freeze={0: "all", 1: {"top": 1}})
    assert kind(from_above) == (1, "stats")
    all_of_it = run(two_tones, small_encoder, tmp_path / "all", freeze={"top": 2})
    assert kind(all_of_it)[0] == "last"
    monkeypatch.setattr(recipe, "FEW", 2)
    assert kind(run(two_tones, small_encoder, tmp_path / "many", freeze="feature_extractor"))[0] == "last"


@pytest.mark.parametrize("name", ["lora", "bias"])
def test_what_adapts_ends_lower_and_is_loaded_from_its_encoder(name, lower, two_tones, small_encoder, tmp_path):
    pytest.importorskip("peft")
    found = run(two_tones, small_encoder, tmp_path / "run", adapt={"name": name, "save": "adapter"})
    assert kind(found) == (1, "stats")
    with (found.folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    said = audioft.predict(found.model, [two_tones / row["path"] for row in rows], console=audioft.Console(quiet=True))
    assert [p.label for p in said] == [row["predicted"] for row in rows]


@pytest.mark.parametrize("told", [0, None])
def test_a_model_that_transformers_reads_where_nothing_is_better(told, two_tones, small_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(choosing, "simplest", lambda *_: told)
    found = run(two_tones, small_encoder, tmp_path / "run")
    assert kind(found) == ("last", "mean")
    assert folder.load(found.model)[0].transformers_equivalent


@pytest.mark.parametrize("asked", [{}, {"freeze": {"top": 1}}], ids=str)
def test_a_killed_run_goes_on_with_its_choice(asked, lower, two_tones, small_encoder, tmp_path, monkeypatch):
    whole = run(two_tones, small_encoder, tmp_path / "whole", **asked)
    step = Trainer._train_step

    def killed(trainer):
        if trainer.state.step == 3:
            trainer._save()
            raise Interrupted(15)
        step(trainer)

    monkeypatch.setattr(Trainer, "_train_step", killed)
    with pytest.raises(Interrupted):
        run(two_tones, small_encoder, tmp_path / "run", **asked)
    monkeypatch.setattr(Trainer, "_train_step", step)
    monkeypatch.setattr("audioft.evaluation.choosing.simplest", None)  # nothing is chosen again
    found = audioft.finetune(out=tmp_path / "run", resume=True, console=audioft.Console(quiet=True))
    losses = [[r["loss"] for r in one.history if r["kind"] == "valid"] for one in (whole, found)]
    assert losses[0] == losses[1]
    assert kind(found) == kind(whole)


def test_one_pass_hears_all_that_is_chosen_among(lower, two_tones, small_encoder, tmp_path, monkeypatch):
    from audioft.assembly.fitting import frozen_states

    crossed = []
    cross = frozen_states.cross
    monkeypatch.setattr(frozen_states, "cross", lambda *given: crossed.append(given) or cross(*given))
    monkeypatch.setattr("audioft.assembly.fitting.frozen_cache.usual", lambda: tmp_path / "states")
    run(two_tones, small_encoder, tmp_path / "run")
    sides = (tmp_path / "run" / "manifest.csv").read_text()
    assert len(crossed) == sides.count(",train") + sides.count(",valid")


def test_a_pooling_that_learns_or_a_sum_of_layers_is_no_choice(two_tones, small_encoder, tmp_path):
    weighted = run(two_tones, small_encoder, tmp_path / "weighted", model__layers="weighted")
    assert kind(weighted) == ("weighted", "mean")
    learnt = run(two_tones, small_encoder, tmp_path / "learnt", model__pooling="attentive_stats")
    assert kind(learnt) == ("last", "attentive_stats")


@pytest.mark.parametrize("freeze", ["feature_extractor", "none"])
def test_a_probe_is_fitted_and_validated_in_the_precision_in_which_it_is_used(
    freeze, two_tones, small_encoder, tmp_path
):
    asked = {"freeze": freeze, "model__layers": "last", "model__pooling": "stats", "train__epochs": 1}
    found = [
        run(two_tones, small_encoder, tmp_path / p, train__precision=p, **asked).history[0] for p in ("fp32", "bf16")
    ]
    assert [row["step"] for row in found] == [0, 0]
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=1e-6)
