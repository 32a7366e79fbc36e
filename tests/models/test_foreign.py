"""Classifiers that transformers wrote and audioft never made."""

from __future__ import annotations

import makers
import numpy as np
import pytest
import tiny
import torch
from transformers import Wav2Vec2FeatureExtractor, pipeline

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
    theirs = pipeline("audio-classification", model=str(folder), top_k=3)(io.read(path))
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


def test_an_encoder_alone_is_no_classifier(tmp_path):
    tiny.save_encoder(tmp_path / "encoder", "wav2vec2")
    with pytest.raises(ModelError, match=r"audioft\.json missing"):
        Predictor(tmp_path / "encoder")
