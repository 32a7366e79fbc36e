"""Prototypes: the formula written out, clips left out one by one, a scale that makes probabilities mean something."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny
import torch
from scipy.special import log_softmax

from audioft.models import folder
from audioft.models.folder import ModelCard
from audioft.models.heads.prototypes import UNFITTED_SCALE, PrototypeHead, directions, left_out
from audioft.models.poolings_and_heads import heads


def clouds(each: int = 8, labels: int = 3, size: int = 6, spread: float = 0.6, shift: float = 5.0, seed: int = 0):
    """Clips around a centre a label, all of them far from 0 in one direction: `(N, D)`, targets, known."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(labels, size))
    x = np.repeat(centres, each, 0) + rng.normal(0, spread, (each * labels, size)) + shift
    targets = np.repeat(np.eye(labels), each, 0)
    return torch.from_numpy(x).float(), targets, np.ones_like(targets, bool)


def unit(v: np.ndarray) -> np.ndarray:
    return v / math.sqrt((v * v).sum())


@pytest.mark.parametrize("centre", [True, False])
def test_logits_are_what_the_formula_says(centre):
    x, targets, known = clouds()
    head = PrototypeHead(6, 3, centre)
    fit = head.fit(x, targets, known, multilabel=False)
    own = x.numpy().astype(float)
    mean = own.mean(0) if centre else np.zeros(6)
    z = [unit(v - mean) for v in own]
    asked = np.array([5.0, 4, 6, 5, 5.5, 4.5])
    for c in range(3):
        prototype = unit(sum(z[i] for i in range(len(z)) if targets[i, c]) / targets[:, c].sum())
        expected = fit.scale * float(unit(asked - mean) @ prototype)
        assert head(torch.tensor(asked).float()[None])[0, c].item() == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert torch.allclose(head.embed(x).norm(dim=1), torch.ones(len(x)))
    assert not list(head.parameters())


def test_a_clip_is_scored_by_prototypes_made_without_it():
    x, targets, _ = clouds(each=3)
    z = directions(x.double(), x.double().mean(0))
    targets[4, 0] = 1  # a clip of two labels
    cosines, usable = left_out(z, torch.from_numpy(targets))
    for i in range(len(z)):
        for c in range(3):
            others = [z[j].numpy() for j in range(len(z)) if targets[j, c] and j != i]
            assert cosines[i, c] == pytest.approx(float(z[i].numpy() @ unit(sum(others))))
    assert usable.all()
    _, usable = left_out(z[:4], torch.from_numpy(targets[:4]))
    assert usable.tolist() == [[True, True, True]] * 3 + [[True, False, True]]


def test_the_scale_is_that_of_the_least_log_loss():
    x, targets, known = clouds(each=20, spread=1.5)
    head = PrototypeHead(6, 3)
    fit = head.fit(x, targets, known, multilabel=False)
    z = directions(x.double(), x.double().mean(0))
    cosines, _ = left_out(z, torch.from_numpy(targets))
    sure = 61 / 62
    goal = np.where(targets > 0, sure, (1 - sure) / 2)

    def loss(scale: float) -> float:
        return -(goal * log_softmax(scale * cosines, axis=1)).sum() / 60

    grid = np.geomspace(0.1, 1000, 4000)
    assert fit.scale == pytest.approx(grid[np.argmin([loss(s) for s in grid])], rel=0.01)
    assert (fit.clips, head.scale.item()) == (60, pytest.approx(fit.scale))
    assert 0.5 < fit.accuracy < 1


def test_easy_clips_are_labelled_with_more_certainty_than_hard_ones_and_never_with_all():
    def certainty(spread: float) -> float:
        x, targets, known = clouds(each=20, spread=spread)
        head = PrototypeHead(6, 3)
        head.fit(x, targets, known, multilabel=False)
        return head(x).softmax(1).amax(1).mean().item()

    assert certainty(1.5) < 0.8 < 0.95 < certainty(0.001) < 0.99


def test_centring_brings_out_what_a_common_mean_hides():
    x, targets, known = clouds(each=20, spread=0.4, shift=200.0)
    found = {c: PrototypeHead(6, 3, c).fit(x, targets, known, multilabel=False) for c in (True, False)}
    assert found[True].loss < 0.1 * found[False].loss


def test_several_labels_have_sigmoids_that_are_right_on_average():
    rng = np.random.default_rng(0)
    targets = (rng.random((200, 3)) < [0.5, 0.3, 0.1]).astype(float)
    x = torch.from_numpy(targets @ rng.normal(size=(3, 12)) + rng.normal(0, 0.5, (200, 12)))
    known = rng.random((200, 3)) < 0.9
    head = PrototypeHead(12, 3)
    fit = head.fit(x, targets, known, multilabel=True)
    scores = torch.sigmoid(head(x.float())).numpy()
    for c in range(3):
        rows = known[:, c]
        assert scores[rows, c].mean() == pytest.approx(targets[rows, c].mean(), abs=0.05)
        assert scores[rows & (targets[:, c] > 0), c].mean() > scores[rows & (targets[:, c] == 0), c].mean() + 0.2
    base = targets[known].mean()
    assert fit.loss < -(base * math.log(base) + (1 - base) * math.log(1 - base))
    other = PrototypeHead(12, 3)
    other.fit(x, np.where(known, targets, 1 - targets), known, multilabel=True)
    assert torch.equal(head(x.float()), other(x.float()))  # what is not known does not matter


def test_one_clip_a_label_can_be_fitted_and_none_cannot():
    x, targets, known = clouds(each=1)
    for several in (False, True):
        head = PrototypeHead(6, 3)
        fit = head.fit(x, targets, known, several)
        assert (fit.clips, fit.scale) == (0, UNFITTED_SCALE)
        assert math.isnan(fit.loss)
        assert head(x).argmax(1).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="without a clip"):
        PrototypeHead(6, 3).fit(x[:2], targets[:2], known[:2], False)


def test_a_label_of_one_clip_among_several_labels_has_the_others_offset():
    x, targets, known = clouds(each=6)
    keep = [*range(12), 12]  # one clip of the third label
    head = PrototypeHead(6, 3)
    head.fit(x[keep], targets[keep], known[keep], True)
    assert head.offset[2].item() == pytest.approx(head.offset[:2].mean().item(), rel=1e-4)


@pytest.mark.parametrize("spec", ["prototype", {"name": "prototype", "centre": False}])
def test_a_saved_model_gives_the_same_logits(spec, tmp_path):
    model = tiny.make_classifier(head=spec)
    waveforms, lengths = tiny.batch(tiny.noises([8000, 6000, 9000, 7000, 5000, 8500]))
    with torch.inference_mode():
        pooled = model.embed(waveforms, lengths)
        model.head.fit(pooled, np.repeat(np.eye(3), 2, 0), np.ones((6, 3), bool), False)
        expected = model(waveforms, lengths)
    folder.save(model, ModelCard(("a", "b", "c"), False, 1.0), tmp_path / "model", "")
    loaded, _ = folder.load(tmp_path / "model")
    with torch.inference_mode():
        assert torch.equal(loaded(waveforms, lengths), expected)
    assert loaded.head.centre is (spec == "prototype")
    assert expected.std() > 0.001


def test_it_is_a_head_by_name():
    assert isinstance(heads.build("prototype", input_size=4, num_labels=2), PrototypeHead)
    assert heads.check({"name": "prototype", "centre": 3}, "model.head") == ["model.head.centre: 3 is not of type bool"]
