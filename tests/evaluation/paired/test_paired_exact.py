"""McNemar's test is scipy's binomial test; groups are exchanged as if all signs were tried."""

from __future__ import annotations

import itertools

import made_pairs
import numpy as np
import pytest
from scipy.stats import binomtest

from audioft.evaluation.paired import exact


def test_mcnemar_is_the_binomial_test():
    counts = [(b, c) for b in range(0, 40, 3) for c in range(40)] + [(480, 520), (0, 900), (1234, 1000), (5000, 5200)]
    for first, second in counts:
        if first + second:
            wanted = binomtest(first, first + second, 0.5).pvalue
            assert exact.mcnemar(first, second) == pytest.approx(wanted, abs=1e-12)
    assert exact.mcnemar(0, 0) == 1


def test_a_count_below_0_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        exact.mcnemar(-1, 3)


def test_groups_alone_are_mcnemar():
    random = np.random.default_rng(0)
    for _ in range(50):
        own = random.integers(-1, 2, size=30)
        wanted = exact.mcnemar(int((own > 0).sum()), int((own < 0).sum()))
        assert exact.exchanged(own) == pytest.approx(wanted, abs=1e-12)


def test_exchanged_groups_are_all_signs():
    random = np.random.default_rng(1)
    for _ in range(20):
        own = random.integers(-6, 7, size=9)
        sums = [abs(np.dot(signs, own)) for signs in itertools.product((-1, 1), repeat=len(own))]
        assert exact.exchanged(own) == pytest.approx(np.mean(np.array(sums) >= abs(own.sum())), abs=1e-12)


def test_many_large_groups_are_near_what_is_computed_for_fewer(monkeypatch):
    own = np.random.default_rng(2).integers(-40, 48, size=200)
    found = exact.exchanged(own)
    monkeypatch.setattr(exact, "MOST", 0)
    assert exact.exchanged(own) == pytest.approx(found, abs=0.01)


def test_leads_are_counted_by_group():
    first, second = np.array([1, 1, 0, 0, 1], bool), np.array([0, 1, 1, 0, 0], bool)
    assert exact.leads(first, second, np.array([0, 0, 1, 1, 1])).tolist() == [1, 0]


def test_alike_models_in_groups_are_told_apart_by_the_naive_test_only():
    """500 nulls of 30 groups of 8 clips; all 2,000 are in the benchmark."""
    random, wrong = np.random.default_rng(3), np.zeros(2)
    for _ in range(500):
        first, second, member = made_pairs.alike(random, groups=30, each=8, together=0.6)
        own = exact.leads(first, second, member), first.astype(int) - second
        wrong += [exact.exchanged(leads) < 0.05 for leads in own]
    grouped, naive = wrong / 500
    assert 0.02 <= grouped <= 0.08
    assert naive > 0.12
