"""Embeddings of recordings, that two are compared by."""

from __future__ import annotations

import makers
import numpy as np
import pytest
import soundfile
import tiny
import torch
from torch.nn import functional as F

from audioft.data.batching import pad
from audioft.errors import UsageError
from audioft.evaluation.recording_embeddings import embed
from audioft.inference.predictor import Predictor
from audioft.speakers.pair_scores import unit


def waves(path, *spans):
    """Parts of a recording as the encoder hears them, each prepared by itself."""
    samples = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
    parts = [samples[a:b] for a, b in spans]
    return [(p - p.mean()) / (p.var(unbiased=False) + 1e-7).sqrt() for p in parts]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    return [
        makers.tone(folder / "long.wav", 400, 1.3),
        makers.tone(folder / "short.wav", 900, 0.4),
        makers.tone(folder / "other.wav", 2000, 0.7),
    ]


def test_an_embedding_is_the_mean_over_windows_of_length_one(recordings):
    model = tiny.make_classifier(pooling="mean")
    found = embed(model, [makers.clip(recordings[0])], window=0.5)
    # 1.3 s in windows of 0.5 s: the last one ends at the end
    spans = [(0, 8000), (8000, 16000), (12800, 20800)]
    with torch.inference_mode():
        each = [F.normalize(model.embed(*pad([w])).double(), dim=-1)[0] for w in waves(recordings[0], *spans)]
    assert found.vectors[0] == pytest.approx(torch.stack(each).mean(0).numpy(), abs=1e-5)
    assert found.kept.tolist() == [0]
    assert found.failures == {}


def test_what_is_beside_a_recording_does_not_change_its_embedding(recordings):
    model = tiny.make_classifier()
    clips = [makers.clip(p) for p in recordings]
    together = embed(model, clips, window=0.5).vectors
    alone = np.concatenate([embed(model, [c], window=0.5, batch_seconds=0.5).vectors for c in clips])
    assert together == pytest.approx(alone, abs=1e-5)
    assert model.training is False


def test_a_head_that_embeds_has_the_last_word(recordings, monkeypatch):
    model = tiny.make_classifier()
    clips = [makers.clip(p) for p in recordings]
    pooled = embed(model, clips, window=5).vectors
    turn = torch.randn(pooled.shape[1], 4)
    monkeypatch.setattr(type(model.head), "embed", lambda self, x: x @ turn, raising=False)
    found = embed(model, clips, window=5).vectors
    assert found.shape == (3, 4)
    assert found == pytest.approx(unit(pooled @ turn.double().numpy()), abs=1e-5)


def test_broken_recordings_are_named_and_the_others_stay_in_their_places(recordings, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF nothing")
    half = tmp_path / "half.flac"
    soundfile.write(half, np.random.default_rng(0).normal(0, 0.1, 32000), 16000)
    half.write_bytes(half.read_bytes()[:20000])
    model = tiny.make_classifier()
    clips = [makers.clip(p) for p in (broken, recordings[0], half, recordings[1])]
    found = embed(model, clips, window=0.5)
    assert found.kept.tolist() == [1, 3]
    assert set(found.failures) == {0, 2}
    assert found.failures[0].path == str(broken)
    good = embed(model, [clips[1], clips[3]], window=0.5)
    assert found.vectors == pytest.approx(good.vectors, abs=1e-5)
    assert embed(model, clips[:1], window=0.5).vectors.shape == (0, 0)


def test_a_model_of_frames_has_no_embedding(recordings):
    with pytest.raises(UsageError, match="labels frames"):
        embed(tiny.make_classifier(pooling="none", head="linear"), [makers.clip(recordings[0])], window=1)


def test_the_predictor_embeds_with_its_own_window(trained, two_tones):
    predictor = Predictor(trained)
    clips = [makers.clip(p) for p in sorted(two_tones.rglob("*.wav"))[:3]]
    heard = []
    found = predictor.embed(clips, heard.append)
    assert found.vectors == pytest.approx(embed(predictor.model, clips, window=predictor.window).vectors, abs=1e-6)
    assert heard[-1] == pytest.approx(1.5)
