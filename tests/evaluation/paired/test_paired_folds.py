"""Nadeau and Bengio's test is the paired t-test with a variance that counts what folds share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from audioft.evaluation.paired.folds import corrected


def test_without_what_is_shared_it_is_the_t_test():
    changes = np.random.default_rng(0).normal(0.02, 0.03, 10)
    found, wanted = corrected(changes, learnt=1, tested=0), stats.ttest_1samp(changes, 0)
    assert found.p == pytest.approx(wanted.pvalue, abs=1e-12)
    interval = wanted.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_what_is_shared_widens_it():
    changes = np.random.default_rng(1).normal(0.02, 0.03, 10)
    t = changes.mean() / math.sqrt((1 / 10 + 1 / 9) * changes.var(ddof=1))
    assert corrected(changes, learnt=90, tested=10).p == pytest.approx(2 * stats.t.sf(abs(t), 9), abs=1e-12)


def test_folds_that_do_not_vary_and_one_alone():
    assert corrected(np.zeros(5), 80, 20).p == 1
    assert corrected(np.full(5, 0.1), 80, 20).p == 0
    assert math.isnan(corrected(np.array([0.1]), 80, 20).p)
    with pytest.raises(ValueError, match="folds"):
        corrected(np.array([]), 80, 20)
