"""Which features are taken: the simplest of those that are as good as the best."""

import numpy as np

from audioft.evaluation.choosing import simplest
from audioft.evaluation.linear import Labels


def made(spreads, clips=120, seed=0, groups=None):
    """Features that tell three labels less well the more they spread."""
    rng = np.random.default_rng(seed)
    targets = np.eye(3)[np.arange(clips) % 3]
    features = [targets @ rng.normal(size=(3, 16)) + spread * rng.normal(size=(clips, 16)) for spread in spreads]
    names = np.array([str(i) for i in range(clips)] if groups is None else groups)
    return features, Labels(targets, np.ones_like(targets, bool), False), names


def test_the_better_one_is_taken_where_it_is_clearly_better():
    features, labels, groups = made([3.0, 0.5, 3.0])
    assert simplest(features, labels, groups, 0) == 1


def test_of_those_that_are_alike_the_first_is_taken():
    found = []
    for seed in range(20):
        features, labels, groups = made([1.0, 1.0, 1.0], seed=seed)
        same = [features[0], features[0] + 0.01 * np.random.default_rng(seed).normal(size=features[0].shape)]
        found.append(simplest(same, labels, groups, seed))
    assert found == [0] * 20


def test_a_difference_that_is_nothing_is_none_however_sure_it_is():
    features, labels, groups = made([0.02, 0.01])
    assert simplest(features, labels, groups, 0) == 0


def test_nothing_is_told_by_one_group_or_one_label():
    features, labels, _ = made([1.0, 0.1])
    assert simplest(features, labels, np.array(["one"] * 120), 0) is None
    alone = Labels(np.ones((120, 1)), np.ones((120, 1), bool), False)
    assert simplest(features, alone, np.array([str(i) for i in range(120)]), 0) is None


def test_what_does_not_vary_is_no_better_than_chance():
    features, labels, groups = made([0.5])
    assert simplest([np.ones((120, 4)), *features], labels, groups, 0) == 1
