"""Weights and stacks: the best ones, and why they are fitted to nothing that a member has learnt from."""

import numpy as np
import pytest
from scipy.optimize import minimize

from audioft.evaluation.joining.contribution import contributions
from audioft.evaluation.joining.fitted import stacked, weighted
from audioft.evaluation.joining.member_scores import combined
from audioft.evaluation.linear import Labels
from audioft.evaluation.predictions import Predictions, log_loss

CLASSES, CLIPS = 4, 200


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def labels_of(rng, count=CLIPS):
    targets = np.eye(CLASSES)[rng.integers(CLASSES, size=count)]
    return Labels(targets, np.ones_like(targets, bool), False)


def member(rng, labels, signal):
    return softmax(signal * labels.targets + rng.normal(size=labels.targets.shape))


def sure_of_anything(rng, labels):
    """What a member says of clips that it has not learnt, who has the others by heart."""
    return member(rng, labels_of(rng, len(labels)), 9.0)


def groups(labels):
    return [str(i // 2) for i in range(len(labels))]


def accuracy(scores, labels):
    return float((scores.argmax(1) == labels.targets.argmax(1)).mean())


@pytest.mark.parametrize("multilabel", [False, True])
def test_weights_are_those_of_the_least_log_loss(multilabel):
    rng = np.random.default_rng(1)
    labels = labels_of(rng, 2000)
    labels = Labels(labels.targets, labels.known, multilabel)
    scores = np.stack([member(rng, labels, s) for s in (2.0, 0.5, 1.0)], 1)
    fit = weighted(scores, labels, groups(labels), 0, "probabilities")
    found = fit.combination.weights.numpy()

    def loss(w):
        mean = np.einsum("m,nmc->nc", w, scores)
        return log_loss(mean, labels.targets, labels.known, multilabel)

    sum_of_one = {"type": "eq", "fun": lambda w: w.sum() - 1}
    best = minimize(loss, np.full(3, 1 / 3), bounds=[(0, 1)] * 3, constraints=[sum_of_one], method="SLSQP").x
    assert np.isclose(found.sum(), 1)
    assert np.allclose(found, best, atol=0.02)
    assert fit.loss < fit.equal


def test_weights_are_equal_where_no_others_are_better_on_clips_left_out():
    rng = np.random.default_rng(2)
    labels = labels_of(rng, 24)
    scores = np.stack([member(rng, labels, 1.0) for _ in range(5)], 1)
    fit = weighted(scores, labels, groups(labels), 0, "probabilities")
    assert fit.loss <= fit.equal
    if "equal" in fit.about:
        assert np.allclose(fit.combination.weights, 0.2)
    alike = np.repeat(scores[:, :1], 3, 1)
    assert np.allclose(weighted(alike, labels, groups(labels), 0, "logits").combination.weights, 1 / 3, atol=1e-6)


def test_training_scores_leak_into_a_stack_and_out_of_fold_scores_do_not():
    """One member has learnt its clips by heart and knows nothing of others; what it says of them is believed."""
    rng = np.random.default_rng(3)
    learnt, new = labels_of(rng), labels_of(rng, 1000)
    by_heart = member(rng, learnt, 9.0)
    said_in_training = np.stack([member(rng, learnt, 2.0), by_heart], 1)
    said_out_of_fold = np.stack([member(rng, learnt, 2.0), sure_of_anything(rng, learnt)], 1)
    asked = np.stack([member(rng, new, 2.0), sure_of_anything(rng, new)], 1)
    honest = accuracy(asked[:, 0], new)
    leaking, sound = (stacked(scores, learnt, groups(learnt), 0) for scores in (said_in_training, said_out_of_fold))
    assert leaking.loss < 0.05  # even by cross-validation all looks well: the leak is below it
    assert accuracy(combined(leaking.combination, asked), new) < honest - 0.15
    assert accuracy(combined(sound.combination, asked), new) > honest - 0.1


def test_what_a_member_adds_is_the_figure_with_it_less_that_without():
    targets = np.eye(2)[[0, 1, 0, 1]]
    clips = [{"path": str(i), "start": None, "end": None, "group": str(i)} for i in range(4)]

    def said(right):
        scores = np.where(np.array(right)[:, None], targets, 1 - targets) * 0.8 + 0.1
        return Predictions(("a", "b"), False, scores, targets, np.ones((4, 2), bool), clips)

    whole, one, two = said([1, 1, 1, 0]), said([1, 1, 0, 0]), said([0, 1, 1, 0])
    found, unlike = contributions(
        [("one", one), ("two", two)],
        whole,
        lambda i: [two, one][i],
        "accuracy",
        thresholds=[None, None, None],
        resamples=200,
        seed=0,
    )
    assert [(c.alone, c.without, c.adds, c.disagrees) for c in found] == [(0.5, 0.5, 0.25, 0.5)] * 2
    assert found[0].interval[0] <= 0.25 <= found[0].interval[1]
    assert (unlike.disagreement, unlike.both_wrong) == (0.5, 0.25)
