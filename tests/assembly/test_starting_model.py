"""A run that goes on from a classifier keeps its head where the labels are the same, and says what it made."""

from __future__ import annotations

import makers
import pytest
import tiny
import torch
from transformers import Wav2Vec2FeatureExtractor

import audioft
from audioft.assembly import starting_model
from audioft.configuration.config import Config
from audioft.errors import ConfigError, DataError, ModelError, UsageError
from audioft.models import folder as folders
from audioft.models.folder import ModelCard
from audioft.models.heads.kept_head import keep_head
from audioft.models.hub import is_id

QUICK = {"train.epochs": 1, "train.lr": 1e-12, "train.head_lr": 1e-12, "data.workers": 0, "train.tensorboard": False}
QUICK |= {"evaluate.resamples": 0, "data.test": None, "data.valid": None, "train.weight_decay": 0}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A classifier as transformers writes it, its labels in no order."""
    path = tmp_path_factory.mktemp("source") / "model"
    model = tiny.make_model("wav2vec2", "ForSequenceClassification", num_labels=3)
    names = {0: "middle", 1: "high", 2: "low"}
    model.config.id2label, model.config.label2id = names, {v: k for k, v in names.items()}
    model.save_pretrained(path)
    Wav2Vec2FeatureExtractor().save_pretrained(path)
    return path


def trained(data, source, out, **more):
    run = audioft.finetune(data, start=source, out=out, overrides=QUICK | more.pop("overrides", {}), **more)
    return folders.load(run.model)


def test_the_same_labels_go_on(source, tones, tmp_path):
    model, card = trained(tones, source, tmp_path / "run")
    before, _ = folders.load(source)
    assert card.labels == ("middle", "high", "low")
    assert torch.allclose(model.head.classifier.weight, before.head.classifier.weight, atol=1e-6)
    clips = tiny.batch(tiny.noises([8000]))
    with torch.no_grad():
        assert (model(*clips) - before(*clips)).abs().max() < 1e-4


def test_other_labels_get_a_new_head(source, two_tones, tmp_path, capsys):
    model, card = trained(two_tones, source, tmp_path / "run")
    before, _ = folders.load(source)
    assert len(card.labels) == 2
    assert model.head.classifier.weight.shape[0] == 2
    assert torch.allclose(
        model.encoder.model.encoder.layers[0].attention.k_proj.weight,
        before.encoder.model.encoder.layers[0].attention.k_proj.weight,
        atol=1e-6,
    )
    assert "the head is made new, as the data has other labels" in capsys.readouterr().err


def test_labels_are_added(source, tmp_path, capsys):
    data = tiny.save_tones(tmp_path / "data", ("high", "shrill"))
    model, card = trained(data, source, tmp_path / "run", extend=True)
    before, _ = folders.load(source)
    assert card.labels == ("middle", "high", "low", "shrill")
    assert torch.allclose(model.head.classifier.weight[:3], before.head.classifier.weight, atol=1e-6)
    assert model.head.classifier.weight[3].abs().max() > 0
    assert "kept" in (told := capsys.readouterr().err)
    assert "newly made for 1: shrill" in told


def test_a_run_with_added_labels_is_measured(source, tmp_path):
    data = tiny.save_tones(tmp_path / "data", ("high", "shrill"))
    overrides = {"data.test": 0.3, "data.valid": 0.2}
    _, card = trained(data, source, tmp_path / "run", extend=True, overrides=overrides)
    assert 0 <= card.measured["test"]["accuracy"] <= 1


@pytest.mark.parametrize(
    ("head", "pooling"),
    [("linear", "mean"), ("mlp", "attentive_stats"), ("projection", "mean"), ("normalised", "mean")],
)
def test_every_head_keeps_its_rows(head, pooling):
    old = tiny.make_classifier(labels=3, seed=1, head=head, pooling=pooling)
    new = tiny.make_classifier(labels=4, seed=1, head=head, pooling=pooling)
    new.encoder.load_state_dict(old.encoder.state_dict())
    keep_head(new, old, [2, None, 0, 1])
    clips = tiny.batch(tiny.noises([8000, 5000]))
    with torch.no_grad():
        assert (new(*clips)[:, [2, 3, 0]] - old(*clips)).abs().max() < 1e-6
    with pytest.raises(ValueError, match="two forms"):
        keep_head(tiny.make_classifier(labels=3, head="mlp"), tiny.make_classifier(labels=3, head="linear"), [0, 1, 2])


def test_what_does_not_go_together(source, tones, tmp_path):
    with pytest.raises(UsageError, match="either an encoder or a model"):
        audioft.settings(tones, "mini", start=source)
    with pytest.raises(UsageError, match="say to which"):
        audioft.settings(tones, extend=True)
    with pytest.raises(ConfigError, match="prototypes are fitted to the clips that are given"):
        audioft.settings(tones, start=source, extend=True, few_shot=True)
    with pytest.raises(ConfigError, match="cannot be kept in another head"):
        trained(tones, source, tmp_path / "run", extend=True, overrides={"model.head": "mlp"})
    start = starting_model.load(Config(start={"model": str(source), "extend": True}))
    with pytest.raises(DataError, match="exactly one label a clip, the data any number"):
        start.labels(("high",), multilabel=True)


def test_a_run_of_our_own_is_gone_on_from(tones, tmp_path):
    path = tmp_path / "model"
    model = tiny.make_classifier("hubert", head="linear", pooling="attentive_stats", layers="weighted")
    folders.save(model, ModelCard(("high", "low", "middle"), False, 1.0), path, "")
    again, _ = trained(tones, path, tmp_path / "run")
    assert again.spec == model.spec
    assert torch.allclose(again.head.classifier.weight, model.head.classifier.weight, atol=1e-6)


def test_the_model_to_go_on_from_is_not_written_over(tones, tmp_path):
    model = tiny.make_classifier("hubert", head="linear")
    folders.save(model, ModelCard(("high", "low", "middle"), False, 1.0), tmp_path / "run" / "model", "")
    (tmp_path / "run" / "config.yaml").write_text("seed: 0\n")
    before = makers.files(tmp_path / "run")
    for start in (tmp_path / "run", tmp_path / "run" / "model"):
        with pytest.raises(UsageError, match="holds the model that the run is to go on from"):
            trained(tones, start, tmp_path / "run", overwrite=True)
    assert makers.files(tmp_path / "run") == before


def test_an_adapter_alone_is_to_be_merged_first(small_encoder, tones, tmp_path):
    path = makers.train(tones, small_encoder, tmp_path / "small", adapt={"name": "lora", "save": "adapter"}).folder
    with pytest.raises(UsageError, match="make it whole first, `audioft merge"):
        trained(tones, path, tmp_path / "run")


@pytest.mark.parametrize("wrong", ["encoder", "data", "start", "few"])
def test_a_run_is_replaced_only_by_one_that_can_begin(wrong, trained_run, tones, tmp_path, audioft_command):
    before = makers.files(trained_run)
    data = tiny.save_tones(tmp_path / "few", ("high", "low"), clips=1) if wrong == "few" else tones
    call = {
        "encoder": (data, "--encoder", tmp_path / "nosuch"),
        "data": (tmp_path / "gone",),
        "start": (data, "--from", tmp_path / "nosuch"),
        "few": (data, "data.test=0.3"),
    }[wrong]
    code, _, err = audioft_command("train", *call, "--out", trained_run, "--overwrite", "-q")
    assert code in (1, 2)
    assert "Traceback" not in err
    assert makers.files(trained_run) == before


@pytest.fixture(scope="module")
def trained_run(two_tones, small_encoder, tmp_path_factory):
    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("kept") / "run").folder


@pytest.fixture
def on_the_hub(source, tmp_path, monkeypatch):
    """What the hub's client has downloaded before."""
    import shutil

    import huggingface_hub.constants as constants

    place = tmp_path / "hub" / "models--somebody--tones"
    shutil.copytree(source, place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return "somebody/tones"


def test_a_classifier_by_its_hub_id(on_the_hub, tones, tmp_path, monkeypatch):
    import huggingface_hub

    download = huggingface_hub.snapshot_download
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **o: download(name, cache_dir=tmp_path / "hub", **o)
    )
    assert audioft.load_model(on_the_hub).labels == ("middle", "high", "low")
    report = audioft.evaluate(on_the_hub, tones, resamples=0)
    assert report.clips == 27
    with pytest.raises(ModelError, match="cannot be had from the hub"):
        audioft.load_model("somebody/else")


def test_what_could_be_a_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert is_id("MIT/ast-finetuned-audioset-10-10-0.4593")
    assert not is_id("runs/bird")  # a folder that is not there
    assert not is_id("bird")
    assert not is_id("a/b/c")
    assert not is_id("/a/b")


def test_an_old_checkpoint_without_safetensors(source, tmp_path):
    from safetensors.torch import load_file

    old = tmp_path / "old"
    old.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (old / name).write_bytes((source / name).read_bytes())
    torch.save(load_file(source / "model.safetensors"), old / "pytorch_model.bin")
    path = makers.tone(tmp_path / "a.wav", seconds=1.0)
    (ours,) = audioft.predict(source, [path])
    (theirs,) = audioft.predict(old, [path])
    assert ours.scores == theirs.scores
