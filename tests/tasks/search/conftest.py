"""Without Optuna, which is an extra, there is nothing to test here."""

from __future__ import annotations

import importlib.util

import makers
import pytest
from small_search import QUICK, QUIET, SPACE

import audioft


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("optuna") is None:
        for item in (i for i in items if "tasks/search" in str(i.path)):
            item.add_marker(pytest.mark.skip(reason="Optuna is not installed"))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return makers.tones(tmp_path_factory.mktemp("search") / "tones", each=8)


@pytest.fixture(scope="session")
def search(data, small_encoder):
    def call(out, **given):
        how = {"trials": 4, "folds": 2, "seeds": 1, "space": SPACE, "overrides": QUICK, "console": QUIET}
        return audioft.search(data, out=out, encoder=str(small_encoder), **{**how, **given})

    return call
