"""The linear classifier that a run begins with, beside scikit-learn's, and on data that has little to say."""

import dataclasses

import numpy as np
import pytest

from audioft.evaluation.linear_fit import STRENGTHS, USUAL, Examples, LinearFit, chosen_strength, fit, standard


def made(clips=60, width=8, labels=3, several=False, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(labels, width))
    if several:
        targets = (rng.random((clips, labels)) < 0.4).astype(float)
    else:
        targets = np.eye(labels)[np.arange(clips) % labels]
    x = targets @ middles + spread * rng.normal(size=(clips, width)) + 5
    return Examples(x, targets, np.ones((clips, labels), bool), [f"g{i // 2}" for i in range(clips)], several)


@pytest.mark.parametrize("width", [8, 200], ids=["more clips than features", "more features than clips"])
def test_it_is_scikit_learns_regression(width):
    from sklearn.linear_model import LogisticRegression

    examples = made(width=width)
    found = fit(examples)
    mean, scale = standard(examples.features)
    x, y = (examples.features - mean) / scale, examples.targets.argmax(1)
    theirs = LogisticRegression(C=1 / (len(examples) * found.strength), max_iter=5000, tol=1e-8).fit(x, y)
    np.testing.assert_allclose(softmax(found.logits(examples.features)), theirs.predict_proba(x), atol=5e-3)


def test_of_several_labels_it_is_one_regression_each_by_what_is_known():
    from sklearn.linear_model import LogisticRegression

    examples = made(several=True, clips=80)
    known = np.random.default_rng(1).random(examples.known.shape) < 0.8
    found = fit(dataclasses.replace(examples, known=known))
    x = (examples.features - found.mean) / found.scale
    for label in range(3):
        rows = known[:, label]
        theirs = LogisticRegression(C=1 / (len(examples) * found.strength), max_iter=5000, tol=1e-8)
        theirs.fit(x[rows], examples.targets[rows, label])
        ours = 1 / (1 + np.exp(-found.logits(examples.features)[:, label]))
        np.testing.assert_allclose(ours, theirs.predict_proba(x)[:, 1], atol=5e-3)


def test_noise_asks_for_a_stronger_penalty():
    strong, _ = chosen_strength(made(spread=4.0, width=40))
    weak, _ = chosen_strength(made(spread=0.3, width=40))
    assert strong > weak
    assert {strong, weak} <= set(STRENGTHS)


def test_groups_stay_together_where_clips_are_left_out():
    """Every clip has a copy in its group: apart from it, what the group sounds like would seem to tell the label."""
    rng = np.random.default_rng(0)
    of_group = rng.normal(size=(30, 50))
    x = np.repeat(of_group, 4, axis=0) + 0.01 * rng.normal(size=(120, 50))
    targets = np.eye(2)[np.repeat(rng.integers(0, 2, 30), 4)]
    known = np.ones_like(targets, bool)
    together = Examples(x, targets, known, [str(i // 4) for i in range(120)], False)
    apart = dataclasses.replace(together, groups=[str(i) for i in range(120)])
    assert chosen_strength(together)[1] > 0.5  # nothing can be told: no better than log 2 by much
    assert chosen_strength(apart)[1] < 0.3


@pytest.mark.parametrize("rank", [1, 2])
def test_a_map_of_low_rank(rank):
    found = fit(made(labels=6, clips=120), rank=rank)
    assert np.linalg.matrix_rank(found.weight, tol=1e-6) == rank


def test_a_label_counts_as_its_weight_says():
    examples = made(clips=60, labels=2, spread=3.0)
    rare = np.flatnonzero((examples.targets[:, 1] > 0) & (np.arange(60) > 8))
    few = examples.of(np.setdiff1d(np.arange(60), rare))
    plain = fit(few).logits(examples.features).argmax(1).mean()
    weighted = fit(dataclasses.replace(few, weights=np.array([1.0, 7.0]))).logits(examples.features).argmax(1).mean()
    assert weighted > plain


@pytest.mark.parametrize(
    "change",
    [
        {"one group": True},
        {"one clip a label": True},
        {"a constant feature": True},
        {"a label without clips": True},
        {"nothing known of a label": True},
        {"many labels": True},
    ],
    ids=lambda c: next(iter(c)),
)
@pytest.mark.parametrize("several", [False, True])
def test_little_to_go_by(change, several):
    examples = made(several=several)
    x, targets, known, groups = (
        examples.features.copy(),
        examples.targets.copy(),
        examples.known.copy(),
        examples.groups,
    )
    if "one group" in change:
        groups = ["all"] * len(x)
    elif "one clip a label" in change:
        x, targets, known, groups = x[:3], np.eye(3), known[:3], ["a", "b", "c"]
    elif "a constant feature" in change:
        x[:, 2] = 1e6
    elif "a label without clips" in change:
        targets = np.concatenate([targets, np.zeros((len(x), 1))], 1)
        known = np.ones_like(targets, bool)
    elif "nothing known of a label" in change:
        known[:, 1] = False
    else:
        targets = np.eye(30)[np.arange(60) % 30]
        known = np.ones_like(targets, bool)
    if "nothing known of a label" in change and not several:
        pytest.skip("of one label a clip all is known or nothing")
    found = fit(Examples(x, targets, known, groups, several))
    assert isinstance(found, LinearFit)
    assert np.isfinite(found.logits(x)).all()
    if "one group" in change:
        assert found.strength == USUAL
        assert np.isnan(found.loss)
    if "a label without clips" in change and not several:
        assert (found.logits(x).argmax(1) != 3).all()


def softmax(logits):
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)
