"""What is computed in bfloat16 says what float32 says."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from audioft.data.clip import Clip
from audioft.data.windowed import Window
from audioft.evaluation.scoring import cast_products, score_windows
from audioft.inference.predictor import Predictor


def scores(model, precision):
    sources = [iter([Window(0, len(w), w)]) for w in tiny.noises([16000, 9000, 5000, 16000])]
    found = score_windows(model, sources, multilabel=False, precision=precision)
    return np.concatenate([w.scores for w in found if w.scores is not None])


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_weights_cast_once_give_what_autocast_gives(kind):
    model = tiny.make_classifier(kind)
    by_autocast = scores(model, "bf16")
    exact = scores(model, "fp32")
    cast = cast_products(model)
    assert any(p.dtype == torch.bfloat16 for p in cast.parameters())
    np.testing.assert_array_equal(scores(cast, "bf16"), by_autocast)
    np.testing.assert_array_equal(scores(model, "fp32"), exact)  # the model itself stays as it is


def test_a_predictor_in_bfloat16_agrees(trained, two_tones):
    clips = [Clip(p, p.name) for p in sorted(two_tones.rglob("*.wav"))]
    exact, quick = (Predictor(trained.folder, device="cpu", precision=p) for p in ("fp32", "bf16"))
    ours, theirs = (list(p.predict(clips)) for p in (exact, quick))
    assert [p.label for p in ours] == [p.label for p in theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert a.score == pytest.approx(b.score, abs=2e-2)
        assert sum(b.scores.values()) == pytest.approx(1, abs=1e-9)  # the softmax itself is not in bfloat16
    assert any(a.score != b.score for a, b in zip(ours, theirs, strict=True))


def test_auto_takes_what_the_device_has(trained, monkeypatch):
    monkeypatch.setattr("audioft.core.runtime.choose_precision", lambda asked, device: "bf16")
    assert Predictor(trained.folder, device="cpu", precision="auto").precision == "bf16"
