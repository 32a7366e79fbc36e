"""What is searched: read from YAML, checked against the config's own schema before anything starts."""

from __future__ import annotations

import pytest

from audioft.configuration import config as configs
from audioft.errors import ConfigError, UsageError
from audioft.tasks.search import space

CHOICE = {"choice": ["all", {"top": 1}]}


def read(given):
    return space.read(given, lambda settings: configs.load(None, settings))


def drawn(found, seed=0):
    import optuna

    return found.suggest(optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"train.learning_rat": {"log": [1e-4, 1e-2]}}, "unknown key 'train.learning_rat'"),
        ({"train.lr": {"log": [1e-2, 1e-4]}}, "train.lr: log: 0.01 to 0.0001 is empty"),
        ({"train.lr": {"log": [0, 1e-4]}}, "train.lr: log: 0 has no logarithm"),
        ({"train.lr": {"log": [1e-4]}}, "expected the lowest and the highest value"),
        ({"train.lr": {"log": ["a", "b"]}}, "expected two numbers"),
        ({"train.epochs": {"int": [1.5, 3]}}, "expected two whole numbers"),
        ({"train.epochs": {"int": [1, 5], "step": 9}}, "step: expected a whole number from 1 to 4"),
        ({"train.lr": {"log": [1e-4, 1e-2], "uniform": [0, 1]}}, "has log and uniform"),
        ({"train.lr": {"log": [1e-4, 1e-2], "stop": 3}}, "'stop' is unknown"),
        ({"model.head": {"choice": []}}, "expected a list of values"),
        ({"model.head": {"choice": ["own", "own"]}}, "own stands there twice"),
        ({"train.schedule": {"choice": ["linear", 3]}}, "train.schedule"),
        ({"train.batch_size": {"int": [0, 16]}}, "train.batch_size"),
        ({"data.test": {"choice": [0.1, 0.2]}}, "is the same for all trials"),
        ({"seed": {"int": [0, 3]}}, "is the same for all trials"),
        ({"train.lr": {"log": [1e-4, 1e-2], "when": {"freeze": "all"}}}, "when: freeze is not searched"),
        ({"train.lr": {"log": [1e-4, 1e-2], "when": {"freeze": "none"}}, "freeze": CHOICE}, "freeze is never none"),
        ({"train.lr": {"log": [1e-4, 1e-2], "when": {"freeze": "all"}}, "freeze": "all"}, "freeze has one value"),
        ({"freeze": "all"}, "nothing varies"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(given, said):
    with pytest.raises(ConfigError) as e:
        read(given)
    assert said in str(e.value)
    assert "the space: " in str(e.value)


def test_conditions_that_go_round_are_told():
    a = {"choice": ["own", "mlp"], "when": {"model.pooling": "mean"}}
    b = {"choice": ["mean", "stats"], "when": {"model.head": "own"}}
    with pytest.raises(ConfigError, match="round in a circle"):
        read({"model.head": a, "model.pooling": b})


def test_all_problems_are_told_at_once():
    with pytest.raises(ConfigError) as e:
        read({"train.lr": {"log": [1, 0.1]}, "train.nothing": {"choice": [1, 2]}})
    assert len(e.value.problems) == 2


def test_an_empty_file_says_how_to_begin(tmp_path):
    (tmp_path / "space.yaml").write_text("")
    with pytest.raises(UsageError, match="is empty"):
        read(tmp_path / "space.yaml")


def test_settings_that_hang_on_others_are_drawn_with_them_alone():
    found = read({"train.lr": {"log": ["1e-5", "1e-3"], "when": {"freeze": {"top": 1}}}, "freeze": CHOICE})
    several = [drawn(found, seed) for seed in range(20)]
    assert {tuple(s) for s in several} == {("freeze",), ("freeze", "train.lr")}
    assert all(("train.lr" in s) == (s["freeze"] == {"top": 1}) for s in several)
    assert all(1e-5 <= s.get("train.lr", 1e-4) <= 1e-3 for s in several)


def test_a_space_is_written_as_it_is_read():
    given = {"freeze": CHOICE, "train": {"lr": {"log": [1e-5, 1e-3], "when": {"freeze": "all"}}, "batch_size": 8}}
    found = read(given)
    import yaml

    assert read(yaml.safe_load(found.spelled())) == found
    assert found.fixed == {"train.batch_size": 8}


def test_how_many_settings_there_are():
    assert read({"freeze": CHOICE, "train.epochs": {"int": [2, 6], "step": 2}}).size == 6
    assert read({"freeze": CHOICE, "train.epochs": {"int": [2, 3], "when": {"freeze": "all"}}}).size == 3
    assert read({"train.lr": {"log": [1e-5, 1e-3]}}).size == float("inf")


def test_the_space_that_ships_is_right():
    found = read(space.default())
    assert {"freeze", "train.lr", "augment"} <= {d.key for d in found.dimensions}
    for seed in range(10):
        configs.load(None, drawn(found, seed))
