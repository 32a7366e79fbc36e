"""A model folder gives the numbers that were saved, here and in transformers, or an error that names the file."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny
import torch
import transformers
from _pytest.mark import ParameterSet
from safetensors.torch import load_file, save_file

import audioft
from audioft.errors import ModelError
from audioft.models import folder as folders
from audioft.models.folder import ModelCard
from audioft.models.loading import require_mask_embedding

LABELS = ("cat", "dog", "wren")
PROJECTION = {"name": "projection", "size": 20, "dropout": 0.3}
OWN = {"name": "own", "size": 20, "dropout": 0.3}
CLIPS = tiny.noises([9000, 5000, 720])
OTHERS = [k if isinstance(k, ParameterSet) else pytest.param(k) for k in tiny.EVERY if k != "wav2vec2"]


def card(multilabel=False, **more):
    return ModelCard(LABELS, multilabel, window=10.0, encoder={"name": "tiny"}, **more)


def make(kind="wav2vec2", layers="last", pooling="own", head=OWN):
    head = "own" if kind == "ast" and head == OWN else head
    model = tiny.make_classifier(kind, layers=layers, pooling=pooling, head=head)
    last = getattr(model.head, "classifier", getattr(model.head, "dense", None))
    with torch.no_grad():
        if last is not None:
            last.weight.mul_(30)
        if model.layer_sum is not None:
            model.layer_sum.layer_weights.copy_(torch.tensor([1.0, -1.0, 0.5, 2.0]))
        if last is not None:
            last.bias.sub_(logits(model).mean(0))  # scores of all labels, none near 1
    return model


def logits(model):
    with torch.no_grad():
        return model(*tiny.batch(CLIPS))


def check_round_trip(model, path):
    before = logits(model)
    folders.save(model, card(thresholds=(0.1, 0.2, 0.3)), path, "# card\n")
    assert torch.equal(logits(model), before)  # saving changes nothing
    loaded, about = folders.load(path)
    assert about == card(thresholds=(0.1, 0.2, 0.3))
    assert not loaded.training
    assert loaded.spec == model.spec
    assert loaded.encoder.preprocessing == model.encoder.preprocessing
    assert torch.equal(logits(loaded), before)
    assert before.std(0).max() > 1e-2
    assert (path / "README.md").read_text() == "# card\n"
    assert not any(f.suffix in (".bin", ".pt", ".pkl") for f in path.rglob("*"))


@pytest.mark.parametrize("layers", ["last", "weighted"])
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_round_trip_in_transformers_format(kind, layers, tmp_path):
    check_round_trip(make(kind, layers), tmp_path / "m")


@pytest.mark.parametrize("layers", ["last", "weighted"])
@pytest.mark.parametrize(
    ("pooling", "head"),
    [
        ("mean", "linear"),
        ("mean", {"name": "mlp", "size": 8, "depth": 2}),
        ("attentive_stats", PROJECTION),
        ({"name": "attentive_stats", "bottleneck": 7}, "linear"),
        ("attentive_stats", "mlp"),
        ("stats", "linear"),
        ({"name": "attentive_stats", "context": True}, "cosine"),
        ({"name": "xvector", "sizes": [8, 6], "kernels": [3, 1], "dilations": [2, 1]}, "linear"),
        ("mean", {"name": "cosine", "size": 8, "depth": 2, "subcenters": 3, "scale": 12.5}),
    ],
    ids=str,
)
def test_round_trip_in_our_own_format(pooling, head, layers, tmp_path):
    path = tmp_path / "m"
    check_round_trip(make("wav2vec2", layers, pooling, head), path)
    with pytest.raises(ValueError, match="audioft"):
        transformers.AutoModelForAudioClassification.from_pretrained(path)
    with pytest.raises(ValueError, match="audioft"):
        transformers.pipeline("audio-classification", model=str(path))


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_round_trip_in_our_own_format_of_other_families(kind, tmp_path):
    check_round_trip(make(kind, "weighted", "attentive_stats", "linear"), tmp_path / "m")


@pytest.mark.parametrize("head", [PROJECTION, "linear"], ids=str)
def test_a_mask_vector_made_for_training_is_kept(head, tmp_path):
    model = tiny.make_classifier("data2vec-audio", head=head, encoder={"mask_time_prob": 0.0})
    assert require_mask_embedding(model.encoder)
    folders.save(model, card(), tmp_path / "m", "")
    loaded, _ = folders.load(tmp_path / "m")
    assert torch.equal(loaded.encoder.model.masked_spec_embed, model.encoder.model.masked_spec_embed)


@pytest.mark.parametrize(
    ("kind", "layers", "multilabel"),
    [  # what becomes of logits is the same in every family
        *itertools.product(["wav2vec2"], ["last", "weighted"], [False, True]),
        *(pytest.param(*k.values, "last", False, marks=k.marks) for k in OTHERS),
        *(pytest.param(*k.values, "weighted", True, marks=k.marks) for k in OTHERS),
        ("ast", "last", True),
    ],
)
def test_transformers_pipeline_gives_our_probabilities(kind, layers, multilabel, tmp_path):
    path = tmp_path / "m"
    if (kind, layers) == ("ast", "weighted"):
        pytest.skip("transformers' class of the AST has no layer sum")
    folders.save(make(kind, layers), card(multilabel), path, "")
    waves = [(0.1 * c + 0.02).numpy().astype(np.float32) for c in CLIPS]
    for i, wave in enumerate(waves):
        soundfile.write(tmp_path / f"{i}.wav", wave, tiny.RATE, subtype="FLOAT")
    ours = list(audioft.predict(path, [tmp_path / f"{i}.wav" for i in range(len(waves))], device="cpu"))
    pipeline = transformers.pipeline("audio-classification", model=str(path), device="cpu")
    for prediction, wave in zip(ours, waves, strict=True):
        theirs = {p["label"]: p["score"] for p in pipeline(wave, top_k=None)}
        assert set(theirs) == set(LABELS)
        assert max(abs(theirs[k] - prediction.scores[k]) for k in LABELS) < 1e-4
        assert (abs(sum(theirs.values()) - 1) < 1e-5) != multilabel
    assert np.ptp([list(p.scores.values()) for p in ours], axis=0).max() > 1e-2


@pytest.fixture(scope="module", params=["transformers", "audioft"])
def saved(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "m"
    folders.save(make(head=OWN if request.param == "transformers" else "linear"), card(), path, "")
    return path


@pytest.fixture
def copied(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "m"))


def edit(path: Path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("name", folders.REQUIRED)
def test_a_missing_file_is_named(name, copied):
    (copied / name).unlink()
    with pytest.raises(ModelError, match=name):
        folders.load(copied)


def test_a_missing_encoder_is_named_and_not_looked_for_elsewhere(tmp_path, monkeypatch):
    path = tmp_path / "m"
    folders.save(make(head="linear"), card(), path, "")
    (path / "encoder" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="encoder"):
        folders.load(path)
    shutil.rmtree(path / "encoder")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"encoder/\S+ is missing"):
        folders.load("m")


def test_an_empty_folder_names_all(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json, model\.safetensors, preprocessor_config\.json, audioft\.json"):
        folders.load(tmp_path)


def test_labels_that_disagree(copied):
    edit(copied / "audioft.json", labels=["cat", "wren", "dog"])
    with pytest.raises(ModelError, match="agree"):
        folders.load(copied)
    edit(copied / "audioft.json", labels=["cat", "dog"])
    with pytest.raises(ModelError, match="agree"):
        folders.load(copied)


def test_a_head_of_another_shape(copied):
    weights = load_file(copied / "model.safetensors")
    name = next(k for k in weights if k.endswith("classifier.weight"))
    weights[name] = weights[name][:, :-1].contiguous()
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="m"):
        folders.load(copied)


def test_a_head_without_its_weights(copied):
    weights = load_file(copied / "model.safetensors")
    name = next(k for k in weights if k.endswith("classifier.bias"))
    del weights[name]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="is damaged"):
        folders.load(copied)
    (copied / "hashes.json").unlink()  # as if it had been made so on purpose
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        folders.load(copied)


def test_damaged_weights(copied):
    data = (copied / "model.safetensors").read_bytes()
    (copied / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError):
        folders.load(copied)


def test_descriptions_that_do_not_fit(copied):
    whole = json.loads((copied / "audioft.json").read_text())
    for changes, said in [
        ({"format_version": 99}, "format_version 99"),
        ({"pooling": {"name": "attentive_stats", "bottleneck": 4}}, "describe"),
        ({"layers": "weighted"}, "describe"),
    ]:
        (copied / "audioft.json").write_text(json.dumps(whole | changes))
        with pytest.raises(ModelError, match=said):
            folders.load(copied)
    for lost in ("labels", "preprocessing", "head", "layers", "window"):
        (copied / "audioft.json").write_text(json.dumps({k: v for k, v in whole.items() if k != lost}))
        with pytest.raises(ModelError, match=lost):
            folders.load(copied)
    (copied / "audioft.json").write_text("{")
    with pytest.raises(ModelError, match=r"audioft\.json"):
        folders.load(copied)


def test_a_folder_is_replaced_whole_or_stays(saved, tmp_path, monkeypatch):
    path = tmp_path / "m"
    shutil.copytree(saved, path)
    before = {f.name: f.read_bytes() for f in path.iterdir() if f.is_file()}

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "write_text", fail)
    with pytest.raises(audioft.AudioftError, match="No space left"):
        folders.save(make(), card(), path, "new")
    assert {f.name: f.read_bytes() for f in path.iterdir() if f.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m"]
