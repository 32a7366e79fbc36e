"""Measures of verification, held against speechbrain (see `golden/make_verification.py`) and scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from audioft.errors import DataError
from audioft.speakers import verification
from audioft.speakers.pair_scores import Scorer, unit
from audioft.speakers.verification import Sorted, measure, rates

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "verification.json").read_text(encoding="utf-8"))
#: Scores of targets and of others: whole numbers, so that many are the same.
SOME = st.lists(st.integers(-8, 8), min_size=1, max_size=25)


def arrays(targets, others):
    scores = np.array([*targets, *others], float)
    return scores, np.arange(len(scores)) < len(targets)


def made_up(seed=0, targets=80, others=300, apart=0.3, digits=6):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(apart, 0.2, targets), rng.normal(0, 0.2, others)]).round(digits)
    return scores, np.arange(len(scores)) < targets


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: g["scenario"])
def test_costs_are_those_of_speechbrain(golden):
    found = rates(*arrays(golden["targets"], golden["others"]))
    for prior, cost in golden["min_dcf"].items():  # theirs are in single precision and not normalised
        p = float(prior)
        assert found.min_dcf(p)[0] == pytest.approx(cost / min(p, 1 - p), abs=2e-6)


@pytest.mark.parametrize("golden", [g for g in GOLDEN if g["scenario"] != "ties"], ids=lambda g: g["scenario"])
def test_the_equal_error_rate_is_that_of_speechbrain_to_half_a_step(golden):
    # theirs is the mean of both errors where they are nearest; ours is where they cross
    step = 1 / min(len(golden["targets"]), len(golden["others"]))
    value = rates(*arrays(golden["targets"], golden["others"])).eer()[0]
    assert abs(value - golden["eer"]) <= step / 2 + 1e-6


@pytest.mark.parametrize(("seed", "digits"), [(0, 6), (1, 6), (2, 1), (3, 1), (4, 0)])
def test_errors_are_on_the_roc_curve_of_scikit_learn_and_cross_where_brentq_says(seed, digits):
    scores, target = made_up(seed, digits=digits)
    fpr, tpr, thresholds = roc_curve(target, scores, drop_intermediate=False)
    found = rates(scores, target)
    assert found.scores[::-1] == pytest.approx(thresholds[1:])
    assert found.misses[::-1] == pytest.approx(1 - tpr)
    assert found.false_alarms[::-1] == pytest.approx(fpr)
    crossing = brentq(lambda x: 1 - x - interp1d(fpr, tpr)(x), 0, 1)
    assert found.eer()[0] == pytest.approx(crossing, abs=1e-9)


def test_thresholds_have_the_errors_they_are_said_to_have():
    scores, target = made_up(5)
    found = rates(scores, target)
    eer, threshold = found.eer()
    missed, alarmed = (scores[target] < threshold).mean(), (scores[~target] >= threshold).mean()
    assert abs(missed - eer) <= 1 / 80
    assert abs(alarmed - eer) <= 1 / 80
    for prior in (0.01, 0.05, 0.5, 0.9):
        cost, threshold = found.min_dcf(prior)
        missed, alarmed = (scores[target] < threshold).mean(), (scores[~target] >= threshold).mean()
        assert (prior * missed + (1 - prior) * alarmed) / min(prior, 1 - prior) == pytest.approx(cost)


def test_between_what_is_apart_the_threshold_is_in_the_middle():
    found = rates(*arrays([0.8, 0.9], [0.1, 0.2]))
    assert found.eer() == (0.0, pytest.approx(0.5))
    assert found.min_dcf(0.01) == (0.0, pytest.approx(0.5))


def test_where_nothing_helps_nothing_is_accepted():
    cost, threshold = rates(*arrays([0.1, 0.2], [0.8, 0.9])).min_dcf(0.01)
    assert cost == 1
    assert threshold > 0.9


@given(SOME, SOME)
def test_a_monotone_map_changes_nothing(targets, others):
    scores, target = arrays(targets, others)
    before, after = rates(scores, target), rates(np.exp(scores / 3) + scores**3, target)
    assert after.eer()[0] == pytest.approx(before.eer()[0])
    assert after.min_dcf(0.05)[0] == pytest.approx(before.min_dcf(0.05)[0])


@given(SOME, SOME)
def test_the_other_question_has_the_same_errors(targets, others):
    """Asked whether two speakers are different, scores turn round, and misses are false alarms."""
    scores, target = arrays(targets, others)
    asked, turned = rates(scores, target), rates(-scores, ~target)
    assert turned.eer()[0] == pytest.approx(asked.eer()[0])
    assert turned.min_dcf(0.9)[0] == pytest.approx(asked.min_dcf(0.1)[0])


@given(SOME, SOME, st.randoms(use_true_random=False))
def test_weights_are_repetitions(targets, others, random):
    scores, target = arrays(targets, others)
    often = np.array([random.randint(1, 3) for _ in scores])
    weighted = Sorted(scores, target).rates(often.astype(float))
    repeated = rates(np.repeat(scores, often), np.repeat(target, often))
    assert weighted.misses == pytest.approx(repeated.misses)
    assert weighted.false_alarms == pytest.approx(repeated.false_alarms)


@pytest.mark.parametrize(("target", "said"), [([True, True], "different speakers"), ([False], "the same speaker")])
def test_trials_of_one_kind_are_refused(target, said):
    with pytest.raises(DataError, match=said):
        rates(np.zeros(len(target)), np.array(target))


def of_speakers(speakers=12, each=4, seed=0, spread=0.8, sessions=False):
    """All pairs of recordings of speakers in a plane of many dimensions: scores, target, speakers, positions."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(speakers), each)
    vectors = rng.normal(size=(speakers, 16))[who] + spread * rng.normal(size=(len(who), 16))
    first, second = np.triu_indices(len(who), 1)
    scores = Scorer().pairs(vectors, first, second)
    names = [f"s{x}" for x in who]
    return scores, who[first] == who[second], ([names[i] for i in first], [names[i] for i in second]), first, second


