"""Tests of slices: the p-values are exact, groups stay together, and false alarms stay under the stated rate."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import fisher_exact, hypergeom

from audioft.evaluation.slices import columns, gaps
from audioft.evaluation.slices.hypergeometric import tails
from audioft.evaluation.slices.measure import measure, parts
from audioft.evaluation.slices.outcomes import Outcomes


def outcomes(good, unit=None, of=None, metric="accuracy") -> Outcomes:
    good = np.asarray(good, float)
    alone = np.arange(len(good))
    unit = alone if unit is None else np.asarray(unit)
    return Outcomes(metric, good, np.ones(len(good)) if of is None else np.asarray(of, float), unit, alone)


@pytest.mark.parametrize(("right", "inside", "others_right", "others"), [(3, 10, 28, 30), (9, 12, 5, 20), (5, 5, 9, 9)])
def test_clips_that_stand_alone_have_fishers_p_value(right, inside, others_right, others):
    good = [1] * right + [0] * (inside - right) + [1] * others_right + [0] * (others - others_right)
    table = [[right, inside - right], [others_right, others - others_right]]
    one_sided = (fisher_exact(table, alternative=side).pvalue for side in ("less", "greater"))
    found = gaps.p_value(outcomes(good), np.arange(inside + others) < inside)
    assert found == pytest.approx(min(1.0, 2 * min(one_sided)))


@pytest.mark.parametrize("clips", [40, 5000, 200_000])
def test_tails_are_those_of_scipy_near_the_middle_and_far_from_it(clips):
    inside, right = clips // 5, int(0.9 * clips)
    for share in (0.5, 0.85, 0.9, 0.97, 1.0):
        k = int(share * inside)
        exact = hypergeom.cdf(k, clips, right, inside), hypergeom.sf(k - 1, clips, right, inside)
        assert tails(k, inside, right, clips) == pytest.approx(exact, rel=1e-5, abs=1e-200)


def test_whole_groups_are_exchanged():
    """Against all ways to choose 5 of 10 groups of equal sizes, by the difference of their means."""
    random = np.random.default_rng(4)
    share = np.array([0.3, 0.4, 0.6, 0.5, 0.6, 0.9, 0.8, 1.0, 0.9, 0.7])
    good = (random.random((10, 20)) < share[:, None]).astype(float)
    totals = good.sum(axis=1)
    seen = abs(totals[:5].sum() - totals[5:].sum())
    ways = [abs(totals[list(c)].sum() * 2 - totals.sum()) for c in combinations(range(10), 5)]
    exact = np.mean(np.array(ways) >= seen - 1e-9)
    unit = np.repeat(np.arange(10), 20)
    assert 0.001 < exact < 0.05
    assert gaps.p_value(outcomes(good.ravel(), unit), unit < 5) == pytest.approx(exact, abs=0.01)


def test_clips_of_a_group_on_both_sides_are_exchanged_within_it():
    """A good speaker and a bad one, each with both devices: that speakers differ hides nothing and makes nothing up."""
    unit = np.repeat([0, 1], 40)
    device = np.tile([0, 1], 40).astype(bool)
    speakers = np.where(unit == 0, 1.0, 0.0)
    assert gaps.p_value(outcomes(speakers, unit), device) == 1.0
    worse = np.where(unit == 0, np.where(device & (np.arange(80) % 4 == 1), 0.0, 1.0), 0.0)
    assert gaps.p_value(outcomes(worse, unit), device) < 0.005


def test_many_clips_of_few_groups_are_no_more_than_the_groups():
    random = np.random.default_rng(0)
    good = random.random(40) < 0.8
    inside = np.arange(40) < 12
    good[:6] = False
    single = gaps.p_value(outcomes(good), inside)
    unit = np.repeat(np.arange(40), 25)
    copied = gaps.p_value(outcomes(good[unit], unit), inside[unit])
    assert single < 0.02
    assert 0.3 * single < copied < 3 * single
    assert gaps.p_value(outcomes(good[unit]), inside[unit]) < 1e-12  # taken for clips that stand alone


def test_of_fewer_than_five_groups_nothing_is_said():
    unit = np.repeat(np.arange(20), 10)
    good = (unit > 3).astype(float)
    assert np.isnan(gaps.p_value(outcomes(good, unit), unit < 4))
    assert np.isnan(gaps.p_value(outcomes(good), np.zeros(200, bool)))


def test_many_groups_are_compared_by_the_normal_distribution_and_that_agrees_with_draws(monkeypatch):
    random = np.random.default_rng(2)
    unit = np.repeat(np.arange(300), 3)
    inside = (np.arange(300) < 80)[unit]
    good = random.random(900) < np.where(inside, 0.83, 0.9)
    drawn = gaps.p_value(outcomes(good, unit), inside)
    monkeypatch.setattr(gaps, "MANY", 100)
    assert gaps.p_value(outcomes(good, unit), inside) == pytest.approx(drawn, abs=0.02)
    assert drawn < 0.1


def test_weights_share_the_level_out():
    """Equal weights are Holm's method; of two tests that are a hundred times apart the first has nearly all of it."""
    p = np.array([0.012, 0.2, 0.004, 0.03])
    assert gaps.corrected(p, np.full(4, 0.7)) == pytest.approx([0.036, 0.2, 0.016, 0.06])
    assert gaps.corrected(np.array([0.04, 0.04]), np.array([100.0, 1.0])) == pytest.approx([0.0404, 0.0404])
    assert gaps.corrected(np.array([0.06, 0.01]), np.array([100.0, 1.0]))[1] > 0.05


