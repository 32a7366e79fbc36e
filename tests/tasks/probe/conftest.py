"""Passes of encoders in this process, and a cache of their own."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.errors import ModelError
from audioft.tasks.probe import encoder_pass


@pytest.fixture
def here(monkeypatch):
    """The passes in this process: a new one takes seconds to begin. What goes through the encoder is counted."""
    from audioft.evaluation import embeddings

    counted: list[int] = []
    embed = embeddings.embed

    def counting(encoder, waveforms, *rest):
        counted.append(len(waveforms))
        return embed(encoder, waveforms, *rest)

    def features(order, progress):
        said: list[dict] = []
        try:
            encoder_pass.carry_out(order, lambda answer: (said.append(answer), progress(answer.get("done", 0))))
        except Exception as e:
            raise ModelError(str(e)) from e
        return np.load(order.result), encoder_pass.Passed(**said[-1]["passed"])

    monkeypatch.setattr(embeddings, "embed", counting)
    monkeypatch.setattr(encoder_pass, "features", features)
    return counted


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "audioft" / "embeddings"
