"""Which trials are ended early."""

from __future__ import annotations

import pytest

from audioft.errors import UsageError
from audioft.tasks.search.ledger import COSTS, Entry

pytest.importorskip("optuna")

from audioft.tasks.search import pruning
from audioft.tasks.search.pruning import Pruning

#: What Optuna calls experimental nobody is told of.
pytestmark = pytest.mark.filterwarnings("error::optuna.exceptions.ExperimentalWarning")


def ended(number, value=0.4, steps=None, costs=None):
    about = {} if costs is None else {COSTS: {str(n): c for n, c in costs.items()}}
    return Entry(number, number, "complete", {}, (value,), steps or {}, about)


def running(number):
    return Entry(number, number, "running", {}, (), {}, {})


def costs(level, clips=40):
    return {n: level + 0.01 * (n % 7) for n in range(clips)}


def test_a_trial_that_is_worse_on_nearly_all_clips_is_ended_after_a_fold():
    known = [ended(i, 0.5 + 0.001 * i, costs=costs(0.5 + 0.001 * i)) for i in range(5)]
    how = Pruning("wilcoxon", False, 0, 1, 5)
    assert how.judge(running(5), known)(0, 0.8, {n: 0.8 + 0.01 * (n % 5) for n in range(16)})
    alike = {n: c + 0.02 * (-1) ** n for n, c in costs(0.5, 16).items()}
    assert not how.judge(running(5), known)(0, 0.5, alike)
    assert not how.judge(running(5), known)(0, 0.8, None)


def test_few_others_or_a_start_end_nothing():
    worse = dict.fromkeys(range(40), 9.0)
    known = [ended(i, costs=costs(0.5)) for i in range(5)]
    assert not Pruning("wilcoxon", False, 0, 1, 5).judge(running(3), known[:3])(0, 9.0, worse)
    assert not Pruning("wilcoxon", False, 0, 9, 5).judge(running(5), known)(0, 9.0, worse)
    assert not Pruning("wilcoxon", False, 3, 1, 5).judge(running(5), known)(0, 9.0, worse), (
        "those under way do not count"
    )
    assert not Pruning("none", False, 0, 1, 5).judge(running(5), known)(0, 9.0, worse)


@pytest.mark.parametrize("name", ["median", "hyperband"])
@pytest.mark.parametrize("higher", [False, True])
def test_epochs_end_a_trial_as_well(name, higher):
    sign = 1 if higher else -1
    known = [ended(i, 0.4 * sign, {step: sign * (0.1 + 0.01 * step) for step in range(1, 10)}) for i in range(12)]
    how = Pruning(name, higher, 0, 1, 9)
    found = {True: 0, False: 0}
    for number in range(12, 18):  # of several brackets
        for good in (True, False):
            judge = how.judge(running(number), known)
            found[good] += any(judge(step, sign * (5.0 if good else -5.0), None) for step in range(1, 10))
    assert found[True] == 0
    assert found[False] >= 3


@pytest.mark.parametrize(
    ("asked", "folds", "objectives", "said"),
    [
        ("wilcoxon", 1, 1, "--folds 5"),
        ("median", 5, 1, "epochs"),
        ("median", 1, 2, "one objective"),
        ("best", 1, 1, "unknown"),
    ],
)
def test_pruners_that_do_not_fit_are_refused(asked, folds, objectives, said):
    with pytest.raises(UsageError, match=said):
        pruning.fitting(asked, folds, objectives)


def test_auto_fits():
    assert [pruning.fitting("auto", *case) for case in ((5, 1), (1, 1), (5, 2))] == ["wilcoxon", "median", "none"]
