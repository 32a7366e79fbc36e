"""Which settings matter: what explains the score comes first, and trials that are as good as equal explain nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audioft.tasks.search.importance import importance
from audioft.tasks.search.ledger import Entry
from audioft.tasks.search.space import read


@pytest.fixture
def space():
    return read({"train.lr": {"log": [1e-4, 1e-2]}, "train.weight_decay": {"uniform": [0, 0.3]}}, lambda given: given)


def trials(score):
    random = np.random.default_rng(0)
    found = []
    for n in range(24):
        settings = {
            "train.lr": float(10 ** random.uniform(-4, -2)),
            "train.weight_decay": float(random.uniform(0, 0.3)),
        }
        found.append(Entry(n, n, "complete", settings, (score(settings, n),), {}, {}))
    return found


def test_what_explains_the_score_comes_first(space):
    found = importance(trials(lambda s, n: abs(math.log10(s["train.lr"]) + 3)), space, 0)
    assert next(iter(found)) == "train.lr"
    assert found["train.lr"] > 0.8


@pytest.mark.parametrize("apart", [0.0, 1e-16, 1e-13])
def test_trials_that_are_as_good_as_equal_explain_nothing_or_little(space, apart):
    found = importance(trials(lambda s, n: 0.3384 + apart * n), space, 0)
    assert all(0 <= share <= 1 for share in found.values())
