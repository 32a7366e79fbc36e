"""Exact intervals against scipy's own, and what an effective number of clips makes of groups, of errors and of bias."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from audioft.evaluation.effective_size import Basis, bounds, of_clips, of_draws, of_totals


@pytest.mark.parametrize(("right", "clips"), [(0, 2), (2, 2), (7, 7), (32, 32), (1, 1), (0, 1), (31, 32), (250, 500)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_a_share_of_clips_that_stand_alone_is_clopper_pearsons(right, clips, level):
    expected = binomtest(right, clips).proportion_ci(level, "exact")
    found = of_clips(np.arange(clips) < right, np.arange(clips), level=level)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("errors", [0, 1, 7, 40])
def test_a_rate_of_things_that_stand_alone_is_garwoods(errors):
    """Garwood (1936), by chi square; a rate may be over 1."""
    expected = (chi2.ppf(0.025, 2 * errors) / 40 if errors else 0, chi2.ppf(0.975, 2 * errors + 2) / 40)
    assert bounds(errors / 20, Basis(20, np.ones(20)), errors / 400, rate=True) == pytest.approx(expected)


def test_groups_count_for_less_than_their_clips_and_for_no_less_than_themselves():
    groups = np.repeat(np.arange(20), 5)
    alone, apart, together, alike = (
        of_clips(right, member)
        for right, member in (
            (np.arange(100) % 5 > 0, np.arange(100)),
            (np.arange(100) % 5 > 0, groups),  # one error in every group: they are not alike
            (groups % 5 > 0, groups),
            (np.arange(20) % 5 > 0, np.arange(20)),
        )
    )
    widths = [high - low for low, high in (alone, apart, together, alike)]
    assert widths[0] < widths[2] <= widths[3]
    assert widths[1] < widths[2]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_nothing_varies_clips_of_a_group_are_taken_for_half_alike(value):
    perfect = bounds(value, Basis(30, np.full(6, 5)), 0.0)
    assert perfect == pytest.approx(bounds(value, Basis(10, np.ones(10))))
    assert perfect == pytest.approx(of_totals(np.full(6, 5 * value), np.full(6, 5)))


def test_of_one_unit_there_is_no_interval_unless_it_is_a_clip():
    assert np.isnan(of_clips(np.ones(5), np.zeros(5))).all()
    assert np.isnan(of_draws(1.0, np.ones(9), Basis(5, np.array([5])))).all()
    assert np.isnan(of_draws(1.0, np.ones(9), Basis(5, np.array([5])), unseen=1.0)).all()
    assert of_clips(np.ones(1), np.zeros(1)) == pytest.approx((0.025, 1.0))
    assert np.isnan(of_clips(np.empty(0), np.empty(0))).all()
    assert np.isnan(bounds(np.nan, Basis(5, np.ones(5)))).all()


def test_every_interval_holds_its_value_and_lies_in_its_range():
    random = np.random.default_rng(0)
    for _ in range(300):
        value, counts = random.choice([0.0, 1e-9, random.random(), 1 - 1e-9, 1.0]), random.integers(0, 9, 7)
        draws = np.clip(value + random.normal(random.normal(0, 0.1), 0.3, 20), 0, 1)
        basis = Basis(random.choice([0.2, 3.0, 50.0]), counts)
        low, high = of_draws(value, draws, basis)
        assert 0 <= low <= value <= high <= 1
        assert low < high
        least, most = of_draws(5 * value, 5 * draws, basis, rate=True)
        assert 0 <= least <= 5 * value <= most


def test_with_many_errors_the_draws_say_how_wide_it_is():
    draws, basis = np.random.default_rng(0).normal(0.7, 0.01, 4000), Basis(400, np.ones(400))
    low, high = of_draws(0.7, draws, basis)
    assert high - low == pytest.approx(2 * 1.96 * 0.01, rel=0.15)  # and not 0.09, as of 400 clips


def test_a_figure_that_comes_out_too_high_may_be_lower():
    random, basis = np.random.default_rng(0), Basis(50, np.ones(50))
    fair, high, low = (of_draws(0.7, random.normal(m, 0.05, 4000), basis) for m in (0.7, 0.75, 0.65))
    assert high[0] < fair[0] - 0.05
    assert high[1] == pytest.approx(fair[1], abs=0.02)
    assert low[1] > fair[1] + 0.05


def test_labels_that_no_clip_has_leave_the_upper_bound_open():
    """Three of four labels were seen, all of them told rightly: 0.75 by convention."""
    low, high = of_draws(0.75, np.full(9, 0.75), Basis(30, np.ones(30)), unseen=0.25)
    assert low == pytest.approx(0.75 * of_clips(np.ones(30), np.arange(30))[0])
    assert high == 1
    assert of_draws(0.0, np.zeros(9), Basis(0, np.ones(30)), unseen=1.0) == (0, 1)
