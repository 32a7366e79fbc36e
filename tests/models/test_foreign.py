"""Classifiers that transformers wrote and audioft never made."""

from __future__ import annotations

import json
import re

import makers
import numpy as np
import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file
from transformers import Wav2Vec2FeatureExtractor

from audioft.audio import io
from audioft.errors import ModelError
from audioft.inference.predictor import Predictor

LABELS = {0: "yes", 1: "no", 2: "maybe"}


@pytest.fixture(params=["wav2vec2", "hubert", "wavlm", "data2vec-audio"])
def folder(request, tmp_path):
    model = tiny.make_model(request.param, "ForSequenceClassification", num_labels=3)
    model.config.id2label, model.config.label2id = LABELS, {v: k for k, v in LABELS.items()}
    model.save_pretrained(tmp_path / "model")
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_its_labels_and_scores_are_the_pipelines(folder, tmp_path):
    path = makers.tone(tmp_path / "a.wav", seconds=12.0)  # longer than a window that audioft would choose
    predictor = Predictor(folder)
    assert predictor.labels == tuple(LABELS.values())
    (found,) = predictor.predict([makers.clip(path)])
    theirs = transformers.pipeline("audio-classification", model=str(folder), top_k=3)(io.read(path))
    assert found.scores == pytest.approx({t["label"]: t["score"] for t in theirs}, abs=1e-4)
    assert len(predictor.timeline(path).windows) == 1
    assert len(predictor.timeline(path, window=4.0).windows) == 5


def test_several_labels_where_its_config_says_so(tmp_path):
    model = tiny.make_model("wav2vec2", "ForSequenceClassification", num_labels=3)
    model.config.problem_type = "multi_label_classification"
    model.save_pretrained(tmp_path / "model")
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "model")
    predictor = Predictor(tmp_path / "model")
    (found,) = predictor.predict([makers.clip(makers.tone(tmp_path / "a.wav", seconds=1.0))])
    with torch.inference_mode():
        logits = predictor.model(*tiny.batch([torch.from_numpy(normalised(tmp_path / "a.wav"))]))[0]
    assert list(found.scores.values()) == pytest.approx(logits.double().sigmoid().tolist(), abs=1e-6)
    assert set(found.labels) == {k for k, v in found.scores.items() if v >= 0.5}


def normalised(path):
    samples = io.read(path)
    return ((samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)).astype(np.float32)


@pytest.mark.parametrize(
    ("labels", "problem", "said"),
    [
        (3, "regression", "it estimates numbers"),
        (1, "regression", "it estimates numbers"),
        (1, None, "it has one label for everything"),
        (1, "single_label_classification", r"config\.json cannot be used: .*num_labels > 1"),
    ],
)
def test_what_gives_no_labels_is_refused(labels, problem, said, tmp_path):
    model = tiny.make_model("wav2vec2", "ForSequenceClassification", num_labels=labels)
    model.save_pretrained(tmp_path / "model")
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"problem_type": problem}))
    with pytest.raises(ModelError, match=said):
        Predictor(tmp_path / "model")


def test_an_encoder_alone_is_no_classifier(tmp_path):
    tiny.save_encoder(tmp_path / "encoder", "wav2vec2")
    with pytest.raises(ModelError, match=r"audioft\.json missing"):
        Predictor(tmp_path / "encoder")


def changed(folder, **config):
    """Its `config.json` with these in it; None takes one out."""
    path = folder / "config.json"
    kept = json.loads(path.read_text(encoding="utf-8")) | config
    path.write_text(json.dumps({k: v for k, v in kept.items() if v is not None}), encoding="utf-8")


@pytest.fixture
def four(tmp_path):
    """A head of four rows."""
    model = tiny.make_model("wav2vec2", "ForSequenceClassification", num_labels=4)
    model.save_pretrained(tmp_path / "model")
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


NAMED = {"0": "go", "1": "left", "2": "right", "3": "stop"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"id2label": {"0": "go", "1": "left", "2": "right"}, "label2id": None}, "names 3 labels, the head has 4"),
        ({"id2label": NAMED | {"4": "up"}, "label2id": None}, "names 5 labels, the head has 4"),
        ({"id2label": None, "label2id": None}, "names no labels (id2label), the head has 4"),
        ({"id2label": NAMED | {"2": "go"}, "label2id": None}, "two labels in config.json are called 'go' (0 and 2)"),
        (
            {"id2label": NAMED, "label2id": {"left": 0, "go": 1, "right": 2, "stop": 3}},
            "in id2label 0 is 'go', in label2id it is 'left'",
        ),
        ({"label2id": {"go": "0"}}, "in id2label 0 is 'LABEL_0', in label2id it is 'go'"),
    ],
)
@pytest.mark.parametrize("kind", ["safetensors", "pickled"])
def test_labels_that_are_not_those_of_the_head_are_refused(config, said, kind, four, refused, tmp_path):
    changed(four, **config)
    if kind == "pickled":
        torch.save(load_file(four / "model.safetensors"), four / "pytorch_model.bin")
        (four / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=re.escape(said)):
        Predictor(four)
    refused("predict", four, makers.tone(tmp_path / "a.wav"), code=1, said=(said,))


@pytest.mark.parametrize("back", [None, {v: k for k, v in NAMED.items()}, {f"LABEL_{i}": i for i in range(4)}], ids=str)
def test_names_that_agree_or_that_nobody_gave_are_no_contradiction(back, four):
    changed(four, id2label=NAMED, label2id=back)
    assert Predictor(four).labels == tuple(NAMED.values())


def test_labels_that_nobody_named_are_told(four, audioft_command, tmp_path):
    code, out, err = audioft_command("predict", four, makers.tone(tmp_path / "a.wav"))
    assert (code, "note: the labels are LABEL_0 to LABEL_3" in err) == (0, True), err
    assert "LABEL_" in out


def test_an_ast_has_its_head_elsewhere(tmp_path):
    tiny.make_model("ast", "ForAudioClassification", num_labels=4).save_pretrained(tmp_path / "model")
    tiny.make_extractor("ast").save_pretrained(tmp_path / "model")
    changed(tmp_path / "model", id2label={"0": "go"}, label2id=None)
    with pytest.raises(ModelError, match="names 1 label, the head has 4"):
        Predictor(tmp_path / "model")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"num_hidden_layers": 1}, r"layers\.1\.\S+ has no place"),
        ({"classifier_proj_size": 5}, r"projector\.bias is \(\d+,\), not \(5,\)"),
    ],
)
def test_a_config_of_another_model_is_refused(config, said, four):
    changed(four, **config)
    with pytest.raises(ModelError, match=f"config.json describes another model than model.safetensors holds: .*{said}"):
        Predictor(four)
