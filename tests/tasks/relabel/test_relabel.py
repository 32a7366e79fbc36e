"""`audioft relabel` and `audioft.relabel`: labels that stay keep their scores, merged ones add up."""

from __future__ import annotations

import dataclasses
import json
import shutil

import makers
import numpy as np
import pytest
import torch

import audioft
from audioft.errors import UsageError
from audioft.models import folder as folders
from audioft.models import heard
from audioft.models.classifier import AudioClassifier
from audioft.models.heads import merged_rows
from audioft.models.heads.kept_head import keep_head, relabelled
from audioft.models.hub import model_folder
from audioft.models.loading import load_encoder
from audioft.tasks.relabel import relabelling

QUIET = audioft.Console(quiet=True)
HEADS = ["projection", "linear", "mlp", "normalised", {"name": "cosine", "subcenters": 2}, "prototype"]


def logits(model):
    waves = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (3, 4000)).astype(np.float32))
    with torch.inference_mode():
        return model.eval()(waves, torch.tensor([4000, 3000, 4000]))


def near(one, other):
    return torch.allclose(one, other, rtol=1e-5, atol=1e-5)  # products of another size round otherwise


@pytest.fixture
def made(small_encoder):
    def classifier(head, labels=4):
        torch.manual_seed(0)
        model = AudioClassifier(load_encoder(str(small_encoder))[0], labels, head=head)
        for tensor in model.head.state_dict().values():
            tensor.copy_(torch.randn_like(tensor))
        return model

    return classifier


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_rows_are_left_out_ordered_and_taken_together(made, head):
    model = made(head)
    before = logits(model)
    assert near(logits(relabelled(model, [[2], [0]])), before[:, [2, 0]])
    merged = relabelled(model, [[1, 3], [0], [2]])
    after, scores = logits(merged).softmax(-1), before.softmax(-1)
    assert torch.allclose(after[:, 0], scores[:, 1] + scores[:, 3], atol=1e-6)
    assert torch.allclose(after[:, 1:], scores[:, [0, 2]], atol=1e-6)
    again = logits(relabelled(merged, [[2], [0, 1]])).softmax(-1)
    assert torch.allclose(again[:, 1], scores[:, [0, 1, 3]].sum(1), atol=1e-6)
    assert near(logits(relabelled(merged, [[1], [2]])), before[:, [0, 2]])
    assert relabelled(merged, [[1], [2]]).spec == model.spec
    assert torch.equal(logits(model), before)


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_labels_are_added_to_merged_ones(made, head):
    """In any order, and their rows are the only ones that are new."""
    merged = relabelled(made(head), [[1, 3], [0], [2]])
    before = logits(merged)
    for kept in ([0, 1, 2, None], [None, 2, 0, None, 1]):
        spec = merged_rows.with_labels(merged.spec["head"], kept)
        assert spec["parts"] == [1 if row is None else (2, 1, 1)[row] for row in kept]
        more = AudioClassifier(merged.encoder, len(kept), head=spec)
        keep_head(more, merged, kept)
        places = [kept.index(row) for row in range(3)]
        assert near(logits(more)[:, places], before)
    with pytest.raises(ValueError, match="heads of two forms"):
        keep_head(more, merged, [0, 2, None, None, 1])


@pytest.fixture(scope="module")
def three(small_encoder, tmp_path_factory):
    place = tmp_path_factory.mktemp("three")
    data = makers.tones(place / "data", labels=("high", "low", "mid"))
    return makers.train(data, small_encoder, place / "run"), data


def scores(model, data):
    return np.array([[p.scores[label] for label in sorted(p.scores)] for p in audioft.predict(model, data)])


def test_command_and_function_make_the_same_model(audioft_command, three, tmp_path):
    run, data = three
    call = ("relabel", run.folder, "--rename", "high=up", "--drop", "mid", "--out", tmp_path / "by command")
    code, out, err = audioft_command(*call)
    assert (code, out) == (0, f"{tmp_path / 'by command'}\n")
    assert "'high' is 'up' now" in err
    assert "left out: 'mid'" in err
    by_function = audioft.relabel(run, tmp_path / "by function", rename={"high": "up"}, drop="mid", console=QUIET)
    assert makers.files(by_function) == makers.files(tmp_path / "by command")
    before = scores(run, data)[:, :2]
    assert np.allclose(scores(by_function, data)[:, ::-1], before / before.sum(1, keepdims=True), atol=1e-5)


def test_its_folder_is_whole_and_transformers_reads_it(three, tmp_path):
    run, data = three
    made = audioft.relabel(run, tmp_path / "new", rename={"high": "up"}, drop=["mid"], console=QUIET)
    assert folders.load(made)[1].labels == ("up", "low")
    from transformers import AutoModelForAudioClassification

    assert AutoModelForAudioClassification.from_pretrained(made).config.id2label == {0: "up", 1: "low"}
    told = (made / "README.md").read_text()
    assert "Gives a recording one of these labels: `up`, `low`." in told
    assert "## Measured before it was relabelled" in told
    about = json.loads((made / "audioft.json").read_text())
    assert about["measured"] == {}
    assert about["reading"] == {"data.rename": {"high": "up"}, "data.drop": ["mid"]}
    assert audioft.evaluate(made, data, resamples=0, console=QUIET).clips == 12


