"""What is chosen of the settings that a config leaves to audioft."""

from __future__ import annotations

import pytest

import audioft
from audioft.assembly import recipe
from audioft.configuration.config import Config, load
from audioft.configuration.values import AUTO
from audioft.errors import CheckpointError


def chosen(clips: int, width: int = 192, **asked) -> Config:
    config = load(None, {k.replace("__", "."): v for k, v in asked.items()})
    return recipe.of_model(recipe.of_data(config, clips), width)


def test_few_clips_leave_the_encoder_as_it_is_and_many_train_it():
    assert (chosen(999).freeze, chosen(1000).freeze) == ("all", "feature_extractor")
    assert chosen(999).train.head_lr < chosen(1000).train.head_lr


@pytest.mark.parametrize(
    "asked",
    [
        {"augment": [{"name": "gain"}]},
        {"mixup": {"p": 0.5}},
        {"latent": {"time": 0.1}},
        {"adapt": "lora"},
        {"events__use": "frames"},
        {"model__start": "random"},
        {"start__model": "a model"},
    ],
    ids=str,
)
def test_what_asks_for_training_has_its_layers_trained(asked):
    assert chosen(50, **asked).freeze == "feature_extractor"


def test_a_run_is_longer_the_more_there_is_and_goes_over_each_clip_less_often():
    sizes = [1, 50, 200, 1000, 10_000, 50_000, 10**6]
    epochs = [chosen(n, freeze="none").train.epochs for n in sizes]
    assert epochs == sorted(epochs, reverse=True)
    assert (epochs[0], epochs[-1]) == (40, 3)
    visits = [n * e for n, e in zip(sizes, epochs, strict=True)]
    assert visits == sorted(visits)
    assert all(3 <= chosen(n, freeze="none").train.patience <= e for n, e in zip(sizes, epochs, strict=True))


def test_rates_fall_with_the_width_and_rise_for_adapters():
    wide, narrow, adapted = chosen(5000, 768), chosen(5000, 192), chosen(5000, 768, adapt="lora")
    assert narrow.train.lr == 2 * wide.train.lr == 1e-4
    assert adapted.train.lr == 10 * wide.train.lr
    assert wide.train.head_lr == adapted.train.head_lr == wide.train.lr


def test_a_head_at_random_has_the_rates_dropout_and_patience_of_before():
    found = chosen(5000, 768, model__start="random")
    assert (found.train.lr, found.train.head_lr, found.train.patience) == (1e-4, 1e-3, 0)
    assert (found.encoder.dropout, found.encoder.layerdrop) == (None, None)
    assert chosen(5000).encoder.dropout == chosen(5000).encoder.layerdrop == 0.0


def test_what_is_asked_for_stays():
    asked = {"freeze": "none", "train__lr": 2e-5, "train__head_lr": None, "train__epochs": 7, "train__patience": 0}
    found = chosen(50, **asked, encoder__dropout=None)
    t = found.train
    assert (found.freeze, t.lr, t.head_lr, t.epochs, t.patience, found.encoder.dropout) == (
        "none",
        2e-5,
        None,
        7,
        0,
        None,
    )
    assert recipe.told(found, found) == []
    assert chosen(50, train__metric="last").train.patience == 0


def test_what_was_chosen_is_told():
    found = chosen(50)
    assert "fewer than 1,000 clips" in recipe.told(Config(), found)[0]
    assert len(recipe.told(Config(), found)) == 1, "nothing is trained"
    mlp = load(None, {"model.head": "mlp"})
    assert recipe.told(mlp, chosen(50, model__head="mlp"))[1] == "rates: train.head_lr=1e-05"
    assert recipe.told(Config(), chosen(5000)) == ["rates: train.lr=0.0001, train.head_lr=0.0001"]


def test_what_was_kept_is_read_again_and_damage_is_told(tmp_path):
    assert recipe.kept(tmp_path) == {}
    recipe.keep(Config(), chosen(50), tmp_path)
    found = recipe.kept(tmp_path)
    assert recipe.fill(Config(), found).train.epochs == chosen(50).train.epochs
    for damaged in ("[1]", "{"):
        (tmp_path / recipe.FILE).write_text(damaged)
        with pytest.raises(CheckpointError, match=recipe.FILE):
            recipe.kept(tmp_path)


def test_nothing_is_left_to_audioft_in_what_computes():
    found = chosen(50)
    left = {k for k, v in found.model_dump()["train"].items() if v == AUTO}
    assert left <= {"metric", "precision", "device"}
    assert audioft.settings("data").train.lr == AUTO


def test_a_linear_head_on_a_frozen_encoder_is_solved_and_not_trained():
    assert chosen(50).train.epochs == chosen(50_000, freeze="all").train.epochs == 0
    others = {"model__head": "mlp"}, {"train__loss": "focal"}, {"train__metric": "last"}, {"model__start": "random"}
    assert all(chosen(50, freeze="all", **other).train.epochs > 0 for other in others)
    assert chosen(50, train__epochs=7).train.epochs == 7


def test_a_plan_of_stages_runs_to_its_end():
    assert chosen(50, freeze={0: "all", 3: "none"}).train.patience == 0


@pytest.mark.parametrize("native", ["fp32", "bf16"])
def test_what_evaluation_computes_in_is_of_the_machine_where_it_is_left_open(native, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "choose_precision", lambda asked, device: native if asked == AUTO else asked)
    asked = load(None, {"evaluate.precision": AUTO})
    found = recipe.of_machine(asked, "cpu")
    assert found.evaluate.precision == native
    assert recipe.of_machine(load(None, {"evaluate.precision": "bf16"}), "cpu").evaluate.precision == "bf16"
    assert recipe.of_machine(Config(), "cpu").evaluate.precision == "fp32"
    # a run that goes on computes as it began, on whatever machine
    recipe.keep(asked, found, tmp_path)
    other = {"fp32": "bf16", "bf16": "fp32"}[native]
    monkeypatch.setattr(recipe, "choose_precision", lambda *_: other)
    assert recipe.of_machine(recipe.fill(asked, recipe.kept(tmp_path)), "cpu").evaluate.precision == native
