"""The model that learns from the validation side too is trained for as long as the folds were best after."""

from __future__ import annotations

import pytest

import audioft
from audioft.assembly import recipe
from audioft.tasks.search import refit
from audioft.tasks.search.ledger import Entry


def refitted(epochs, **settings):
    config = audioft.settings("samples/keywords", overrides={"train.epochs": 22, "model.head": "mlp", **settings})
    return refit.of_both(config, Entry(3, 3, "complete", {}, (0.1,), {}, {"epochs": epochs}))


def test_for_the_median_of_the_folds():
    found = refitted([3, 0, 5, 4, 6])
    assert (found.train.epochs, found.train.metric, found.train.patience) == (4, "last", 0)
    assert found.model.head == "mlp"
    assert found.data.valid is None


@pytest.mark.parametrize("given", [{}, {"freeze": "feature_extractor"}])
def test_folds_that_kept_the_probe_make_a_run_that_keeps_it(given):
    found = refitted([3, 0, 0, 0, 0], **given)
    assert found.data.valid is None
    assert recipe.of_data(found, 120).train.epochs == 0, "22 epochs with nothing to stop them were worse than none"
