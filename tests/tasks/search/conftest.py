"""Without Optuna, which is an extra, there is nothing to test here."""

from __future__ import annotations

import importlib.util

import pytest


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("optuna") is None:
        for item in (i for i in items if "tasks/search" in str(i.path)):
            item.add_marker(pytest.mark.skip(reason="Optuna is not installed"))
