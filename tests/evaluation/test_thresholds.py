from __future__ import annotations

import numpy as np
import pytest
from made_predictions import multi, predictions, single
from sklearn.metrics import f1_score

from audioft.evaluation.metrics import compute
from audioft.evaluation.thresholds import choose_thresholds


@pytest.mark.parametrize("seed", range(6))
def test_no_other_threshold_has_a_better_f1(seed):
    p = multi(seed, count=15, ties=seed % 2 == 0, masked=seed % 3 == 0)
    for c, chosen in enumerate(choose_thresholds(p)):
        k = p.known[:, c]
        y, s = p.targets[k, c], p.scores[k, c]
        best = max(f1_score(y, s >= t, zero_division=0) for t in [*s, 0.0, 0.5, 1.1])
        assert f1_score(y, s >= chosen, zero_division=0) == pytest.approx(best)


def test_it_lies_midway_and_near_one_half_where_several_are_as_good():
    assert choose_thresholds(predictions([[0.2], [0.8]], [[0], [1]], True)) == pytest.approx([0.5])
    assert choose_thresholds(predictions([[0.2], [0.4]], [[0], [1]], True)) == pytest.approx([0.3])
    p = predictions([[0.9], [0.7], [0.2], [0.1]], [[1], [1], [0], [1]], True)
    assert choose_thresholds(p) == pytest.approx([0.05])  # all four: 6/7
    # F1 is 2/3 with one clip and with all four
    tied = predictions([[0.9], [0.6], [0.5], [0.4]], [[1], [0], [0], [1]], True)
    assert choose_thresholds(tied) == pytest.approx([0.75])  # 0.25 away from 0.5; the other, 0.2, is 0.3 away


def test_without_a_positive_it_stays_at_one_half():
    p = predictions([[0.2, 0.9], [0.3, 0.4]], [[0, 1], [1, 0]], True, np.array([[1, 1], [0, 1]], dtype=bool))
    assert choose_thresholds(p)[0] == 0.5


@pytest.mark.parametrize("low", [0.3, np.nextafter(0.3, 1)])  # the midpoint rounds up for one, down for the other
def test_neighbouring_floats_are_told_apart(low):
    high = np.nextafter(low, 1)
    p = predictions([[low], [high]], [[0], [1]], True)
    assert compute(p, choose_thresholds(p))["f1_macro"] == 1.0


def test_single_label_has_none():
    with pytest.raises(ValueError, match="multi-label"):
        choose_thresholds(single(0))
