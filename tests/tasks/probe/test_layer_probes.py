"""The figures of a layer: scikit-learn's, over folds that keep groups apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from audioft.evaluation.choosing import several_folds
from audioft.evaluation.probe import C
from audioft.tasks.probe.layer_probes import LabelTask


def task(multilabel: bool, several: int = 2) -> tuple[LabelTask, np.ndarray]:
    rng = np.random.default_rng(0)
    targets = np.eye(3)[rng.integers(0, 3, 60)]
    if multilabel:
        targets = np.maximum(targets, rng.random((60, 3)) < 0.2).astype(float)
    features = (targets @ rng.normal(size=(3, 8)) + rng.normal(0, 0.7, (60, 8))).astype(np.float32)
    test = np.arange(60) % several == 0
    known = np.ones((60, 3), bool)
    groups = np.array([f"g{i // 3}" for i in range(60)])
    return LabelTask(("x", "y", "z"), multilabel, targets, known, groups, [(~test, test)], ""), features


def test_several_labels_are_measured_by_scikit_learns_average_precision():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.preprocessing import StandardScaler

    asked, features = task(multilabel=True)
    asked.known[5, 1] = asked.known[4, 2] = False  # one to learn from, one to test on
    asked.targets[5, 1] = 1 - asked.targets[5, 1]  # what is not known must not matter
    found = asked.score(features)
    ((learn, test),) = asked.splits
    expected = []
    for c in range(3):
        rows, judged = learn & asked.known[:, c], test & asked.known[:, c]
        scaler = StandardScaler().fit(features[rows])
        model = LogisticRegression(C=C, max_iter=500).fit(scaler.transform(features[rows]), asked.targets[rows, c])
        scores = model.predict_proba(scaler.transform(features[judged]))[:, 1]
        expected.append(average_precision_score(asked.targets[judged, c], scores))
    assert found.value == pytest.approx(np.mean(expected), abs=1e-4)
    assert found.low < found.value < found.high
    assert asked.metric == "map"
    assert asked.chance < found.value


def test_a_label_that_is_never_learnt_ranks_nothing():
    asked, features = task(multilabel=True)
    ((learn, test),) = asked.splits
    asked.targets[learn, 0] = 0
    share = asked.targets[test, 0].mean()
    alone = LabelTask(("x",), True, asked.targets[:, :1], asked.known[:, :1], asked.groups, asked.splits, "")
    assert alone.score(features).value == pytest.approx(share)


def test_one_label_is_measured_by_accuracy_and_one_group_has_no_interval():
    asked, features = task(multilabel=False)
    found = asked.score(features)
    assert found.low < found.value < found.high
    assert asked.chance == pytest.approx(asked.targets.sum(0).max() / 60)
    assert asked.learnt_from == asked.splits[0][0].sum()
    together = LabelTask(asked.labels, False, asked.targets, asked.known, np.array(["g"] * 60), asked.splits, "")
    assert np.isnan(together.score(features).low)
    assert together.score(features).value == found.value


def test_folds_of_several_labels_keep_groups_apart_and_test_every_clip_once():
    asked, _ = task(multilabel=True)
    folds = several_folds(asked.targets, asked.groups.tolist(), 0, 5)
    assert len(folds) == 5
    assert (sum(test.astype(int) for _, test in folds) == 1).all()
    assert not any(set(asked.groups[learn]) & set(asked.groups[test]) for learn, test in folds)
    with pytest.raises(ValueError, match="one group"):
        several_folds(asked.targets, ["g"] * 60, 0, 5)


@pytest.mark.parametrize(("multilabel", "fixed"), [(False, False), (False, True), (True, True)])
def test_the_figure_of_noise_is_chance_however_many_layers_there_are(multilabel, fixed):
    """The best of 12 layers of noise looks better than chance on the clips it is chosen on; nested, it does not."""
    asked, _ = task(multilabel)
    asked = dataclasses.replace(asked, groups=np.array([f"g{i}" for i in range(60)]), fixed=fixed)
    if not fixed:
        asked = dataclasses.replace(asked, splits=several_folds(asked.targets, asked.groups.tolist(), 0, 5))
    figures, best = [], []
    for seed in range(2):
        noise = np.random.default_rng(seed + 1).normal(size=(60, 12, 8)).astype(np.float32)
        figures.append(asked.nested(noise, seed, resamples=50).score.value)
        best.append(max(asked.score(noise[:, i], resamples=1).value for i in range(12)))
    assert np.mean(best) > np.mean(figures) + 0.05
    assert np.mean(figures) < asked.chance + 0.1


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_layer_that_knows_is_chosen_and_its_classifier_is_left(multilabel):
    asked, known = task(multilabel)
    rng = np.random.default_rng(5)
    features = rng.normal(size=(60, 4, 16)).astype(np.float32)
    features[:, 2, 8:] = known  # in the deviation
    found = dataclasses.replace(asked, fixed=True).nested(features)
    assert (found.choice.layer, found.choice.pooling, found.problem) == (2, "stats", None)
    ((_, test),) = asked.splits
    assert np.allclose(found.scores, found.classifier.scores(found.choice.of(features[test])))
    means = features.copy()
    means[:, 2, :8], means[:, 2, 8:] = known, 0
    assert dataclasses.replace(asked, fixed=True).nested(means).choice.layer == 2


def test_where_nothing_can_be_chosen_it_is_the_last_layer_and_told():
    asked, _ = task(multilabel=False)
    features = np.random.default_rng(5).normal(size=(60, 4, 16)).astype(np.float32)
    learn = asked.splits[0][0]
    of_one = dataclasses.replace(asked, fixed=True, groups=np.where(learn, "a", asked.groups))
    found = of_one.nested(features)
    assert (found.choice.layer, found.problem) == (3, "all clips are of one group")
    two = np.where(learn, np.arange(60) % 4 // 2, asked.targets.argmax(1))
    apart = dataclasses.replace(asked, fixed=True, targets=np.eye(3)[two], groups=np.where(learn, two.astype(str), "t"))
    assert "one label alone" in apart.nested(features).problem