def test_it_has_heard_what_the_model_has_heard(three, tmp_path):
    run, _ = three
    target = audioft.relabel(run, tmp_path / "new", drop=["mid"], console=QUIET)
    assert heard.of_folder(target) == heard.of_folder(model_folder(run.folder))
    assert heard.of_folder(target).recordings


def test_labels_that_are_only_renamed_keep_their_figures(three, tmp_path):
    run, _ = three
    made = audioft.relabel(run, tmp_path / "new", rename={"high": "low", "low": "high"}, console=QUIET)
    card = folders.load(made)[1]
    assert card.labels == ("low", "high", "mid")
    assert card.measured == folders.load(run.model)[1].measured
    assert card.reading == {"data.rename": {"high": "low", "low": "high"}}


def test_a_merged_model_goes_on_and_is_refused_by_transformers(three, tmp_path, small_encoder):
    run, data = three
    made = audioft.relabel(run, tmp_path / "new", merge={"tone": ["high", "low"]}, console=QUIET)
    before, after = scores(run, data), scores(made, data)
    assert np.allclose(after[:, 1], before[:, :2].sum(1), atol=1e-5)
    assert json.loads((made / "config.json").read_text())["model_type"] == "audioft"
    assert "\nlibrary_name: audioft\n" in (made / "README.md").read_text()
    for n, on in enumerate(({}, {"data.merge": {"tone": ["high", "low"]}})):
        how = makers.QUICK | on
        more = audioft.finetune(data, start=made, out=tmp_path / f"on {n}", overrides=how, console=QUIET)
        assert folders.load(more.model)[0].spec["head"]["parts"] == [2, 1]
    how = makers.QUICK | {"data.rename": {}}
    new = audioft.finetune(data, start=made, out=tmp_path / "anew", overrides=how, console=QUIET)
    assert folders.load(new.model)[0].spec["head"] == "projection"


def test_labels_are_added_to_a_merged_model(audioft_command, three, tmp_path):
    run, data = three
    made = audioft.relabel(run, tmp_path / "new", merge={"tone": ["high", "low"]}, console=QUIET)
    for i in range(6):
        makers.tone(tmp_path / "more" / "shrill" / f"{i}.wav", hz=3000.0, seed=i)
    shutil.copytree(data / "low", tmp_path / "more" / "low")
    how = (*makers.QUICK_ARGUMENTS, "train.lr=1e-12", "train.head_lr=1e-12", "data.rename={low: tone}")
    call = ("train", tmp_path / "more", "--from", made, "--extend", *how)
    code, _, err = audioft_command(*call, "--out", tmp_path / "run")
    assert code == 0, err
    assert "encoder and head kept" in err
    assert "for 2 labels; newly made for 1: shrill" in err
    (old, _), (new, card) = folders.load(made), folders.load(tmp_path / "run" / "model")
    assert card.labels == ("tone", "mid", "shrill")
    assert new.spec["head"]["parts"] == [2, 1, 1]
    assert near(logits(new)[:, :2], logits(old))
    assert scores(tmp_path / "run", data).shape == (18, 3)
    again = audioft.relabel(tmp_path / "run", tmp_path / "again", merge={"all": ["tone", "shrill"]}, console=QUIET)
    assert folders.load(again)[0].spec["head"]["parts"] == [3, 1]


def test_several_labels_a_clip(trained_several, tmp_path, audioft_command):
    made = audioft.relabel(trained_several, tmp_path / "new", drop=["low"], rename={"mid": "middle"}, console=QUIET)
    old, new = (folders.load(p)[1] for p in (trained_several.model, made))
    assert new.labels == ("high", "middle")
    assert new.thresholds == (old.thresholds[0], old.thresholds[2])
    one = folders.load(trained_several.model)[0]
    assert near(logits(folders.load(made)[0]), logits(one)[:, [0, 2]])
    with pytest.raises(
        UsageError, match=r"'high', 'low' cannot be made 'x'.*train with data\.merge='\{x: \[high, low\]\}'"
    ):
        audioft.relabel(trained_several, tmp_path / "no", merge={"x": ["high", "low"]}, console=QUIET)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "nothing is to be changed"),
        (("--rename", "hgh=up"), "--rename: no label is called 'hgh': did you mean 'high'?"),
        (("--drop", "mdi"), "--drop: no label is called 'mdi': did you mean 'mid'?"),
        (("--merge", "high,lo=x"), "--merge: no label is called 'lo': did you mean 'low'?"),
        (("--drop", "high", "--drop", "low"), "at least two must be left, and this leaves 1"),
        (("--rename", "high=x", "--rename", "high=y"), "--rename: 'high' cannot be both 'x' and 'y'"),
        (("--background", "rain"), "--background: no label is called 'rain'"),
    ],
)
def test_what_is_refused(refused, three, tmp_path, given, said):
    refused("relabel", three[0].folder, "--out", tmp_path / "out", *given, code=2, said=(said,))
    assert not (tmp_path / "out").exists()


