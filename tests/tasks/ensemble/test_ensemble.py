"""`audioft ensemble`: the members' mean through the ordinary ways, their worth, and what does not go together."""

import json
import shutil

import makers
import numpy as np
import pytest

import audioft
from audioft.assembly.joining.joined import Joined
from audioft.inference.predictor import Predictor

QUIET = audioft.Console(quiet=True)


@pytest.fixture(scope="module")
def again(two_tones, small_encoder, tmp_path_factory):
    """As `trained`, with other first weights but the same sides."""
    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("runs") / "again", model__head="mlp")


@pytest.fixture(scope="module")
def joined(trained, again, tmp_path_factory):
    return audioft.ensemble([trained, again], tmp_path_factory.mktemp("joined") / "both", resamples=20, console=QUIET)


def scores(model, paths):
    return np.stack([[p.scores[x] for x in sorted(p.scores)] for p in Predictor(model).predict(paths)])


def test_it_predicts_the_mean_of_its_members(joined, trained, again, two_tones):
    paths = sorted(two_tones.rglob("*.wav"))[:4]
    wanted = (scores(trained, paths) + scores(again, paths)) / 2
    assert np.allclose(scores(joined, paths), wanted, atol=1e-6)
    assert len(list((joined.folder / "encoders").iterdir())) == 2  # both were trained


def test_timelines_evaluation_and_the_report_take_it(joined, two_tones, audioft_command, tmp_path):
    path = sorted(two_tones.rglob("*.wav"))[0]
    assert Predictor(joined).timeline(path, window=0.2).windows.scores.shape[1] == 2
    report = audioft.evaluate(joined, two_tones, side="test", resamples=0, console=QUIET)
    assert report.figures["accuracy"] == joined.value
    few = ("--kinds", "quiet", "--severity", "1", "--side", "test", "--no-players")
    code, _, told = audioft_command("robustness", joined.folder, two_tones, *few, "--out", tmp_path / "card")
    assert code == 0, told


def test_it_says_what_each_member_is_worth(joined, trained):
    assert [c.name for c in joined.contributions] == ["tones", "again"]
    first, second = joined.contributions
    assert first.alone == second.without == trained.report.figures["accuracy"]
    assert first.adds == joined.value - first.without
    text = (joined.folder / "README.md").read_text()
    assert "which no way of joining them mends" in text
    assert "without it" in text
    assert str(Joined.load(joined.folder)) == str(joined)
    about = json.loads((joined.folder / "audioft.json").read_text())
    assert about["ensemble"] == {"how": "average", "over": "probabilities", "members": ["tones", "again"]}


def test_what_cannot_be_joined_is_refused(trained, trained_several, refused, tmp_path, two_tones):
    out = ("--out", tmp_path / "new")
    refused("ensemble", trained.folder, *out, code=2, said=("at least two",))
    refused("ensemble", trained.folder, trained.folder, *out, code=2, said=("named twice",))
    refused("ensemble", trained.folder, trained_several.folder, *out, code=2, said=("one label", "any number"))
    refused("ensemble", trained.folder, two_tones, *out, code=1, said=(str(two_tones),))
    refused(
        "ensemble",
        trained.folder,
        trained_several.folder,
        "--how",
        "mean",
        *out,
        code=2,
        said=("'mean'", "average, weighted"),
    )
    refused("ensemble", trained.folder, trained.model, "--out", trained.folder, code=2, said=("is not empty",))
    refused(
        "ensemble",
        trained.folder,
        trained_several.folder,
        "--how",
        "vote",
        "--over",
        "logits",
        *out,
        code=2,
        said=("leave it",),
    )
    assert not (tmp_path / "new").exists()


def test_other_labels_are_refused_or_united(trained, trained_several, small_encoder, refused, tmp_path, chords):
    tones = makers.tones(tmp_path / "tones", labels=("high", "low", "mid"))
    other = makers.train(tones, small_encoder, tmp_path / "other")
    refused(
        "ensemble",
        trained.folder,
        other.folder,
        "--out",
        tmp_path / "x",
        code=2,
        said=("does not know 'mid'", "--extend"),
    )
    fewer = makers.train(chords, small_encoder, tmp_path / "fewer", data__drop=["mid"])
    united = audioft.ensemble([fewer, trained_several], tmp_path / "united", console=QUIET)
    assert any("labels are those of all members" in n for n in united.notes)
    paths = sorted(chords.rglob("*.wav"))[:3]
    mine, theirs = Predictor(united), Predictor(trained_several)
    found, alone, both = ([p.scores for p in m.predict(paths)] for m in (mine, theirs, Predictor(fewer)))
    for a, b, c in zip(found, alone, both, strict=True):
        assert np.isclose(a["mid"], b["mid"], atol=1e-6)
        assert np.isclose(a["low"], (b["low"] + c["low"]) / 2, atol=1e-6)


