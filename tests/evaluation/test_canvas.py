"""Encoders of a canvas of fixed length: what goes through at once is counted with it, and its silence is told."""

from __future__ import annotations

import makers
import numpy as np
import pytest
import tiny
import torch

from audioft.data.batching import StepPlan
from audioft.evaluation import canvas
from audioft.evaluation.embeddings import embed_clips
from audioft.evaluation.probe import embed
from audioft.evaluation.recording_embeddings import pooled
from audioft.evaluation.scoring import score


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Eight clips of 0.4 s, where a tiny Whisper's canvas is 2 s and a tiny AST's 2.6 s."""
    folder = tmp_path_factory.mktemp("short")
    return [makers.clip(makers.tone(folder / f"{i}.wav", 200 + 50 * i, 0.4)) for i in range(8)]


def sizes(encoder, monkeypatch) -> list[int]:
    """How many clips go through at a time, from now on."""
    found: list[int] = []
    features = encoder.backbone.features
    monkeypatch.setattr(encoder.backbone, "features", lambda w, n: (found.append(len(w)), features(w, n))[1])
    return found


@pytest.mark.parametrize(("kind", "most"), [("whisper", 3), ("ast", 2), ("wav2vec2", 8)])
def test_a_canvas_counts_with_its_whole_length(clips, kind, most, monkeypatch):
    """Six seconds at once, of predictions, pooled vectors and embeddings."""
    model = tiny.make_classifier(kind)
    found = sizes(model.encoder, monkeypatch)
    passes = {
        "scores": lambda s: list(score(model, clips, window=2.0, multilabel=False, batch_seconds=s)),
        "pooled": lambda s: pooled(model, clips, window=2.0, batch_seconds=s),
        "layers": lambda s: embed_clips(model.encoder, clips, max_seconds=2.0, batch_seconds=s),
        "probe": lambda s: embed(model.encoder, tiny.noises([6400] * 8), round(16000 * s)),
    }
    for name, run in passes.items():
        found.clear()
        run(6.0)
        assert sum(found) == 8, name
        assert max(found) <= most, name
        found.clear()
        run(0.1)
        assert max(found) == 1, name


def test_what_is_computed_is_told_beside_what_is_heard(clips):
    found = embed_clips(tiny.make_encoder("whisper"), clips, max_seconds=2.0)
    assert (round(found.heard, 3), round(found.computed, 3)) == (3.2, 16)
    found = embed_clips(tiny.make_encoder("wav2vec2"), clips, max_seconds=2.0)
    assert found.computed == found.heard


def test_steps_of_so_many_seconds_count_a_canvas():
    seconds = np.linspace(0.5, 12, 60)
    plan = StepPlan(60, 16, seed=0, seconds=seconds, batch_seconds=90.0, canvas=30.0)
    assert {len(step) for step in plan.epoch(0)} == {3}
    assert plan.padding(0) == pytest.approx(1 - seconds.sum() / (60 * 30))
    by_number = StepPlan(60, 16, seed=0, seconds=seconds, canvas=30.0)
    assert by_number.padding(0) == pytest.approx(plan.padding(0))
    assert sorted(d.index for step in plan.epoch(0) for d in step) == list(range(60))


def test_windows_of_clips():
    short = canvas.windows([0.8] * 10, 10, 30)
    assert (short.count, short.mean, short.cut) == (10, 30, False)
    assert short.silence == pytest.approx(1 - 0.8 / 30)
    hours = canvas.windows([3600.0, 0.0], 10, 30)
    assert (hours.count, hours.sound, hours.computed, hours.cut) == (360, 3600, 10800, True)
    assert canvas.windows([3600.0], 10, 30, crops=True).count == 1
    assert canvas.windows([], 10, 30).silence == 0
    both = short + hours
    assert (both.count, both.computed, both.longest, both.cut) == (370, 11100, 30, True)
    assert canvas.windows([0.8, 5.0], 10, 0).silence == 0


def test_the_sentence_names_silence_time_and_what_helps():
    encoder = tiny.make_encoder("whisper")
    said = canvas.told(encoder, canvas.windows([0.5] * 1200, 2, 2), 2.0, 0.9)
    assert "on a canvas of 2 s: 75% of what is computed is silence" in said
    assert "about 18 min for one pass over 1200 windows, 0.9 s a window however short" in said
    assert "about 9 min" in canvas.told(encoder, canvas.windows([0.5] * 1200, 2, 2), 2.0, 0.9, processes=2)
    assert said.endswith("an encoder without a canvas, as mini, computes the sound alone")
    said = canvas.told(encoder, canvas.windows([60.0], 1, 2), 1.0, 0.9, "the clip")
    assert "pass over the clip" in said
    assert said.endswith("data.max_seconds=2 fills it, and takes fewer windows")


def test_one_canvas_is_timed_without_a_trace():
    encoder = tiny.make_encoder("whisper").train()
    torch.manual_seed(3)
    state = torch.get_rng_state()
    assert 0 < canvas.seconds_of_one(encoder) < 60
    assert encoder.training
    assert torch.equal(torch.get_rng_state(), state)
