"""The penalty of a linear classifier, chosen on clips left out; and data that has little to say."""

import numpy as np
import pytest

from audioft.evaluation.choosing import FOLDS, PENALTIES, USUAL, best_penalty, several_folds
from audioft.evaluation.linear import Labels, fit


def made(clips=60, width=8, labels=3, multilabel=False, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(labels, width))
    if multilabel:
        targets = (rng.random((clips, labels)) < 0.4).astype(float)
    else:
        targets = np.eye(labels)[np.arange(clips) % labels]
    x = targets @ middles + spread * rng.normal(size=(clips, width)) + 5
    return x, Labels(targets, np.ones((clips, labels), bool), multilabel), [f"g{i // 2}" for i in range(clips)]


def chosen(x, labels, groups):
    return best_penalty(x, labels, several_folds(labels.targets, groups, 0, FOLDS))


def test_noise_asks_for_a_stronger_penalty():
    strong, _ = chosen(*made(spread=4.0, width=40))
    weak, _ = chosen(*made(spread=0.3, width=40))
    assert strong > weak
    assert {strong, weak} <= set(PENALTIES)


def test_groups_stay_together_where_clips_are_left_out():
    """Every clip has a copy in its group: apart from it, what the group sounds like would seem to tell the label."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(30, 50)), 4, axis=0) + 0.01 * rng.normal(size=(120, 50))
    targets = np.eye(2)[np.repeat(rng.integers(0, 2, 30), 4)]
    labels = Labels(targets, np.ones_like(targets, bool), False)
    assert chosen(x, labels, [str(i // 4) for i in range(120)])[1] > 0.5  # little better than log 2: nothing is told
    assert chosen(x, labels, [str(i) for i in range(120)])[1] < 0.3


def test_without_folds_the_usual_penalty_is_taken():
    x, labels, _ = made()
    penalty, loss = best_penalty(x, labels, [])
    assert penalty == USUAL
    assert np.isnan(loss)


@pytest.mark.parametrize("rank", [1, 2])
def test_a_map_of_low_rank(rank):
    x, labels, _ = made(labels=6, clips=120)
    assert np.linalg.matrix_rank(fit(x, labels, 0.03, rank).weights, tol=1e-6) == rank


def test_a_label_counts_as_its_weight_says():
    x, labels, _ = made(clips=60, labels=2, spread=3.0)
    few = np.array([i for i in range(60) if labels.targets[i, 0] or i < 9])
    plain = fit(x[few], labels[few], 0.03).logits(x).argmax(1).mean()
    heavy = Labels(labels.targets, labels.known, False, np.array([1.0, 7.0]))
    assert fit(x[few], heavy[few], 0.03).logits(x).argmax(1).mean() > plain


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize(
    "change",
    ["one clip a label", "a constant feature", "a label without clips", "nothing known of a label", "many labels"],
)
def test_little_to_go_by(change, multilabel):
    x, labels, _ = made(multilabel=multilabel)
    targets, known = labels.targets.copy(), labels.known.copy()
    if change == "one clip a label":
        x, targets, known = x[:3], np.eye(3), known[:3]
    elif change == "a constant feature":
        x[:, 2] = 1e6
    elif change == "a label without clips":
        targets = np.concatenate([targets, np.zeros((len(x), 1))], 1)
        known = np.ones_like(targets, bool)
    elif change == "nothing known of a label":
        known[:, 1] = not multilabel  # of one label a clip all is known
    else:
        targets = np.eye(30)[np.arange(60) % 30]
        known = np.ones_like(targets, bool)
    logits = fit(x, Labels(targets, known, multilabel), 0.03).logits(x)
    assert np.isfinite(logits).all()
    if change == "a label without clips" and not multilabel:
        assert (logits.argmax(1) != 3).all()
