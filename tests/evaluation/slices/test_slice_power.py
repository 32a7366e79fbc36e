"""How small a gap can be told: the test finds it in 80 of 100 draws, and not in 100."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.evaluation.slices.gaps import p_value
from audioft.evaluation.slices.outcomes import Outcomes
from audioft.evaluation.slices.power import least_gap, times_needed


def share_found(gap: float, inside: int, outside: int, level: float, draws: int = 300) -> float:
    found, count = 0, inside + outside
    for draw in range(draws):
        random = np.random.default_rng(draw)
        good = np.concatenate([random.random(inside) < 0.9 - gap, np.arange(outside) < 0.9 * outside])
        outcomes = Outcomes("accuracy", good.astype(float), np.ones(count), np.arange(count), np.arange(count))
        found += p_value(outcomes, np.arange(count) < inside) <= level
    return found / draws


@pytest.mark.parametrize(("inside", "level"), [(16, 0.05), (50, 0.005), (200, 0.001)])
def test_the_least_gap_is_found_in_80_of_100_draws(inside, level):
    least = least_gap(0.9, inside, 1000, level)
    assert share_found(least, inside, 1000, level) == pytest.approx(0.8, abs=0.08)


def test_more_clips_tell_smaller_gaps_and_a_stricter_level_larger_ones():
    by_size = [least_gap(0.9, n, 1000, 0.01) for n in (10, 20, 50, 200, 1000)]
    assert by_size == sorted(by_size, reverse=True)
    assert least_gap(0.9, 50, 1000, 0.001) > least_gap(0.9, 50, 1000, 0.05)
    assert least_gap(0.9, 2, 1000, 0.001) is None
    assert least_gap(0.9, 0, 1000, 0.05) is None


def test_with_as_many_times_the_data_the_gap_is_told():
    times = times_needed(0.9, -0.1, 50, 1000, 0.01)
    assert 3 < times < 6
    assert least_gap(0.9, 50 * times, 1000 * times, 0.01) == pytest.approx(0.1, abs=0.015)
    assert times_needed(0.9, 0.0, 50, 1000, 0.01) is None
