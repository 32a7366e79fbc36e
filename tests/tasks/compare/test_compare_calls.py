"""What is refused, in one line; what a model costs; and which robustness card is taken."""

from __future__ import annotations

import json
import os

import makers
import pytest

import audioft
from audioft.core.progress import Console
from audioft.errors import DataError, UsageError
from audioft.inference import cost
from audioft.inference.predictor import Predictor
from audioft.models.heard import Heard
from audioft.tasks.compare import robustness, shared_clips
from audioft.tasks.compare.candidates import Candidate

QUIET = Console(quiet=True)
NONE = ("--rounds", 0)


@pytest.fixture(scope="module")
def other(two_tones, small_encoder, tmp_path_factory):
    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("runs") / "other", seed=5)


def test_too_few_models_and_data_in_their_place(refused, trained, other, two_tones):
    refused("compare", trained.folder, two_tones, code=2, said=("at least two models",))
    swapped = refused("compare", two_tones, trained.folder, other.folder, code=2, said=("the data stands last",))
    assert f"audioft compare {trained.folder} {other.folder} {two_tones}" in swapped
    table = two_tones / "high" / "high_00.wav"
    refused("compare", trained.folder, other.folder, table, two_tones, code=2, said=("is a file and no model",))
    refused("compare", trained.folder, other.folder, "nowhere.csv", code=2, said=("nowhere.csv: no such file",))


def test_the_same_model_twice(refused, trained, two_tones):
    refused("compare", trained.folder, trained.model, two_tones, code=2, said=("is the same model as",))


def test_what_is_no_model_or_no_metric(refused, trained, other, two_tones):
    refused("compare", trained.folder, "nowhere/at/all", two_tones, code=2, said=("no such folder",))
    refused("compare", trained.folder, other.folder, two_tones, "--metric", "accurracy", code=2, said=("did you mean",))
    refused("compare", trained.folder, other.folder, two_tones, "--side", "tset", code=2, said=("expected one of",))
    refused("compare", trained.folder, other.folder, two_tones, "train.lr=1", code=2, said=("models as they are",))


def test_labels_that_one_does_not_know(refused, trained, other, tmp_path):
    three = makers.tones(tmp_path / "three", each=2, labels=("high", "low", "mid"))
    said = (f"{trained.folder}: the data has 1 label(s) that the model does not know: 'mid'",)
    refused("compare", trained.folder, other.folder, three, code=1, said=said)


def test_a_metric_that_cannot_be_measured(refused, trained, other, tmp_path):
    makers.tones(tmp_path / "one", each=3, labels=("high",), seed=700)
    said = ("ROC AUC cannot be measured", "--metric")
    refused("compare", trained.folder, other.folder, tmp_path / "one", "--metric", "roc_auc", *NONE, code=1, said=said)


def test_one_label_beside_several(refused, trained, trained_several, two_tones):
    said = ("exactly one: they cannot be compared",)
    refused("compare", trained.folder, trained_several.folder, two_tones, code=2, said=said)


def test_a_model_of_frames(refused, trained, other, two_tones, monkeypatch):
    plain = Predictor.__init__

    def made(self, *given, **how):
        plain(self, *given, **how)
        self.model.frame_level = True

    monkeypatch.setattr(Predictor, "__init__", made)
    refused("compare", trained.folder, other.folder, two_tones, code=2, said=("labels frames", "events.use=clips"))


def test_results_are_not_replaced_unasked_nor_a_run(refused, trained, other, two_tones, tmp_path):
    (tmp_path / "comparison.json").write_text("{}", encoding="utf-8")
    refused("compare", trained.folder, other.folder, two_tones, "--out", tmp_path, code=2, said=("--overwrite",))
    refused("compare", trained.folder, other.folder, two_tones, "--out", trained.folder, code=2, said=("holds a run",))


def test_runs_that_were_tested_on_other_clips(refused, trained, two_tones, tmp_path, other):
    new = makers.tones(tmp_path / "new", each=2, seed=500)
    refused("compare", trained.folder, other.folder, new, "--side", "test", code=1, said=("--side all",))