def test_members_that_were_tested_on_other_sides_are_told(trained, two_tones, small_encoder, tmp_path):
    other = makers.train(two_tones, small_encoder, tmp_path / "other", seed=3)
    made = audioft.ensemble([trained, other], tmp_path / "both", resamples=0, console=QUIET)
    learnt = [n for n in made.notes if "tested on another side" in n]
    assert learnt
    assert "left out of the figures" in learnt[0]
    assert made.clips < trained.report.clips


def test_members_without_their_data_are_joined_and_not_measured(trained, again, tmp_path):
    for name, run in (("a", trained), ("b", again)):
        shutil.copytree(run.model, tmp_path / name)
    made = audioft.ensemble([tmp_path / "a", tmp_path / "b"], tmp_path / "both", how="vote", console=QUIET)
    assert made.figure == ""
    assert "Not measured" in (made.folder / "README.md").read_text()
    with pytest.raises(audioft.errors.UsageError, match="none of the members is a run"):
        audioft.ensemble([tmp_path / "a", tmp_path / "b"], tmp_path / "w", how="weighted", console=QUIET)


def test_weights_are_fitted_to_the_validation_side(trained, again, tmp_path):
    made = audioft.ensemble([trained, again], tmp_path / "both", how="weighted", resamples=0, console=QUIET)
    assert "validation clips that no member was trained on" in made.about


def test_a_soup_is_one_model_of_runs_with_one_start(trained, again, two_tones, small_encoder, refused, tmp_path):
    out = ("--how", "soup", "--out", tmp_path / "soup")
    other = makers.train(two_tones, small_encoder, tmp_path / "other", seed=1)
    refused("ensemble", trained.folder, other.folder, *out, code=2, said=("seed 0", "with 1", "--from"))
    refused("ensemble", trained.folder, again.folder, *out, code=2, said=("one architecture", "mlp"))
    refused("ensemble", trained.model, again.model, *out[:3], tmp_path / "x", code=2, said=("one architecture",))
    runs = [
        audioft.finetune(
            two_tones, start=trained, out=tmp_path / f"from{i}", overrides=makers.QUICK | {"seed": i}, console=QUIET
        )
        for i in range(2)
    ]
    made = audioft.ensemble(runs, tmp_path / "soup", how="soup", resamples=0, console=QUIET)
    assert not (made.folder / "members").exists()
    assert (made.folder / "model.safetensors").is_file()
    greedy = audioft.ensemble(runs, tmp_path / "greedy", how="greedy-soup", resamples=0, console=QUIET)
    assert "taken while the log loss" in greedy.about


def test_training_goes_on_from_a_member_not_from_all(joined, two_tones, train_arguments, refused, tmp_path):
    quick = train_arguments[2:]
    told = ("2 models joined", "members/0")
    refused("train", two_tones, "--from", joined.folder, *quick, "--out", tmp_path / "a", code=2, said=told)
    member = joined.folder / "members" / "1"
    on = audioft.finetune(two_tones, start=member, out=tmp_path / "b", overrides=makers.QUICK, console=QUIET)
    assert on.config.model.head == "own"
    assert (on.model / "audioft.json").is_file()


def test_speakers_are_enrolled_where_the_heads_embed(two_tones, small_encoder, audioft_command, tmp_path):
    head = {"model__head": {"name": "cosine", "size": 4}}
    runs = [makers.train(two_tones, small_encoder, tmp_path / f"{i}", seed=i, **head) for i in range(2)]
    joined = audioft.ensemble(runs, tmp_path / "both", resamples=0, console=QUIET)
    code, _, told = audioft_command("enroll", joined.folder, "ada", two_tones / "high", "--anyway")
    assert code == 0, told
    pair = sorted(two_tones.rglob("*.wav"))[:2]
    found = audioft.verify(joined, *pair, threshold=0.5, console=QUIET)
    each = [audioft.verify(run, *pair, threshold=0.5, console=QUIET) for run in runs]
    assert np.isclose(found.score, np.mean([e.score for e in each]), atol=1e-6)
