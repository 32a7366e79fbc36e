"""Thresholds for the nearest of several enrolled."""

import numpy as np
import pytest

from audioft.speakers import identification
from audioft.speakers.identification import OpenSet, as_rows, from_rows, nearest
from audioft.speakers.pair_scores import Scorer, unit
from audioft.speakers.verification import rates

SIZE = 24


def voices(speakers, recordings, noise, seed=0):
    """Embeddings around a centre each, and who speaks."""
    random = np.random.default_rng(seed)
    centres = unit(random.normal(size=(speakers, SIZE)))
    vectors = centres.repeat(recordings, 0) + noise * random.normal(size=(speakers * recordings, SIZE))
    return vectors, [f"s{i}" for i in range(speakers) for _ in range(recordings)]


def shares(vectors, speakers, enrolled, count, threshold):
    """Shares refused or misnamed, and of strangers taken for somebody, written out one recording at a time."""
    own = {s: [i for i, x in enumerate(speakers) if x == s] for s in dict.fromkeys(speakers)}
    means = {s: unit(vectors[own[s][:count]]).mean(0) for s in enrolled}
    wrong, passed = [], []
    for s, places in own.items():
        for i in places[count:] if s in enrolled else places:
            scores = {e: float(unit(vectors[i]) @ unit(m)) for e, m in means.items()}
            best = max(scores, key=scores.__getitem__)
            if s in enrolled:
                wrong.append(best != s or scores[best] < threshold)
            else:
                passed.append(scores[best] >= threshold)
    return np.mean(wrong), np.mean(passed)


def test_the_errors_are_those_of_enrolling_and_identifying():
    vectors, speakers = voices(24, 9, 0.22)
    found = nearest(identification.measure(vectors, speakers, Scorer()), 10, 3)
    assert (found.speakers, found.recordings) == (10, 3)
    names = list(dict.fromkeys(speakers))
    random = np.random.default_rng(5)
    tried = [shares(vectors, speakers, set(random.permutation(names)[:10]), 3, found.threshold) for _ in range(40)]
    refused, passed = np.mean(tried, axis=0)
    assert refused == pytest.approx(found.error, abs=0.03)
    assert passed == pytest.approx(found.error, abs=0.03)
    assert 0.02 < found.error < 0.3


def test_the_threshold_of_pairs_lets_strangers_pass():
    """What the threshold is for: that of two recordings is too low for the best of ten."""
    vectors, speakers = voices(24, 9, 0.22)
    one, other = np.triu_indices(len(speakers), 1)
    same = np.array([speakers[i] == speakers[j] for i, j in zip(one, other, strict=True)])
    of_pairs = rates(Scorer().pairs(vectors, one, other), same).eer()[1]
    found = nearest(identification.measure(vectors, speakers, Scorer()), 10, 3)
    enrolled = set(list(dict.fromkeys(speakers))[::2][:10])
    assert (
        shares(vectors, speakers, enrolled, 3, of_pairs)[1]
        > 2 * shares(vectors, speakers, enrolled, 3, found.threshold)[1]
    )


def test_more_enrolled_more_errors_and_more_recordings_fewer():
    vectors, speakers = voices(30, 12, 0.25)
    found = {(x.speakers, x.recordings): x for x in identification.measure(vectors, speakers, Scorer())}
    assert found[20, 3].error > found[2, 3].error
    assert found[5, 1].error > found[5, 10].error
    assert found[20, 3].threshold > found[2, 3].threshold
    assert found[20, 3].misnamed > found[1, 3].misnamed == 0


def test_what_cannot_be_enrolled_is_not_measured():
    vectors, speakers = voices(4, 3, 0.1)
    assert {(x.speakers, x.recordings) for x in identification.measure(vectors, speakers, Scorer())} == {
        (m, n) for m in (1, 2, 3) for n in (1, 2)
    }
    assert identification.measure(vectors[:3], speakers[:3], Scorer()) == []  # no stranger
    assert identification.measure(vectors[::3], speakers[::3], Scorer()) == []  # nothing left to listen to


def test_scores_normalised_by_a_cohort_have_thresholds_of_their_own():
    vectors, speakers = voices(12, 5, 0.3)
    cohort = voices(40, 2, 0.3, seed=9)[0]
    plain, normalised = (
        nearest(identification.measure(vectors, speakers, s), 5, 3) for s in (Scorer(), Scorer(cohort))
    )
    assert plain.threshold < 1 < normalised.threshold
    scorer = Scorer(cohort)
    assert np.allclose(
        scorer.between(scorer.side(vectors), scorer.side(vectors[:4])), scorer.matrix(vectors, vectors[:4])
    )


def test_the_nearest_by_ratio_and_rows_for_a_card():
    some = [OpenSet(m, n, 0.1 * m + n, 0.2, 0.1) for m in (1, 5, 50) for n in (1, 5)]
    assert nearest(some, 7, 3) == some[3]
    assert nearest(some, 20, 1) == some[4]
    assert nearest(some, 1000, 2) == some[4]
    assert from_rows(as_rows(some)) == some
