"""`audioft auto` made small: few trials, and encoders that pass in this process."""

from __future__ import annotations

import functools

import passes
import pytest

import audioft
from audioft.tasks.auto import measuring, settings_search

QUIET = audioft.Console(quiet=True)
TRIALS = 3


def make(patch: pytest.MonkeyPatch) -> None:
    """Until the patch is undone."""
    patch.setattr(settings_search, "TRIALS", TRIALS)
    patch.setattr(settings_search, "FROZEN", settings_search.FROZEN.replace("[4, 24]", "[1, 2]"))
    patch.setattr(audioft, "search", functools.partial(audioft.search, folds=2, seeds=1))
    patch.setattr(measuring, "_afforded", lambda work: ([], 5, 0))
    passes.here(patch)


def auto(data, out, encoder=None, **given):
    """A quiet call, of two minutes where it begins."""
    own = {} if given.get("resume") else {"encoders": [encoder], "minutes": 2}
    return audioft.auto(data, out=out, console=QUIET, **{**own, **given})