ODD = {"high": "bird, small", "low": "a=b", "mid": 'say "no"'}


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (("--rename", '"a=b"=c'), ("bird, small", "c", 'say "no"')),
        (("--rename", "bird, small=bird", "--rename", 'say "no"="x=y"'), ("bird", "a=b", "x=y")),
        (("--rename", '"say ""no"""=no'), ("bird, small", "a=b", "no")),
        (("--merge", '"bird, small","a=b"=both'), ("both", 'say "no"')),
        (("--merge", 'say "no" , "a=b" = both'), ("bird, small", "both")),
        (("--drop", "bird, small"), ("a=b", 'say "no"')),
        (("--rename", "a=b=c"), """a name as 'bird, small' stands in double quotes: '"bird, small"=NEW'"""),
        (("--merge", 'bird, small,"a=b"=x'), "stands in double quotes"),
    ],
    ids=str,
)
def test_names_with_commas_and_equals_signs(audioft_command, three, tmp_path, given, labels):
    odd = audioft.relabel(three[0], tmp_path / "odd", rename=ODD, console=QUIET)
    code, _, err = audioft_command("relabel", odd, "--out", tmp_path / "new", *given)
    if isinstance(labels, str):
        assert (code, labels in err) == (2, True), err
    else:
        assert code == 0, err
        assert folders.load(tmp_path / "new")[1].labels == labels


@pytest.mark.parametrize(
    ("option", "words", "said"),
    [
        ("--rename", "high", "'high' is not OLD=NEW"),
        ("--merge", "high,low", "'high,low' is not A,B=NEW"),
        ("--merge", ",=x", "',=x' is not A,B=NEW"),
        ("--merge", '"a",' * 40, "is not A,B=NEW"),
    ],
)
def test_words_without_an_equals_sign(audioft_command, three, tmp_path, option, words, said):
    code, _, err = audioft_command("relabel", three[0].folder, "--out", tmp_path / "out", option, words)
    assert code == 2
    assert said in err
    assert "in double quotes" in err


def test_what_is_there_is_not_touched(refused, three, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    call = ("relabel", three[0].folder, "--drop", "mid", "--out", tmp_path / "mine")
    refused(*call, code=2, said=("is not empty; nothing there is touched",))
    assert makers.files(tmp_path / "mine").keys() == {"letter.txt"}


def test_background_follows_its_label(three):
    card = dataclasses.replace(folders.load(three[0].model)[1], background="low")

    def after(**new):
        return relabelling._background(card, {label: new.get(label, label) for label in card.labels})

    assert after() == "low"
    assert after(low="noise") == "noise"
    assert after(high="low") == "low"
    assert after(low=None) is None
    assert after(low="x", high="x") is None


def test_background_may_be_named(three, tmp_path):
    made = audioft.relabel(three[0], tmp_path / "new", background="low", console=QUIET)
    assert audioft.load_model(made).rules().skip == ("low",)


def test_a_model_of_frames(made, small_encoder):
    torch.manual_seed(0)
    model = AudioClassifier(load_encoder(str(small_encoder))[0], 3, pooling="none", head="linear")
    after = relabelled(model, [[2], [0]])
    assert after.frame_level
    assert near(logits(after), logits(model)[..., [2, 0]])


def test_names_that_nobody_gave_in_a_model_of_transformers(small_encoder, tmp_path):
    from transformers import AutoConfig, AutoModelForAudioClassification

    config = AutoConfig.from_pretrained(small_encoder, num_labels=3)
    AutoModelForAudioClassification.from_config(config).save_pretrained(tmp_path / "foreign")
    for name in ("preprocessor_config.json",):
        (tmp_path / "foreign" / name).write_bytes((small_encoder / name).read_bytes())
    names = {"LABEL_0": "dog", "LABEL_1": "cat", "LABEL_2": "owl"}
    made = audioft.relabel(tmp_path / "foreign", tmp_path / "named", rename=names, console=QUIET)
    assert audioft.load_model(made).labels == ("dog", "cat", "owl")
    assert near(logits(folders.load(made)[0]), logits(folders.load(tmp_path / "foreign")[0]))
    assert "Gives a recording one of these labels: `dog`, `cat`, `owl`." in (made / "README.md").read_text()


def test_an_adapter_alone_is_made_whole_first(two_tones, small_encoder, tmp_path, refused):
    adapt = {"name": "lora", "save": "adapter"}
    run = makers.train(two_tones, small_encoder, tmp_path / "run", adapt=adapt)
    call = ("relabel", run.folder, "--out", tmp_path / "new", "--rename", "high=up")
    refused(*call, code=2, said=("holds an adapter without its encoder", f"audioft merge {run.folder}"))
