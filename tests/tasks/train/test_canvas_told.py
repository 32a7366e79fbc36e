"""A run whose encoder lays clips on a canvas says how much silence it computes, before it does."""

from __future__ import annotations

import re

import makers
import pytest


@pytest.fixture
def call(two_tones, encoder_folder, audioft_command, tmp_path):
    """`call(kind, *arguments)`: a quick run with a tiny encoder of that family, and all that it says."""

    def run(kind: str, *arguments) -> str:
        quick = [*makers.QUICK_ARGUMENTS, "data.max_seconds=2"]
        code, out, said = audioft_command("train", two_tones, "--encoder", encoder_folder(kind), *quick, *arguments)
        assert code == 0, said
        return out + said

    return run


NOTE = "note: every window is laid on a canvas of 2 s: 75% of what is computed is silence; under a minute"
PADDING = "padding: 75.0% of what goes through the model in the first epoch, all of it on a canvas of 2 s a clip"


def test_a_dry_run_tells_of_the_silence_that_is_computed(call):
    said = call("whisper", "--dry-run")
    assert said.count(NOTE) == 1
    assert re.search(r"one pass over the \d+ clips to train and validate on, ", said)
    assert PADDING in said
    assert "puts clips of like length together" not in said
    assert "canvas" not in call("wav2vec2", "--dry-run")


def test_steps_of_so_many_seconds_hold_so_many_canvases(call):
    by_canvas, by_sound = (call(kind, "--dry-run", "train.batch_seconds=4") for kind in ("whisper", "wav2vec2"))
    clips = int(re.search(r"split: train (\d+)", by_canvas)[1])
    assert f"steps: 1 epochs of {-(-clips // 2)}\n" in by_canvas
    assert f"steps: 1 epochs of {-(-clips // 8)}\n" in by_sound


def test_training_tells_it_before_its_first_pass(call, tmp_path):
    said = call("whisper", "--out", tmp_path / "run", "freeze=all")
    assert said.count(NOTE) == 1
    assert said.index(NOTE) < said.index("cache:") < said.index(PADDING)
