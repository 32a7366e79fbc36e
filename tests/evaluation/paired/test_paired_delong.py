"""DeLong's test against the mean over all pairs of clips, and against resamples where clips are in groups."""

from __future__ import annotations

import dataclasses
import math

import made_pairs
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from audioft.evaluation.paired import delong
from audioft.evaluation.paired.delong import compare, components


def by_pairs(a: np.ndarray, b: np.ndarray, positive: np.ndarray) -> tuple[float, float, float]:
    """Areas and the variance of their difference as DeLong et al. write them, over all m n pairs."""
    areas, v10, v01 = [], [], []
    for scores in (a, b):
        above, below = scores[positive][:, None], scores[~positive][None]
        pairs = (above > below) + 0.5 * (above == below)
        areas.append(pairs.mean())
        v10.append(pairs.mean(1))
        v01.append(pairs.mean(0))
    covariance = np.cov(v10) / positive.sum() + np.cov(v01) / (~positive).sum()
    contrast = np.array([1, -1])
    return areas[0], areas[1], float(contrast @ covariance @ contrast)


@pytest.mark.parametrize("rounded", [False, True])
def test_two_labels_are_as_over_all_pairs(rounded):
    random = np.random.default_rng(4)
    for better in (1.0, 1.6):
        pair = made_pairs.scored(random, groups=60, each=1, better=better)
        one, other = (dataclasses.replace(p, scores=np.round(p.scores, 1)) if rounded else p for p in pair[:2])
        found = compare(one, other, pair[2])
        wanted = by_pairs(one.scores[:, 1], other.scores[:, 1], one.targets[:, 1] > 0)
        assert (found.first, found.second) == pytest.approx(wanted[:2], abs=1e-12)
        if not rounded:  # else the first label has other ties than the second
            assert found.variance == pytest.approx(wanted[2], rel=1e-9)
            p = math.erfc(abs(wanted[1] - wanted[0]) / math.sqrt(2 * wanted[2]))
            assert found.p == pytest.approx(p, rel=1e-9)


def test_an_area_is_scikit_learns():
    random = np.random.default_rng(5)
    scores, positive = np.round(random.normal(size=50), 1), random.random(50) < 0.3
    assert components(scores, positive)[0] == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_groups_of_several_labels_are_as_when_they_are_drawn_anew():
    from audioft.evaluation.paired import resampled

    one, other, member = made_pairs.scored(np.random.default_rng(6), 40, 5, labels=4, together=0.5, better=1.2)
    found = compare(one, other, member)
    first, second = resampled.draws([one, other], [None, None], "roc_auc", member, 1500)
    assert np.var(second - first) * 40 / 39 == pytest.approx(found.variance, rel=0.25)
    assert compare(one, other, np.arange(200)).variance < 0.8 * found.variance


def test_the_same_scores_do_not_differ_and_one_label_has_no_area():
    one, _, member = made_pairs.scored(np.random.default_rng(7), 20, 1)
    assert (compare(one, one, member).p, compare(one, one, member).change) == (1.0, 0.0)
    targets = np.tile([1.0, 0.0], (20, 1))
    assert compare(dataclasses.replace(one, targets=targets), one, member) is delong.NOTHING


def test_alike_models_are_told_apart_in_a_twentieth_of_draws():
    random = np.random.default_rng(8)
    told = sum(compare(*made_pairs.scored(random, 40, 1, labels=3)).p < 0.05 for _ in range(400))
    assert 0.025 <= told / 400 <= 0.08
