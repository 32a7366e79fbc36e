"""`train --folds`: an ordinary run a fold, each clip scored by who has not learnt it, and one model of all."""

import csv
import shutil

import makers
import numpy as np
import pytest

import audioft
from audioft.errors import UsageError
from audioft.inference.predictor import Predictor

QUIET = audioft.Console(quiet=True)


@pytest.fixture(scope="module")
def folded(two_tones, small_encoder, tmp_path_factory):
    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("runs") / "folds", train__folds=2)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def sides(run):
    return {row["path"]: row["split"] for row in rows(run / "manifest.csv")}


def test_every_clip_that_is_not_tested_is_out_of_one_fold(folded):
    whole = sides(folded.folder)
    first, second = (sides(folded.folder / "folds" / n) for n in "12")
    for path, side in whole.items():
        both = {first[path], second[path]}
        assert both == ({"test"} if side == "test" else {"train", "valid"})
    held = rows(folded.folder / "out_of_fold.csv")
    assert sorted(r["path"] for r in held) == sorted(p for p, side in whole.items() if side == "train")


def test_out_of_fold_scores_are_those_of_who_has_not_learnt_the_clip(folded, two_tones):
    own = sides(folded.folder / "folds" / "2")
    held = [r for r in rows(folded.folder / "out_of_fold.csv") if own[r["path"]] == "valid"]
    model = Predictor(folded.folder / "folds" / "2")
    for row, p in zip(held, model.predict([two_tones / r["path"] for r in held]), strict=True):
        assert np.isclose(float(row["score:high"]), p.scores["high"], atol=1e-6)


def test_the_model_is_the_ensemble_of_the_folds(folded, two_tones):
    path = sorted(two_tones.rglob("*.wav"))[0]
    found, *each = (
        next(iter(Predictor(p).predict(path))).scores["low"]
        for p in (folded, folded.folder / "folds" / "1", folded.folder / "folds" / "2")
    )
    assert np.isclose(found, np.mean(each), atol=1e-6)
    assert folded.report.side == "test"
    assert folded.config.train.folds == 2


def test_a_killed_run_goes_on_with_the_folds_that_are_left(folded, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folded.folder, copy)
    for gone in ("model", "report.json", "out_of_fold.csv", "folds/2"):
        place = copy / gone
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    with pytest.raises(UsageError, match="already holds a run"):
        audioft.finetune(folded.config.data.source, config=folded.folder / "config.yaml", out=copy, console=QUIET)
    before = (copy / "folds" / "1" / "report.json").stat().st_mtime_ns
    audioft.finetune(out=copy, resume=True, console=QUIET)
    assert (copy / "folds" / "1" / "report.json").stat().st_mtime_ns == before
    same = ("model/model.safetensors", "folds/2/model/model.safetensors", "out_of_fold.csv", "report.json")
    assert all((copy / name).read_bytes() == (folded.folder / name).read_bytes() for name in same)


def test_two_runs_in_folds_are_stacked(folded, two_tones, small_encoder, refused, trained, tmp_path):
    other = makers.train(two_tones, small_encoder, tmp_path / "other", train__folds=2, model__head="mlp")
    stack = ("--how", "stack", "--out", tmp_path / "x")
    refused("ensemble", folded.folder, trained.folder, *stack, code=2, said=("--folds 5",))
    made = audioft.ensemble([folded, other], tmp_path / "stack", how="stack", resamples=0, console=QUIET)
    assert "that their models were not trained on" in made.about
    path = sorted(two_tones.rglob("*.wav"))[0]
    assert np.isclose(sum(next(iter(Predictor(made).predict(path))).scores.values()), 1)
    weighed = audioft.ensemble([folded, other], tmp_path / "weighted", how="weighted", resamples=0, console=QUIET)
    assert "out_of_fold.csv" in weighed.about


def test_what_does_not_go_with_folds_is_told(train, two_tones, refused):
    train(two_tones, "--folds", "1", code=2, said=("folds",))
    train(two_tones, "--folds", "2", "--budget", "5m", code=2, said=("--budget", "leave out one"))
    train(two_tones, "--folds", "9", code=1, said=("9 folds",))
    train(two_tones, "data.fold=3/2", code=2, said=("data.fold", "2/5"))


def test_a_plan_of_folds_is_that_of_the_first(two_tones, audioft_command, train_arguments):
    code, out, err = audioft_command("train", two_tones, *train_arguments, "--folds", "2", "--dry-run")
    assert code == 0, err
    assert "2 models, one a fold" in out
