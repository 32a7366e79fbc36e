"""Whisper's encoder on a canvas shorter than its own: what a Whisper made for clips of that length gives."""

from __future__ import annotations

import pytest
import tiny
import torch
import transformers

from audioft.models import folder
from audioft.models.card import ModelCard
from audioft.models.compression.thinned import on_canvas, thinned
from audioft.models.encoder import Encoder, Preprocessing

SECOND = {"max_source_positions": 50}


def made_for_a_second(long: Encoder) -> Encoder:
    """The same weights in a Whisper of one second; its positions are the first of the other's."""
    model = tiny.make_model("whisper", **SECOND)
    weights = long.model.state_dict()
    weights["embed_positions.weight"] = weights["embed_positions.weight"][:50]
    model.load_state_dict(weights)
    features = transformers.WhisperFeatureExtractor(chunk_length=1).to_dict()
    return Encoder(model, Preprocessing(16000, False, features), "whisper")


def test_as_if_it_was_made_for_it():
    encoder = tiny.make_encoder("whisper").eval()
    short = made_for_a_second(encoder).eval()
    clips = tiny.batch(tiny.noises([16000, 9000]))
    with torch.inference_mode():
        before = encoder.frames(*clips, every_layer=True)
        assert encoder.shorten_canvas(16000)
        found, expected = (e.frames(*clips, every_layer=True) for e in (encoder, short))
    assert (encoder.canvas_samples, encoder.max_samples) == (short.canvas_samples, short.max_samples) == (16000, 16000)
    assert found.lengths.tolist() == expected.lengths.tolist() == before.lengths.tolist()
    for ours, theirs, whole in zip(found.layers, expected.layers, before.layers, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-2)  # spectra end otherwise
        assert whole.shape[1] == 100
    assert not torch.allclose(found.states, before.states[:, :50], atol=1e-2)


def test_for_good(tmp_path):
    """As it is saved and loaded, also by transformers; all of it at a cost in proportion."""
    model = tiny.make_classifier("whisper")
    short = thinned(model, 2, canvas=1)
    clips = tiny.batch(tiny.noises([16000, 9000]))
    folder.save(short, ModelCard(("a", "b", "c"), False, 1.0), tmp_path / "short", "# short\n")
    again, _ = folder.load(tmp_path / "short")
    assert again.encoder.canvas_samples == 16000
    assert again.encoder.frames(*clips).states.shape[1] == 50
    torch.testing.assert_close(again(*clips), short(*clips))
    temporary = thinned(model, 2)
    temporary.encoder.shorten_canvas(16000)
    torch.testing.assert_close(again(*clips), temporary(*clips), atol=1e-3, rtol=1e-2)
    assert model.encoder.canvas_samples == 32000
    for seconds in (0, 3):
        with pytest.raises(ValueError, match="within 1 to 2"):
            on_canvas(model.encoder, seconds)
    with pytest.raises(ValueError, match="has no canvas that can be shortened"):
        on_canvas(tiny.make_encoder("ast"), 1)


def test_a_canvas_holds_whole_frames_and_is_never_longer_than_its_own():
    encoder = tiny.make_encoder("whisper")
    assert encoder.shorten_canvas(16001)
    assert encoder.canvas_samples == 16320
    assert encoder.shorten_canvas(10**6)
    assert encoder.canvas_samples == 32000


def test_others_stay_as_they_are():
    for kind in ("ast", "wav2vec2", "bert"):
        encoder = tiny.make_encoder(kind)
        before = (encoder.canvas_samples, encoder.max_samples)
        assert not encoder.shorten_canvas(16000)
        assert (encoder.canvas_samples, encoder.max_samples) == before
