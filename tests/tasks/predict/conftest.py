"""A model of short sounds, and recordings in which they take turns."""

from __future__ import annotations

from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile

RATE = makers.RATE
TURNS = (("high", 0.0, 1.5), ("low", 1.5, 4.0), ("high", 4.0, 5.25))


@pytest.fixture(scope="session")
def model(tmp_path_factory, small_encoder):
    """One that tells the tones from each other."""
    data = makers.tones(tmp_path_factory.mktemp("many") / "tones", each=12)
    out = tmp_path_factory.mktemp("runs") / "sure"
    return makers.train(data, small_encoder, out, train__epochs=12, train__head_lr=0.02, freeze="all").folder


@pytest.fixture(scope="session")
def turns(tmp_path_factory) -> Path:
    """A recording in which high and low take turns; its name has a blank."""
    wave = np.zeros(round(TURNS[-1][2] * RATE))
    for label, start, end in TURNS:
        at = np.arange(round(start * RATE), round(end * RATE))
        wave[at] = 0.3 * np.sin(2 * np.pi * makers.PITCHES[label] * at / RATE)
    wave += np.random.default_rng(0).normal(0, 0.02, len(wave))
    path = tmp_path_factory.mktemp("turns") / "high and low.flac"
    soundfile.write(path, wave, RATE)
    return path


@pytest.fixture
def predict(audioft_command, model):
    def call(*arguments, code: int = 0) -> tuple[str, str]:
        got, out, err = audioft_command("predict", model, *arguments)
        assert got == code, err
        assert "Traceback" not in err
        return out, err

    return call
