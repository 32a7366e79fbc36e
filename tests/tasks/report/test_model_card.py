"""The part of a model's README that a report writes, as the Hub reads it."""

from __future__ import annotations

import logging
import math

import pytest
from huggingface_hub import ModelCard

from audioft.evaluation.intervals import Estimate
from audioft.tasks.report import model_card

FOUND = {"accuracy": Estimate(0.86, 0.77, 0.93)}
BEFORE = "---\nlibrary_name: audioft\ntags: [audioft]\n---\n\n# Dogs\n\nMine.\n"


def write(folder, *, name="yard", side="test", metrics=FOUND, **said):
    model_card.write(folder, name, side, metrics, said or {"Said": ["one", "two"]})
    return ModelCard.load(folder / "README.md")


@pytest.fixture
def model(tmp_path):
    (tmp_path / "README.md").write_text(BEFORE, encoding="utf-8")
    return tmp_path


def test_figures_are_read_by_the_hub_and_all_else_stays(model):
    card = write(model)
    (found,) = card.data.eval_results
    assert (found.dataset_name, found.dataset_split) == ("yard", "test")
    assert (found.metric_type, found.metric_value, found.metric_args["interval"]) == ("accuracy", 0.86, [0.77, 0.93])
    assert (card.data.library_name, card.data.tags) == ("audioft", ["audioft"])
    assert "# Dogs\n\nMine." in card.text
    assert "## Said\n\none\n\ntwo" in card.text


def test_a_readme_without_metadata_gets_some_in_silence(tmp_path, monkeypatch):
    said = []
    for level in ("warning", "info"):
        monkeypatch.setattr(logging.getLogger("huggingface_hub.repocard"), level, lambda *told: said.append(told))
    (tmp_path / "README.md").write_text("# Dogs\n", encoding="utf-8")
    assert write(tmp_path).text.startswith("# Dogs")
    assert not said


def test_the_next_report_takes_the_place_of_the_last(model):
    write(model)
    (model / "README.md").write_text((model / "README.md").read_text() + "\nA word after it.\n")
    card = write(model, metrics={"accuracy": Estimate(0.5, 0.4, 0.6)}, Now=["three"])
    assert [r.metric_value for r in card.data.eval_results] == [0.5]
    assert "one" not in card.text
    assert "three" in card.text
    assert card.text.count(model_card.BEGIN) == card.text.count(model_card.END) == 1
    assert card.text.rstrip().endswith("A word after it.")
    assert len(write(model, name="forest").data.eval_results) == 2


def test_without_an_interval_there_is_none(model):
    found = {"accuracy": Estimate(0.5, math.nan, math.nan), "map": Estimate(math.nan, math.nan, math.nan)}
    (one,) = write(model, metrics=found).data.eval_results
    assert one.metric_args is None


@pytest.mark.parametrize(
    "before", [None, "", "Words alone.\n", "---\nmodel-index: [1, 2]\n---\nWords.\n", "---\ntags\n"]
)
def test_a_card_of_any_kind_gets_it(before, tmp_path):
    if before is not None:
        (tmp_path / "README.md").write_text(before, encoding="utf-8")
    card = write(tmp_path)
    assert [r.metric_value for r in card.data.eval_results] == [0.86]
    assert "Words" in card.text or not before or "Words" not in before
