"""Passes of encoders in this process, and a cache of their own."""

from __future__ import annotations

import passes
import pytest


@pytest.fixture
def here(monkeypatch):
    """The passes in this process. What goes through the encoder is counted."""
    return passes.here(monkeypatch)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "audioft" / "embeddings"