def test_the_command_prints_the_sentence_first(audioft_command, trained, other, tmp_path):
    new = makers.tones(tmp_path / "new", each=12, seed=500)
    code, out, _ = audioft_command("compare", trained.folder, other.folder, new, *NONE, "-q")
    assert (code, out.split()[0]) == (0, "Take")


def test_times_are_taken_in_turn_and_the_median_counts(trained, other, two_tones, monkeypatch):
    order, clock = [], iter(range(1000))
    monkeypatch.setattr(Predictor, "scores", lambda self, sounds: order.append(self.folder) or [])
    monkeypatch.setattr(cost.time, "process_time", lambda: next(clock) ** 2)
    models = [Predictor(trained), Predictor(other)]
    times = cost.timed(models, [], 3, lambda done: None)
    first, second = trained.model, other.model
    assert order == [first, second, second, first, first, second, second, first]
    # two readings of the clock a pass, after one of each model's first pass, which does not count
    assert times == [[(2 * k + 3) ** 2 - (2 * k + 2) ** 2 for k in ks] for ks in ((1, 2, 5), (0, 3, 4))]


def test_a_cost_has_time_size_and_memory(trained, two_tones):
    from audioft.data import manifest

    clips = manifest.load(os.fspath(two_tones)).clips
    predictor = Predictor(trained)
    (found,) = cost.costs([predictor], clips, 1, QUIET)
    files = [p for p in trained.model.rglob("*") if p.is_file()]
    assert found.size_bytes == sum(len(p.read_bytes()) for p in files)
    assert found.parameters == sum(p.numel() for p in predictor.model.parameters())
    assert found.seconds_per_minute > 0
    assert found.peak_bytes is None or found.peak_bytes > 4 * found.parameters


def test_the_newest_card_that_is_of_the_model_is_taken(trained, tmp_path):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(trained.folder, run)
    candidate = Candidate(os.fspath(run), (Predictor(run),))
    assert robustness.of(candidate) is None

    def card(place, model, kept, age):
        place.mkdir()
        own = {"value": kept, "low": kept - 0.1, "high": None}
        about = {"model": model, "data": "data"}
        told = {"suite": 1, "about": about, "relative_robustness": own, "rows": [{"kind": "white", "severity": 1}]}
        (place / "robustness.json").write_text(json.dumps(told), encoding="utf-8")
        weights = (run / "model" / "model.safetensors").stat().st_mtime
        os.utime(place / "robustness.json", (weights + age, weights + age))

    card(run / "before", os.fspath(run), 0.1, -10)  # of other weights
    card(run / "theirs", "somewhere/else", 0.2, 50)
    card(run / "older", os.fspath(run), 0.3, 10)
    card(run / "newer", os.fspath(run), 0.4, 20)
    assert robustness.of(candidate).kept.value == 0.4
    (run / "newer" / "robustness.json").write_text("{", encoding="utf-8")
    os.utime(run / "newer" / "robustness.json")
    found = robustness.of(candidate)
    assert found.kept.value == 0.3
    assert robustness.notes([found, None, found]) == []


def test_a_clip_is_labelled_by_the_run_that_held_it_out():
    asked = [(f"{i:016d}", "") for i in range(5)]

    def heard(*sides):
        return Heard.of(asked, sides)

    crossed = [heard("test", "train", "valid", "train", ""), heard("train", "test", "test", "valid", "")]
    assert shared_clips.held_out("runs", crossed, asked)[0].tolist() == [0, 1, 1, -1, -1]
    # as runs of folds with one test side: each clip but those is validated on by one of them
    folds = [heard("valid", "train", "train", "valid", "test"), heard("train", "valid", "valid", "train", "test")]
    place, notes = shared_clips.held_out("runs", folds, asked)
    assert place.tolist() == [0, 1, 1, 0, -1]
    assert "validated on" in notes[0]
    with pytest.raises(DataError, match="does not tell"):
        shared_clips.held_out("runs", [heard("test", "", "", "", ""), None], asked)


def test_several_processes_are_refused(trained, other, two_tones, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="one process"):
        audioft.compare([trained, other], two_tones, console=QUIET)
