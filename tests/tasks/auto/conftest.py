"""A small work that tests share. Without Optuna, which is an extra, there is nothing to test here."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import makers
import pytest
import small_auto


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("optuna") is None:
        for item in (i for i in items if "tasks/auto" in str(i.path)):
            item.add_marker(pytest.mark.skip(reason="Optuna is not installed"))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    small_auto.make(monkeypatch)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> Path:
    """Two labels of twelve recordings; not to be changed."""
    return makers.tones(tmp_path_factory.mktemp("auto") / "all tones", each=12)


@pytest.fixture(scope="session")
def auto(small_encoder):
    """`auto(data, out, **given)`: a quiet call on a quick encoder."""
    return functools.partial(small_auto.auto, encoder=small_encoder)


@pytest.fixture(scope="session")
def whole(auto, recordings, tmp_path_factory):
    """A work that has ended; whoever changes it takes a copy."""
    with pytest.MonkeyPatch.context() as patch:
        small_auto.make(patch)
        return auto(recordings, tmp_path_factory.mktemp("auto") / "whole")