def test_intervals_hold_the_figure_and_the_seed_decides():
    scores, target, speakers, *_ = of_speakers()
    found = measure(scores, target, speakers, resamples=200, seed=1)
    assert found.eer.low < found.eer.value < found.eer.high
    assert found.eer.low <= 0.9 * found.eer.value
    for cost in found.min_dcf.values():
        assert cost.low <= cost.value <= cost.high
    assert (found.trials, found.targets, found.speakers) == (48 * 47 // 2, 12 * 6, 12)
    assert measure(scores, target, speakers, resamples=200, seed=1) == found
    assert measure(scores, target, speakers, resamples=200, seed=2).eer.low != found.eer.low


def test_intervals_are_of_speakers_and_not_of_trials():
    """Every recording ten times over is no evidence that was not there before."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(8), 3)
    vectors = rng.normal(size=(8, 6))[who] + rng.normal(size=(24, 6))

    def width(copies):
        own, names = np.repeat(vectors, copies, 0), np.repeat(who, copies)
        origin = np.repeat(np.arange(24), copies)
        first, second = np.triu_indices(len(own), 1)
        kept = origin[first] != origin[second]
        first, second = first[kept], second[kept]
        scores = Scorer().pairs(own, first, second)
        speakers = names[first].astype(str).tolist(), names[second].astype(str).tolist()
        eer = measure(scores, names[first] == names[second], speakers, resamples=300).eer
        return eer.high - eer.low

    assert width(3) == pytest.approx(width(1), rel=0.1)


def test_speakers_are_drawn_as_by_hand(monkeypatch):
    scores, target, speakers, first, second = of_speakers(8, 3)
    who = np.repeat(np.arange(8), 3)
    rng = np.random.default_rng(7)
    one, other = who[first], who[second]
    figures = []
    for _ in range(400):
        drawn = rng.integers(0, 8, 8)
        chosen = []
        for place, s in enumerate(drawn):
            chosen += np.flatnonzero((one == s) & (other == s)).tolist()
            for t in drawn[place + 1 :]:
                if s != t:
                    chosen += np.flatnonzero((one == s) & (other == t) | (one == t) & (other == s)).tolist()
        if target[chosen].any() and not target[chosen].all():
            figures.append(rates(scores[chosen], target[chosen]).eer()[0])
    drawn = []
    monkeypatch.setattr(verification, "of_draws", lambda value, draws, basis: drawn.append(draws) or (0, 1))
    measure(scores, target, speakers, resamples=400)
    found = drawn[0][np.isfinite(drawn[0])]
    assert np.quantile(found, [0.025, 0.975]) == pytest.approx(np.quantile(figures, [0.025, 0.975]), abs=0.02)
    assert found.std() == pytest.approx(np.std(figures), rel=0.15)


@pytest.mark.parametrize("count", [3, 8, 20])
def test_no_error_at_all_is_not_certainty(count):
    who = np.repeat(np.arange(count), 3)
    first, second = np.triu_indices(len(who), 1)
    target = who[first] == who[second]
    speakers = who[first].astype(str).tolist(), who[second].astype(str).tolist()
    found = measure(target.astype(float), target, speakers, resamples=20)
    assert (found.eer.value, found.eer.low) == (0, 0)
    assert 1 / count < found.eer.high < min(1, 4 / count)
    costs = [found.min_dcf[p].high for p in (0.01, 0.05)]
    assert costs[0] >= costs[1] >= found.eer.high
    assert count > 10 or costs[0] > costs[1] > found.eer.high  # where false alarms cost more than they are many
    first_line = str(found).splitlines()[0]
    assert first_line.startswith(f"Too few speakers to say much: {count} speakers.") == (count < 10)
    assert (f"from 0 % to {round(100 * found.eer.high, 1):g} %" in " ".join(str(found).split())) == (count < 10)


def test_one_speaker_has_no_interval_and_the_text_tells_none():
    scores = np.array([0.1, 0.9])
    found = measure(scores, np.array([False, True]), (["a", "a"], ["a", "a"]), resamples=10)
    assert np.isnan(found.eer.low)
    assert "nan" not in str(found)
    assert "EER          0.00 %, at the threshold 0.5000" in str(found)


def test_sessions_are_told_apart_against_the_same_others():
    scores = np.array([0.9, 0.8, 0.2, 0.1, 0.5, 0.3, 0.2, 0.1])
    target = np.array([True] * 4 + [False] * 4)
    speakers = (list("aabbaabb"), list("aabbbbcc"))
    session = [True, True, False, False, None, False, True, None]
    found = measure(scores, target, speakers, same_session=session, resamples=0)
    assert {k: (count, e.value) for k, (count, e) in found.by_session.items()} == {
        "same": (2, 0.0),
        "different": (2, rates(scores[2:], target[2:]).eer()[0]),
    }
    assert "different session" in str(found)
    assert measure(scores, target, speakers, same_session=[None] * 8, resamples=0).by_session == {}


def test_cosines_ignore_lengths():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 4))
    first, second = np.triu_indices(5, 1)
    scores = Scorer().pairs(vectors * rng.uniform(0.1, 9, (5, 1)), first, second)
    expected = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(vectors[first], vectors[second], strict=True)
    ]
    assert scores == pytest.approx(expected)
    assert Scorer().matrix(vectors[:2], vectors[2:]) == pytest.approx(unit(vectors[:2]) @ unit(vectors[2:]).T)
    assert not unit(np.zeros(3)).any()


def test_adaptive_normalisation_is_the_formula():
    """Matejka et al. 2017, eq. 4, spelt out for one pair."""
    rng = np.random.default_rng(1)
    a, b, cohort = rng.normal(size=6), rng.normal(size=6), rng.normal(size=(20, 6))

    def cosine(x, y):
        return x @ y / np.linalg.norm(x) / np.linalg.norm(y)

    normalised = 0.0
    for side in (a, b):
        best = sorted((cosine(side, c) for c in cohort), reverse=True)[:5]
        mean = sum(best) / 5
        deviation = (sum((x - mean) ** 2 for x in best) / 5) ** 0.5
        normalised += 0.5 * (cosine(a, b) - mean) / deviation
    scorer = Scorer(cohort, top=5)
    assert scorer.normalised
    assert scorer.matrix(a[None], b[None])[0, 0] == pytest.approx(normalised)
    assert scorer.matrix(b[None], a[None])[0, 0] == pytest.approx(normalised)
    everybody = Scorer(cohort, top=1000).matrix(a[None], b[None])
    assert everybody == pytest.approx(Scorer(cohort, top=20).matrix(a[None], b[None]))


def test_a_cohort_of_one_is_refused_and_one_of_copies_is_finite():
    with pytest.raises(DataError, match="at least two"):
        Scorer(np.ones((1, 3)))
    assert np.isfinite(Scorer(np.ones((3, 3))).matrix(np.eye(3), np.eye(3))).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_normalised_scores_stay_what_they_are_when_all_turn_together(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    a, b, cohort = rng.normal(size=(2, 5)), rng.normal(size=(3, 5)), rng.normal(size=(12, 5))
    assert Scorer(cohort @ turn, 6).matrix(a @ turn, b @ turn) == pytest.approx(Scorer(cohort, 6).matrix(a, b))
