"""The rules by which an encoder is suggested, and the table they are told in."""

from __future__ import annotations

import dataclasses
import json
import shlex

import numpy as np
import pytest

from audioft.evaluation.choosing import Choice
from audioft.evaluation.intervals import Estimate
from audioft.tasks.probe.comparison_table import Comparison, Row
from audioft.tasks.probe.suggestion import Suggestion, suggest


def row(name: str, *values: float, cost: float | None = 1.0, parameters: int = 100, wide: float = 0.05) -> Row:
    layers = tuple(Estimate(v, v - wide, v + wide) for v in values)
    return Row(name, layers, parameters, 32, cost, 10**6)


MEASURED = "freeze=all model.layers={} model.pooling=stats model.head=linear"
TRAINED = MEASURED.replace("all", "feature_extractor")
LOW = Estimate(0.2, 0.1, 0.3)


def chosen(rows, clips: int = 2000, floor: Estimate | None = LOW) -> Suggestion:
    found = suggest(rows, floor, clips)
    assert found is not None
    return found


def test_the_best_encoder_is_taken_where_it_stands_out():
    found = chosen([row("small", 0.5, 0.6, cost=0.1), row("large", 0.5, 0.9, cost=9)])
    assert (found.encoder, " ".join(found.settings)) == ("large", TRAINED.format(1))
    assert "best of 2" in found.why[0]


def test_the_cheapest_within_the_interval_of_the_best_is_taken():
    rows = [row("a", 0.86, cost=5), row("b", 0.88, cost=9), row("c", 0.85, cost=2), row("d", 0.8, cost=1)]
    found = chosen(rows)
    assert found.encoder == "c"
    assert "2.00 s a minute of sound instead of 9.00" in found.why[0]
    untimed = [row("b", 0.88, cost=None, parameters=900), row("c", 0.85, cost=2, parameters=1000)]
    assert chosen(untimed).encoder == "b"
    alike = [row("x", 0.85, cost=2), row("y", 0.86, cost=2)]
    assert chosen(alike).encoder == "y"


def test_of_enough_clips_all_layers_up_to_the_measured_one_are_trained():
    found = chosen([row("a", 0.5, 0.7, 0.9, 0.8, 0.7)])
    assert " ".join(found.settings) == TRAINED.format(2)
    assert "up to layer 2" in found.why[1]
    assert "last layer is clearly worse (0.700)" in found.why[1]
    found = chosen([row("a", 0.5, 0.7, 0.86, 0.88, 0.9)])
    assert " ".join(found.settings) == TRAINED.format(4)
    assert "up to its last one" in found.why[1]
    picked = dataclasses.replace(row("a", 0.9, 0.88), choice=Choice(0, "mean", 0.1), score=Estimate(0.9, 0.8, 0.95))
    found = chosen([picked])
    assert " ".join(found.settings) == TRAINED.replace("stats", "mean").format(0)
    assert "worse" not in found.why[1]


def test_one_clip_of_a_few_is_no_clear_difference():
    """20 of 20, and 19 of them."""
    perfect, nearly = Estimate(1, 0.83, 1), Estimate(0.95, 0.75, 1)
    found = chosen([Row("a", (perfect, nearly), 1, 1)], floor=nearly)
    assert "worse" not in found.why[1]
    assert "log-mel" in found.why[-1]


@pytest.mark.parametrize("clips", [50, 5000])
@pytest.mark.parametrize("values", [(0.5, 0.9), (0.9, 0.5)])
def test_what_is_suggested_is_a_call_that_can_be_made(values, clips):
    import audioft
    from audioft.cli import parse
    from audioft.tasks.arguments import sources_and_overrides

    words = shlex.split(chosen([row("my encoder", *values)], clips).command("my data", ["data.test=fold=5"]))
    options = parse(words[1:])
    sources, overrides = sources_and_overrides(options.items)
    assert (options.called, options.encoder, sources) == ("train", "my encoder", ["my data"])
    assert audioft.settings(overrides=overrides).data.test == "fold=5"


@pytest.mark.parametrize(
    ("values", "settings"),
    [((0.5, 0.9), MEASURED.format(1)), ((0.5, 0.9, 0.7), MEASURED.format(1)), ((0.9, 0.5), MEASURED.format(0))],
)
def test_of_few_clips_the_encoder_is_left_as_it_is(values, settings):
    """What was measured is what is suggested."""
    assert " ".join(chosen([row("a", *values)], clips=999).settings) == settings
    picked = dataclasses.replace(row("a", *values), choice=Choice(0, "mean", 0.1), score=Estimate(0.5, 0.4, 0.6))
    assert " ".join(chosen([picked], clips=5).settings) == MEASURED.replace("stats", "mean").format(0)
    assert "freeze=all" not in chosen([row("a", *values)], clips=1000).settings
    assert "fewer than 1,000 clips" in " ".join(chosen([row("a", *values)], clips=6).why)


def test_what_is_no_better_than_a_spectrum_is_said():
    assert "log-mel" in chosen([row("a", 0.5)], floor=Estimate(0.46, 0.42, 0.49)).why[-1]
    assert "log-mel" in chosen([row("a", 0.5)], floor=Estimate(0.44, 0.38, 0.5)).why[-1]
    assert "log-mel" not in " ".join(chosen([row("a", 0.5)], floor=Estimate(0.44, 0.4, 0.49)).why)
    assert "log-mel" not in " ".join(chosen([row("a", 0.5)], floor=None).why)


def test_failed_encoders_are_no_suggestion_and_one_group_has_no_interval():
    assert suggest([Row("gone", problem="not there")], LOW, 2000) is None
    alone = Row("a", (Estimate(0.9, np.nan, np.nan), Estimate(0.8, np.nan, np.nan)), 1, 1)
    found = chosen([alone, Row("gone", problem="not there")])
    assert (found.encoder, " ".join(found.settings)) == ("a", TRAINED.format(0))


def test_what_could_not_be_chosen_is_told_once_for_each_reason():
    base, one = row("log-mel", 0.4), dataclasses.replace(row("a", 0.5, 0.6), unchosen="all clips are of one group")
    found = Comparison((one, row("b", 0.9)), base, "accuracy", 0.1, "tones").text()
    assert "Nothing could be chosen for a, so its last layer is taken: all clips are of one group." in found
    assert "no tested clip has a say" in found
    alone = dataclasses.replace(base, unchosen="all clips are of one group")
    found = Comparison((one,), alone, "accuracy", 0.1, "tones").text()
    assert "no tested clip has a say" not in found
    assert found.count("Nothing could be chosen") == 1


def test_the_table_names_what_failed_and_sorts_by_score():
    base = row("log-mel", 0.4)
    found = Comparison((row("a", 0.5, 0.6), row("b", 0.9, 0.7), Row("gone", problem="no such folder")), base,
                       "accuracy", 0.1, "tones", (("Take b.",), "audioft train"))  # fmt: skip
    lines = found.text(layers=True).splitlines()
    assert [line.split()[0] for line in lines[2:7]] == ["encoder", "b", "a", "log-mel", "gone"]
    assert "0 of 1" in lines[3]
    assert "FAILED: no such folder" in lines[6]
    assert sum(line.startswith("b ") for line in lines) == 3
    assert json.loads(json.dumps(found.json(), allow_nan=False))["encoders"][2]["problem"] == "no such folder"
