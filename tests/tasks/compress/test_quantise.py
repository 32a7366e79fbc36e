"""Which parts of a model stay in floats, by what they do to calibration clips."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import tiny
import torch

from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.models.compression import int8
from audioft.models.compression.importance import Batch
from audioft.tasks.compress.steps import quantise


@pytest.fixture
def work():
    clips = [tiny.batch(tiny.noises([9000, 12000, 16000], seed)) for seed in range(2)]
    nothing = torch.zeros(3, 3), torch.ones(3, 3, dtype=torch.bool)
    batches = [Batch(*given, *nothing) for given in clips]
    original = SimpleNamespace(window=4.0)
    return SimpleNamespace(calibration=batches, multilabel=False, console=Console(quiet=True), original=original)


def make(work, model, tmp_path):
    return quantise.Quantise().make(model, 0, work, tmp_path)


def small(model) -> set[str]:
    return {n for n, m in model.encoder.model.named_modules() if isinstance(m, int8.Int8Linear)}


def test_everything_is_in_eight_bits_where_that_does_no_harm(work, tmp_path, monkeypatch):
    monkeypatch.setattr(quantise, "MOST", 1.0)
    model = tiny.make_classifier()
    made = make(work, model, tmp_path)
    assert small(made.model) == set(int8.candidates(model.encoder.model))
    assert made.about["float"] == []
    assert 0 < made.about["moved"] < 1
    assert not small(model)  # the original stays as it is
    assert make(work, made.model, tmp_path) is None  # a second time there is nothing to do


def test_what_does_harm_stays_in_floats_and_nothing_else(work, tmp_path, monkeypatch):
    model, own = tiny.make_classifier(), int8.quantised
    broken = model.encoder.model.encoder.layers[1].feed_forward.output_dense.weight.clone()

    def worse(linear, inputs=None):
        made = own(linear, inputs)
        if torch.equal(linear.weight, broken):
            made.scale *= -20
        return made

    monkeypatch.setattr(int8, "quantised", worse)
    monkeypatch.setattr(quantise, "MOST", 0.3)
    made = make(work, model, tmp_path)
    assert made.about["float"] == ["encoder.layers.1.feed_forward"]
    assert made.about["moved"] <= 0.3 < made.about["moved_alone"]["encoder.layers.1.feed_forward"]
    left = {n for n in int8.candidates(model.encoder.model) if "layers.1.feed_forward" not in n}
    assert small(made.model) == left
    assert "in floats, for what they move: encoder.layers.1.feed_forward" in made.said[1]


def test_a_model_that_bears_nothing_is_refused(work, tmp_path, monkeypatch):
    monkeypatch.setattr(quantise, "MOST", -1.0)
    with pytest.raises(UsageError, match="moves its logits too far"):
        make(work, tiny.make_classifier(), tmp_path)


def test_features_of_spectra_are_not_computed_in_bfloat16(work, tmp_path, monkeypatch):
    monkeypatch.setattr(quantise, "MOST", 1.0)
    encoder = make(work, tiny.make_classifier(), tmp_path).model.encoder
    assert encoder.bfloat16_front
    assert encoder.bfloat16_attention  # of 199 frames, and not of 49
    work.original.window = 1.0
    assert not make(work, tiny.make_classifier(), tmp_path).model.encoder.bfloat16_attention
    assert not make(work, tiny.make_classifier("ast"), tmp_path).model.encoder.bfloat16_front