def made(random, unit, by_unit):
    many = int(unit.max()) + 1
    site, sex = random.choice(list("ABCD"), many), random.choice(["F", "M"], many)
    cells = {"site": site[unit] if by_unit else random.choice(list("ABCD"), len(unit)), "sex": sex[unit]}
    return columns.choose([(name, columns.column(name, of)) for name, of in cells.items()], None, None)


@pytest.mark.parametrize("kind", ["alone", "in groups"])
def test_false_alarms_stay_under_the_stated_rate(kind):
    """Of 100 reports on data without faults; more than 11 where it is 5 % would be a chance of 1 in 250."""
    alarms = 0
    for draw in range(100):
        random = np.random.default_rng(draw)
        unit = np.arange(200) if kind == "alone" else np.repeat(np.arange(40), random.integers(1, 10, 40))
        share = 0.9 if kind == "alone" else random.beta(9, 1, 40)[unit]
        found = outcomes(random.random(len(unit)) < share, unit)
        rows = measure(parts(found, made(random, unit, draw % 2 == 0)), "accuracy", seed=draw).rows
        alarms += any(row.told for row in rows)
    assert alarms <= 11


def test_a_site_that_is_30_points_worse_is_found_of_50_clips():
    found = 0
    for draw in range(20):
        random = np.random.default_rng(draw)
        site = np.where(np.arange(400) < 50, "X", random.choice(list("ABC"), 400))
        good = random.random(400) < np.where(site == "X", 0.6, 0.9)
        chosen = columns.choose([("site", columns.column("site", site))], None, None)
        slices = measure(parts(outcomes(good), chosen), "accuracy", seed=draw)
        found += slices.worst is not None and slices.worst.name == "site=X"
    assert found >= 17


def test_two_slices_of_the_same_clips_are_one_test():
    random = np.random.default_rng(0)
    sex = random.choice(["F", "M"], 200)
    chosen = columns.choose([("sex", columns.column("sex", sex))], None, ["sex"])
    slices = measure(parts(outcomes(random.random(200) < 0.8), chosen), "accuracy")
    assert (len(slices.rows), slices.tests) == (2, 1)
    assert slices.rows[0].corrected == slices.rows[0].p == slices.rows[1].p


def test_the_column_that_names_the_groups_compares_each_by_its_recordings():
    random = np.random.default_rng(0)
    speaker = np.repeat(np.arange(8), 30)
    good = random.random(240) < np.where(speaker == 3, 0.4, 0.9)
    found = [("speaker", columns.column("speaker", map(str, speaker)))]
    slices = measure(parts(outcomes(good, speaker), columns.choose(found, None, None)), "accuracy")
    assert slices.worst.name == "speaker=3"
    assert slices.worst.low < 0.4 < slices.worst.high
