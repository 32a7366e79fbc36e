"""Every family of encoders goes the whole way."""

from __future__ import annotations

import makers
import pytest
import tiny

import audioft
from audioft.errors import ConfigError, UsageError
from audioft.inference.predictor import Predictor
from audioft.models import families

KINDS = ("conformer-relative", "bert", "unispeech", "unispeech-sat", "sew", "sew-d", "ast", "whisper")


def test_every_family_is_tried():
    assert {tiny.make_config(k).model_type for k in tiny.KINDS} == set(families.FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_from_a_folder_to_labels(kind, tones, encoder_folder, tmp_path):
    run = makers.train(tones, encoder_folder(kind), tmp_path / "run", data__max_seconds=1.0)
    (ours,) = audioft.predict(run, [makers.tone(tmp_path / "a.wav", seconds=3.0)])
    assert ours.error is None
    assert sum(ours.scores.values()) == pytest.approx(1)


@pytest.mark.parametrize(("kind", "limit"), [("ast", 2.58), ("whisper", 2.0)])
def test_the_limit_of_a_canvas_is_told(kind, limit, tones, encoder_folder, tmp_path):
    with pytest.raises(ConfigError, match=rf"data\.max_seconds: 10 is more than .* takes at once; set .*={limit:g}"):
        makers.train(tones, encoder_folder(kind), tmp_path / "run", data__max_seconds=10.0)
    model = tiny.make_model(kind, "ForSequenceClassification", num_labels=3)
    model.save_pretrained(tmp_path / "model")
    tiny.make_extractor(kind).save_pretrained(tmp_path / "model")
    predictor = Predictor(tmp_path / "model")
    assert predictor.window == limit
    timeline = predictor.timeline(makers.tone(tmp_path / "a.wav", seconds=5.0))
    assert timeline.windows.ends[0] == limit
    with pytest.raises(UsageError, match="at once; shorten it"):
        predictor.timeline(tmp_path / "a.wav", window=5.0)


def test_a_canvas_has_no_masks_and_patches_no_moments(tones, encoder_folder, tmp_path):
    with pytest.raises(audioft.AudioftError, match="has no masks; leave latent out"):
        makers.train(tones, encoder_folder("whisper"), tmp_path / "a", data__max_seconds=1.0, latent={"time": 0.1})
    with pytest.raises(ValueError, match="answers for a clip, not for each frame"):
        tiny.make_classifier("ast", pooling="none")
    with pytest.raises(ValueError, match="'tokens' is not for wav2vec2; use 'mean'"):
        tiny.make_classifier("wav2vec2", pooling="tokens")
