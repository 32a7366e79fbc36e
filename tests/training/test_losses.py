"""Losses against torch's own, class weights against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from audioft.training.losses import BinaryCrossEntropy, CrossEntropy, Focal, balanced_weights, losses


@pytest.fixture
def batch():
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(8, 4, generator=source, requires_grad=True)
    classes = torch.randint(4, (8,), generator=source)
    return logits, classes, F.one_hot(classes, 4).float(), torch.ones(8, 4, dtype=torch.bool)


WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 3.0])


def mean(pair):
    return pair[0] / pair[1]


def test_cross_entropy(batch):
    logits, classes, targets, known = batch
    total, weight = CrossEntropy()(logits, targets, known)
    assert weight == 8
    assert torch.allclose(total, F.cross_entropy(logits, classes, reduction="sum"))
    assert torch.allclose(
        mean(CrossEntropy(smoothing=0.1)(logits, targets, known)), F.cross_entropy(logits, classes, label_smoothing=0.1)
    )
    assert torch.allclose(
        mean(CrossEntropy(class_weights=WEIGHTS)(logits, targets, known)), F.cross_entropy(logits, classes, WEIGHTS)
    )


def test_cross_entropy_of_mixed_targets(batch):
    logits, _, targets, known = batch
    mixed = 0.7 * targets + 0.3 * targets.flip(0)
    assert torch.allclose(mean(CrossEntropy()(logits, mixed, known)), F.cross_entropy(logits, mixed))


def test_a_clip_of_unknown_label_does_not_count(batch):
    logits, classes, targets, known = batch
    known[3] = False
    kept = [i for i in range(8) if i != 3]
    for loss in (CrossEntropy(), Focal(gamma=0)):
        total, weight = loss(logits, targets, known)
        assert weight == 7
        assert torch.allclose(total, F.cross_entropy(logits[kept], classes[kept], reduction="sum"))


def test_focal(batch):
    logits, classes, targets, known = batch
    for weights in (None, WEIGHTS):
        ours = mean(Focal(gamma=0, class_weights=weights)(logits, targets, known))
        assert torch.allclose(ours, F.cross_entropy(logits, classes, weights))
    p = torch.softmax(logits, -1)[torch.arange(8), classes]
    assert torch.allclose(mean(Focal(gamma=2)(logits, targets, known)), (-((1 - p) ** 2) * p.log()).mean())


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("loss", [Focal, BinaryCrossEntropy])
def test_focal_gradients_are_finite_where_the_answer_is_certain(loss, gamma):
    logits = torch.tensor([[80.0, -80.0], [-80.0, 80.0]], requires_grad=True)
    total, _ = loss(gamma=gamma)(logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.ones(2, 2, dtype=torch.bool))
    total.backward()
    assert torch.isfinite(logits.grad).all()


def test_binary_cross_entropy_over_known_targets(batch):
    logits, _, targets, known = batch
    targets = torch.maximum(targets, targets.roll(1, 0))
    known = torch.rand(8, 4, generator=torch.Generator().manual_seed(1)) < 0.6
    ours, weight = BinaryCrossEntropy()(logits, targets, known)
    assert weight == known.sum()
    assert torch.allclose(ours / weight, F.binary_cross_entropy_with_logits(logits[known], targets[known]))
    smoothed = mean(BinaryCrossEntropy(smoothing=0.2)(logits, targets, known))
    assert torch.allclose(smoothed, F.binary_cross_entropy_with_logits(logits[known], (targets * 0.8 + 0.1)[known]))
    (gradient,) = torch.autograd.grad(ours, logits)
    assert (gradient[~known] == 0).all()
    assert (gradient[known] != 0).all()


def test_binary_cross_entropy_weighs_present_labels(batch):
    logits, _, targets, known = batch
    ours, weight = BinaryCrossEntropy(class_weights=WEIGHTS)(logits, targets, known)
    theirs = F.binary_cross_entropy_with_logits(logits, targets, pos_weight=WEIGHTS, reduction="sum")
    assert torch.allclose(ours, theirs)
    assert weight == (1 + targets * (WEIGHTS - 1)).sum()


def test_sums_over_pieces_are_the_sum(batch):
    logits, _, targets, known = batch
    for name in losses.names():
        loss = losses.build(name, class_weights=WEIGHTS)
        whole = torch.stack(loss(logits, targets, known))
        parts = sum(torch.stack(loss(logits[s], targets[s], known[s])) for s in (slice(0, 3), slice(3, 8)))
        assert torch.allclose(whole, parts, atol=1e-5)


def test_balanced_weights_are_scikit_learns():
    classes = np.array([0] * 7 + [1] * 2 + [2] * 11)
    targets = torch.eye(3)[torch.from_numpy(classes)]
    ours = balanced_weights(targets, torch.ones_like(targets, dtype=torch.bool))
    assert np.allclose(ours.numpy(), compute_class_weight("balanced", classes=np.arange(3), y=classes))
    assert ((targets * ours).sum() / len(targets)).item() == pytest.approx(1)
    absent = balanced_weights(torch.tensor([[1.0, 0.0]]), torch.ones(1, 2, dtype=torch.bool))
    assert torch.isfinite(absent).all()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"name": "cross_entropy", "smoothing": 1.0}, "smoothing: 1.0"),
        ({"name": "focal", "gamma": -1}, "gamma: -1"),
        ({"name": "bce", "smoothing": -0.1, "gamma": -1}, "smoothing: -0.1"),
        ({"name": "cross_entropy", "class_weights": [1]}, "class_weights"),
    ],
)
def test_wrong_settings_are_said(spec, said):
    assert said in losses.check(spec, "train.loss")[0]
