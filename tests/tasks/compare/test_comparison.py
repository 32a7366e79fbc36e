"""Two runs compared on the same clips: figures, files, kept scores, and what models have heard before."""

from __future__ import annotations

import csv
import json
import os
import shutil

import makers
import numpy as np
import pytest

import audioft
from audioft.core.progress import Console
from audioft.evaluation.paired import exact
from audioft.evaluation.paired.gaps import FOLDS, RESAMPLED
from audioft.tasks.compare import scores

QUIET = Console(quiet=True)
HOW = {"rounds": 0, "resamples": 100, "console": QUIET}


@pytest.fixture(scope="module")
def other(two_tones, small_encoder, tmp_path_factory):
    """A run on `two_tones` that knows them worse."""
    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("runs") / "other", train__lr=0.01)


@pytest.fixture(scope="module")
def new_tones(tmp_path_factory):
    """Recordings that no model has heard."""
    return makers.tones(tmp_path_factory.mktemp("new") / "tones", each=12, seed=100)


@pytest.fixture(scope="module")
def compared(trained, other, new_tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    return audioft.compare([trained, other], new_tones, out=out, **HOW), out


def test_figures_are_those_of_evaluate(compared, trained, other, new_tones, tmp_path):
    found, _ = compared
    right = []
    for row, run in zip(found.rows, (trained, other), strict=True):
        report = audioft.evaluate(run, new_tones, out=tmp_path / row.short[-5:], resamples=100, console=QUIET)
        assert row.score == report.metrics["accuracy"]
        assert row.roc_auc == pytest.approx(report.figures["roc_auc"])
        with open(tmp_path / row.short[-5:] / "predictions.csv", encoding="utf-8") as file:
            right.append(np.array([r["label"] == r["predicted"] for r in csv.DictReader(file)]))
    (gap,) = found.gaps
    assert gap.alone == ((right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum())
    assert gap.p == exact.mcnemar(*gap.alone)
    assert gap.change.value == pytest.approx(right[1].mean() - right[0].mean())
    assert (found.clips, found.counted, found.foremost) == (24, "24 clips", "")


def test_what_is_printed_and_written_is_the_same(compared, trained, other):
    found, out = compared
    with open(out / "comparison.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [r["model"] for r in table] == [os.fspath(trained), os.fspath(other)]
    assert [float(r["accuracy"]) for r in table] == pytest.approx([r.score.value for r in found.rows], abs=1e-6)
    kept = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert kept["take"] == found.best.name
    assert kept["pairs"][0]["p"] == pytest.approx(found.gaps[0].p)
    page = (out / "comparison.html").read_text(encoding="utf-8")
    assert "://" not in page
    for row in found.rows:
        assert f"{row.score.value:.3f}" in page
        assert f"{row.score.value:.3f}" in str(found)
    assert " ".join(str(found).split()).startswith(found.sentence)


def test_kept_scores_are_taken_and_only_those_of_the_same(compared, trained, other, new_tones, tmp_path, monkeypatch):
    found, kept = compared
    out, heard = tmp_path / "out", []
    shutil.copytree(kept, out)
    plain = scores._heard
    monkeypatch.setattr(scores, "_heard", lambda p, *more: heard.append(p.folder) or plain(p, *more))
    again = audioft.compare([trained, other], new_tones, out=out, overwrite=True, **HOW)
    assert heard == []
    assert [r.score for r in again.rows] == [r.score for r in found.rows]
    assert [r.reused for r in again.rows] == [24, 24]
    changed = tmp_path / "tones"
    shutil.copytree(new_tones, changed)
    makers.tone(changed / "low" / "low_00.wav", 300.0, seed=999)
    audioft.compare([trained, other], changed, out=out, overwrite=True, **HOW)
    assert heard == [trained.model, other.model]


def test_predictions_of_a_run_are_taken_if_they_are_the_models(trained, other, two_tones, tmp_path):
    found = audioft.compare([trained, other], two_tones, side="test", **HOW)
    tested = len((trained.folder / "predictions.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert [r.reused for r in found.rows] == [tested, tested]
    copied = tmp_path / "run"
    shutil.copytree(trained.folder, copied)
    with open(copied / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(copied / "predictions.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(r | {"score:high": r["score:low"], "score:low": r["score:high"]} for r in rows)
    again = audioft.compare([copied, other], two_tones, side="test", **HOW)
    assert again.rows[0].reused == 0
    assert again.rows[0].score == found.rows[0].score


def test_models_that_were_trained_on_the_clips_are_told_first_and_none_is_taken(trained, other, two_tones):
    found = audioft.compare([trained, other], two_tones, **HOW)
    assert "were trained on by" in str(found).splitlines()[0]
    assert found.best is None
    assert "--side test" in found.sentence


def test_clips_of_a_side_are_those_of_every_model(two_tones, small_encoder, tmp_path):
    rows = ["file_name,label,first,second"]
    for i, path in enumerate(sorted(two_tones.rglob("*.wav"))):
        rows.append(f"{path},{path.parent.name},{'x' if i % 6 < 3 else 'y'},{'x' if i % 6 in (1, 2, 3) else 'y'}")
    table = tmp_path / "table.csv"
    table.write_text("\n".join([*rows, ""]), encoding="utf-8")
    runs = [
        makers.train(table, small_encoder, tmp_path / by, data__test=f"{by}=x", data__allow_outside=True)
        for by in ("first", "second")
    ]
    found = audioft.compare(runs, table, side="test", overrides=["data.allow_outside=true"], **HOW)
    assert found.clips == 4
    assert "trained on" not in found.foremost
    assert any("4 clips of 12 were on the test side" in note for note in found.notes)


def test_labels_that_only_one_knows_are_never_given_by_the_other(trained, new_tones, small_encoder, tmp_path):
    three = makers.tones(tmp_path / "three", labels=("high", "low", "mid"))
    run = makers.train(three, small_encoder, tmp_path / "run")
    found = audioft.compare([trained, run], new_tones, **HOW)
    assert any("does not know mid" in note for note in found.notes)
    alone = audioft.evaluate(run, new_tones, resamples=100, console=QUIET)
    assert found.rows[1].score.value == alone.figures["accuracy"]


def test_several_labels_a_clip(trained_several, chords, small_encoder, tmp_path):
    run = makers.train(chords, small_encoder, tmp_path / "run", train__epochs=1, seed=4)
    found = audioft.compare([trained_several, run], chords / "metadata.csv", **HOW)
    assert found.metric == "map"
    assert found.gaps[0].test == RESAMPLED
    alone = audioft.evaluate(run, chords / "metadata.csv", resamples=100, console=QUIET)
    assert found.rows[1].score == alone.metrics["map"]


def test_runs_of_folds_are_compared_fold_by_fold(two_tones, small_encoder, tmp_path):
    rows = ["file_name,label,fold"]
    for i, path in enumerate(sorted(two_tones.rglob("*.wav"))):
        rows.append(f"{path},{path.parent.name},{i % 3}")
    table = tmp_path / "folds.csv"
    table.write_text("\n".join([*rows, ""]), encoding="utf-8")
    outside = {"data__allow_outside": True}
    for name, seed in (("one", 1), ("two", 2)):
        for fold in range(3):
            place = tmp_path / name / f"fold-{fold}"
            makers.train(table, small_encoder, place, seed=seed, data__test=f"fold={fold}", **outside)
    how = HOW | {"overrides": ["data.allow_outside=true"]}
    found = audioft.compare([tmp_path / "one", tmp_path / "two"], table, **how)
    assert (found.clips, found.gaps[0].test, [r.models for r in found.rows]) == (12, FOLDS, [3, 3])
    assert found.foremost.count("trained on") == 0
    alone = [
        audioft.evaluate(tmp_path / "one" / f"fold-{k}", table, side="test", resamples=10, console=QUIET,
                         overrides=["data.allow_outside=true"]).figures["accuracy"]
        for k in range(3)
    ]  # fmt: skip
    assert found.rows[0].score.value == pytest.approx(np.mean(alone))


def test_a_classifier_of_transformers_beside_a_run(trained, new_tones, tmp_path):
    import tiny
    from transformers import Wav2Vec2FeatureExtractor

    model = tiny.make_model("wav2vec2", "ForSequenceClassification", num_labels=2)
    model.config.id2label, model.config.label2id = {0: "low", 1: "high"}, {"low": 0, "high": 1}
    model.save_pretrained(tmp_path / "theirs")
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "theirs")
    found = audioft.compare([trained, tmp_path / "theirs"], new_tones, **HOW)
    alone = audioft.evaluate(tmp_path / "theirs", new_tones, resamples=100, console=QUIET)
    assert found.rows[1].score == alone.metrics["accuracy"]
    assert found.rows[1].roc_auc == pytest.approx(alone.figures["roc_auc"])
