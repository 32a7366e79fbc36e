"""Members are joined where that is better on clips that had no part in the choice, and not by chance."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.evaluation.predictions import Predictions
from audioft.tasks.auto import joint_choice
from audioft.tasks.auto.joint_choice import choose

LABELS = ("a", "b", "c")


def said(scores: np.ndarray, truth: np.ndarray, groups: np.ndarray, multilabel: bool = False) -> Predictions:
    """`scores` and `truth` `(N, C)`; the group of each clip."""
    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": f"g{g}"} for i, g in enumerate(groups)]
    return Predictions(LABELS, multilabel, scores, truth, np.ones(truth.shape, bool), clips)


def drawn(random: np.random.Generator, models: int, clips: int, each: int, shift=None) -> dict[int, Predictions]:
    """Models that hear the truth with noise of their own, and some shared within groups of `each` clips."""
    truth = np.eye(3)[np.arange(clips) // each % 3]
    groups = np.arange(clips) // each
    common = random.normal(0, 1.0, (clips // each, 3))[groups]
    found = {}
    for n in range(models):
        own = random.normal(0, 0.7, (clips // each, 3))[groups] + random.normal(0, 0.7, (clips, 3))
        logits = 2.0 * truth + common + own + (0 if shift is None else shift[n])
        e = np.exp(logits)
        found[n] = said(e / e.sum(1, keepdims=True), truth, groups)
    return found


def erring(which: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Sure and right, but for the clips `which`, where it is unsure and wrong."""
    wrong = np.roll(truth, 1, axis=1)
    right = 0.9 * truth + 0.05 * (1 - truth)
    return np.where(which[:, None], 0.55 * wrong + 0.40 * truth + 0.05 * (1 - wrong - truth), right)


@pytest.fixture
def apart():
    """Three models of 120 clips, each wrong on other fifths of them."""
    truth = np.eye(3)[np.arange(120) % 3]
    fifth = np.arange(120) // 3 % 5
    return {n: said(erring(fifth == n, truth), truth, np.arange(120)) for n in range(3)}


def test_models_that_err_on_different_clips_pay(apart):
    found = choose(apart, 0, 5, 0)
    assert found.pays
    assert found.members == (0, 1, 2)
    assert found.gain > found.low > 0
    assert 15 < found.right <= 25


def test_the_single_one_comes_first_and_the_most_is_kept_to(apart):
    assert choose(apart, 2, 5, 0).members[0] == 2
    assert len(choose(apart, 0, 2, 0).members) == 2
    alone = choose(apart, 0, 1, 0)
    assert alone.members == (0,)
    assert not alone.pays


def test_the_order_of_the_mapping_changes_nothing(apart):
    for single in (0, 1):
        assert choose(dict(reversed(apart.items())), single, 5, 3) == choose(apart, single, 5, 3)


def test_equal_models_and_noisy_copies_do_not_pay():
    random = np.random.default_rng(0)
    one = drawn(random, 1, 90, 1)[0]
    assert choose({0: one, 1: one, 2: one}, 0, 5, 0).members == (0,)
    noisy = {0: one}
    for n in (1, 2, 3):
        mixed = 0.6 * one.scores + 0.4 * random.dirichlet(np.ones(3), 90)
        noisy[n] = said(mixed, one.targets, np.arange(90))
    found = choose(noisy, 0, 5, 0)
    assert not found.pays


def test_a_worse_model_is_not_taken(apart):
    truth = apart[0].targets
    worse = said(np.roll(apart[0].scores, 1, axis=1), truth, np.arange(120))
    assert choose({0: apart[0], 1: worse}, 0, 5, 0).members == (0,)


def test_clips_that_not_all_speak_of_are_left_out(apart):
    part = apart[1]
    rows = np.arange(0, 120, 2)
    fewer = Predictions(
        LABELS, False, part.scores[rows], part.targets[rows], part.known[rows], [part.clips[i] for i in rows]
    )
    own = {0: apart[0], 1: fewer}
    assert len(joint_choice.mean(own, (0, 1))) == 60
    assert choose(own, 0, 5, 0).members == (0, 1)
    together = joint_choice.mean(own, (0, 1))
    assert np.allclose(together.scores, (apart[0].scores[rows] + part.scores[rows]) / 2)


def test_several_labels_a_clip(apart):
    truth = (np.random.default_rng(1).random((90, 3)) < 0.4).astype(float)
    random = np.random.default_rng(2)
    models = {}
    for n in range(3):
        flipped = random.random(truth.shape) < 0.2
        scores = np.where(flipped, 0.45, 0.9) * truth + np.where(flipped, 0.55, 0.1) * (1 - truth)
        models[n] = said(scores, truth, np.arange(90), multilabel=True)
    found = choose(models, 0, 5, 0)
    assert found.pays
    assert np.isnan(found.right)


def test_one_group_cannot_be_left_out_and_pays_nothing(apart):
    one = {n: said(p.scores, p.targets, np.zeros(120)) for n, p in apart.items()}
    found = choose(one, 0, 5, 0)
    assert found.members == (0,)
    assert not found.pays


def test_models_of_one_worth_and_one_error_seldom_pay(monkeypatch):
    """Where all models say the same but for noise of no worth, joining them must not be told to pay."""
    monkeypatch.setattr(joint_choice, "RESAMPLES", 60)
    random, paid = np.random.default_rng(5), 0
    for draw in range(200):
        truth, groups = np.eye(3)[np.arange(60) // 3 % 3], np.arange(60) // 3
        common = random.normal(0, 1.2, (20, 3))[groups] + random.normal(0, 0.6, (60, 3))
        models = {}
        for n in range(4):
            logits = 2.0 * truth + common + random.normal(0, 0.02, (60, 3))
            e = np.exp(logits)
            models[n] = said(e / e.sum(1, keepdims=True), truth, groups)
        paid += choose(models, 0, 5, draw).pays
    print(f"\n{paid} of 200 pay where nothing is to be gained")
    assert paid / 200 <= 0.07
