from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from made_predictions import clips, predictions

from audioft.errors import ModelError
from audioft.evaluation.predictions import Predictions, log_loss, refined_loss


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_row_a_clip_with_every_score_and_further_column(tmp_path):
    place = [{"path": "ä, b.wav", "start": 0.5, "end": 1.5, "group": "g", "speaker": "犬", "score": 7}]
    place += [{"path": "c.wav", "start": None, "end": None, "group": None, "note": "x"}]
    p = Predictions(("cat", "dog"), False, [[1 / 3, 2 / 3], [1, 0]], [[1, 0], [1, 0]], np.ones((2, 2)), place)
    p.write(tmp_path / "new" / "p.csv")
    first, second = rows(tmp_path / "new" / "p.csv")
    assert list(first)[:6] == ["path", "start", "end", "label", "predicted", "score"]
    assert (first["path"], first["label"], first["predicted"], first["speaker"]) == (
        "ä, b.wav",
        "cat",
        "dog",
        "犬",
    )
    assert first["table:score"] == "7"
    assert float(first["score:cat"]) == pytest.approx(1 / 3, rel=1e-8)
    assert (second["start"], second["group"], second["note"], second["score"]) == ("", "", "x", "1")


def test_several_labels_stand_in_one_field_and_unknown_ones_are_named(tmp_path):
    scores = [[0.9, 0.7, 0.2], [0.1, 0.1, 0.3]]
    known = np.array([[True, True, True], [True, False, True]])
    p = predictions(scores, [[1, 1, 0], [0, 1, 0]], True, known, labels=("a", "b", "c"))
    p.write(tmp_path / "p.csv", thresholds=[0.95, 0.5, 0.2])
    first, second = rows(tmp_path / "p.csv")
    assert (first["label"], first["predicted"], first["score"], first["unknown"]) == ("a;b", "b;c", "0.7", "")
    assert (second["label"], second["predicted"], second["unknown"]) == ("", "c", "b")
    predictions(scores, [[1, 1, 0], [0, 1, 0]], True, labels=("a;b", "b", "c")).write(tmp_path / "p.csv")
    assert json.loads(rows(tmp_path / "p.csv")[0]["label"]) == ["a;b", "b"]


def test_a_clip_without_a_group_is_its_own():
    p = Predictions(("a",), True, [[0.5]] * 3, [[1]] * 3, [[True]] * 3, [{**c, "group": None} for c in clips(3)])
    assert len(set(p.groups())) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [[0.5]]}, "scores has shape"),
        ({"known": [[True, True], [True, False]]}, "unknown target"),
        ({"targets": [[1, 0], [1, 1]]}, "clip 1 has 2 labels"),
        ({"targets": [[1, 0], [0.5, 0.5]]}, "other than 0 and 1"),
        ({"clips": [{"path": "a"}] * 2}, "no start, end, group"),
        ({"labels": ("a", "a")}, "twice"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, message):
    fitting = {
        "labels": ("a", "b"),
        "multilabel": False,
        "scores": [[0.5, 0.5]] * 2,
        "targets": [[1, 0]] * 2,
        "known": [[True, True]] * 2,
        "clips": clips(2),
    }
    Predictions(**fitting)
    with pytest.raises(ValueError, match=message):
        Predictions(**{**fitting, **change})


@pytest.mark.parametrize("score", [np.nan, np.inf, 1.1, -0.1])
def test_a_score_that_is_no_probability_names_the_clip(score):
    with pytest.raises(ModelError, match=r"1\.wav.*label 0"):
        predictions([[0.5, 0.5], [score, 0.5]], [[1, 0], [0, 1]])


def test_the_refined_loss_does_not_see_how_sure_it_is_said():
    rng = np.random.default_rng(0)
    targets = np.eye(3)[rng.integers(0, 3, 200)]
    logits = targets * 1.5 + rng.normal(size=(200, 3))
    known = np.ones_like(targets, bool)

    def of(scale, several=False):
        raw = np.exp(scale * logits)
        scores = raw / (1 + raw) if several else raw / raw.sum(1, keepdims=True)
        return refined_loss(scores, targets, known, several)

    for several in (False, True):
        assert of(0.5, several)[0] == pytest.approx(of(4.0, several)[0], abs=1e-4)
    plain = log_loss(np.exp(4 * logits) / np.exp(4 * logits).sum(1, keepdims=True), targets, known, False)
    assert of(4.0)[0] < plain
    loss, error = of(1.0)
    assert 0 < error < loss / 5
    assert refined_loss(np.full((1, 3), 1 / 3), targets[:1], known[:1], False)[1] == 0
