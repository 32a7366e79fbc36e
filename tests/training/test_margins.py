"""Margin losses against slow forms written from the papers, and the margin over a run."""

import math

import pytest
import tiny
import torch
from small_training import QUIET, Rows, make_trainer
from torch.nn import functional as F
from transformers.models.wav2vec2.modeling_wav2vec2 import AMSoftmaxLoss

from audioft.assembly import build, contradictions
from audioft.models.heads.cosine import CosineHead
from audioft.training.losses import AAMSoftmax, AMSoftmax, CrossEntropy, losses
from audioft.training.margins import at_epoch
from audioft.training.objectives import Classification
from audioft.training.optim import adamw, parameter_groups

SCALE = 20.0
KNOWN = torch.ones(6, 4, dtype=torch.bool)
CLASSES = torch.tensor([0, 1, 2, 3, 1, 0])
TARGETS = F.one_hot(CLASSES, 4).float()
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 3.0])


@pytest.fixture
def cosines():
    """Cosines of all kinds, some of them of the own label beyond pi - 0.5."""
    made = torch.rand(6, 4, generator=torch.Generator().manual_seed(0)) * 1.9 - 0.95
    made[0, 0], made[1, 1], made[2, 2] = -0.99, 0.999, -0.9
    return made


def literal(cosines, classes, own):
    """Cross-entropy after `own(cosine)` of the own label, clip by clip in double precision."""
    found = []
    for row, c in zip(cosines.double().tolist(), classes.tolist(), strict=True):
        terms = [math.exp(SCALE * (own(x) if j == c else x)) for j, x in enumerate(row)]
        found.append(-math.log(terms[c] / sum(terms)))
    return found


def angular(m):
    def own(x):
        angle = math.acos(x)
        # beyond pi - m the curve goes on with the slope of the cosine itself, from where it has got to: -1
        return math.cos(angle + m) if angle + m < math.pi else -1 + (x - math.cos(math.pi - m))

    return own


@pytest.mark.parametrize("m", [0.1, 0.5])
@pytest.mark.parametrize(
    ("loss", "own"), [(AMSoftmax, lambda m: lambda x: x - m), (AAMSoftmax, angular)], ids=["am", "aam"]
)
def test_formulas(loss, own, m, cosines):
    expected = literal(cosines, CLASSES, own(m))
    for row in range(6):
        one = slice(row, row + 1)
        total, weight = loss(margin=m, scale=SCALE)(SCALE * cosines[one], TARGETS[one], KNOWN[one])
        assert weight == 1
        assert total.item() == pytest.approx(expected[row], rel=1e-4, abs=1e-5)
    weighted, weight = loss(margin=m, scale=SCALE, class_weights=WEIGHTS)(SCALE * cosines, TARGETS, KNOWN)
    by_class = WEIGHTS[CLASSES].tolist()
    assert weight == sum(by_class)
    assert weighted.item() == pytest.approx(sum(w * x for w, x in zip(by_class, expected, strict=True)), rel=1e-4)
    assert len({round(x, 3) for x in expected}) == 6


def test_additive_margin_is_that_of_transformers():
    theirs = AMSoftmaxLoss(8, 4, scale=30.0, margin=0.4)
    head = CosineHead(8, 4, size=8)
    with torch.no_grad():
        head.centers.copy_(theirs.weight.T[:, None])
    embedded = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
    head.embedding = torch.nn.Identity()
    total, weight = AMSoftmax(margin=0.4, scale=head.scale)(head(embedded), TARGETS, KNOWN)
    assert (total / weight).item() == pytest.approx(theirs(embedded, CLASSES).item(), rel=1e-5)


@pytest.mark.parametrize("loss", [AMSoftmax, AAMSoftmax])
def test_a_margin_makes_it_harder_and_none_is_cross_entropy(loss, cosines):
    logits = SCALE * cosines
    plain = CrossEntropy()(logits, TARGETS, KNOWN)[0]
    found = [loss(margin=m, scale=SCALE)(logits, TARGETS, KNOWN)[0] for m in (0.0, 0.1, 0.2, 0.5)]
    assert torch.allclose(found[0], plain, rtol=1e-5)
    assert found == sorted(found)
    assert found[1] > plain + 1


def test_a_worse_angle_is_never_cheaper():
    """The angular margin would carry angles beyond pi, where the cosine rises again."""
    cosine = torch.linspace(-1, 1, 4001)[:, None]
    logits = SCALE * torch.cat([cosine, torch.zeros_like(cosine)], 1)
    loss, target, known = AAMSoftmax(margin=0.5, scale=SCALE), torch.tensor([[1.0, 0.0]]), torch.ones(1, 2).bool()
    found = torch.stack([loss(row[None], target, known)[0] for row in logits])
    steps = found.diff()
    assert (steps <= 0).all()  # towards the own label
    assert steps.abs().max() < 0.1  # and no jump where the curves meet


@pytest.mark.parametrize("loss", [AMSoftmax, AAMSoftmax])
def test_an_unknown_label_does_not_count(loss, cosines):
    known = KNOWN.clone()
    known[3] = False
    total, weight = loss(margin=0.2, scale=SCALE)(SCALE * cosines, TARGETS, known)
    kept = [i for i in range(6) if i != 3]
    alone, _ = loss(margin=0.2, scale=SCALE)(SCALE * cosines[kept], TARGETS[kept], KNOWN[kept])
    assert weight == 5
    assert torch.allclose(total, alone)


@pytest.mark.parametrize("subcenters", [1, 3])
@pytest.mark.parametrize("name", ["am_softmax", "aam_softmax"])
def test_gradients_reach_embedding_and_centers(name, subcenters):
    torch.manual_seed(0)
    head = CosineHead(5, 4, size=3, depth=2, subcenters=subcenters)
    pooled = torch.randn(6, 5, requires_grad=True)
    total, _ = losses.build({"name": name, "margin": 0.3}, scale=head.scale)(head(pooled), TARGETS, KNOWN)
    total.backward()
    assert (pooled.grad.abs().sum(1) > 0).all()
    for key, p in head.named_parameters():
        assert torch.isfinite(p.grad).all(), key
        assert p.grad.abs().max() > 0, key


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradients_are_finite_where_the_embedding_lies_on_its_center(sign):
    logits = torch.full((1, 4), SCALE * sign, requires_grad=True)
    total, _ = AAMSoftmax(margin=0.5, scale=SCALE)(logits, TARGETS[:1], KNOWN[:1])
    total.backward()
    assert torch.isfinite(logits.grad).all()


def test_a_plan_is_straight_between_its_epochs():
    plan = {"10": 0.5, "0": 0.0, "5": "0.2"}  # as read from JSON
    found = [at_epoch(plan, e) for e in (0, 2.5, 5, 7.5, 10, 99)]
    assert found == pytest.approx([0, 0.1, 0.2, 0.35, 0.5, 0.5])
    loss = AMSoftmax(margin=plan, scale=SCALE)
    assert loss.margin == 0
    loss.at(7.5)
    assert loss.margin == pytest.approx(0.35)
    assert at_epoch(0.3, 4) == 0.3


@pytest.mark.parametrize(
    ("margin", "said"),
    [
        (1.5, "train.loss.margin: 1.5 is not at least 0 and below 1"),
        (-0.1, "margin: -0.1 is not at least 0 and below 1"),
        ("wide", "'wide' is not of type"),
        ({1: 0.2}, "margin: a plan begins at epoch 0, this one at epoch 1"),
        ({}, "this one is empty"),
        ({0: 0, 2: "far"}, "margin.2: 'far' is not at least 0 and below 1"),
        ({0: 0, -1: 0.1}, "margin.-1: -1 is not an epoch"),
        ({0: 0, 1.5: 0.1}, "margin.1.5: 1.5 is not an epoch"),
        ({0: 0, 2: None}, "margin.2: None"),
    ],
    ids=str,
)
def test_wrong_margins_are_said(margin, said):
    (problem,) = losses.check({"name": "aam_softmax", "margin": margin}, "train.loss")
    assert said in problem
    assert losses.check({"name": "aam_softmax", "scale": 3}, "train.loss")  # the head's to say


def margin_trainer(folder, **options):
    """A trainer whose model has a cosine head, told the progress as `finetuning` does."""
    trainer = make_trainer(folder, **options)
    model = tiny.make_classifier(encoder=QUIET, pooling="stats", head={"name": "cosine", "size": 8, "subcenters": 2})
    trainer.model, trainer.optimizer = model, adamw(parameter_groups(model, 3e-3))
    loss = losses.build({"name": "aam_softmax", "margin": {0: 0.0, 10: 0.3}}, scale=model.head.scale)
    trainer.objective = Classification(loss)
    told = []

    def begin_step(step):
        loss.at(trainer.plan.epoch_of(step))
        told.append((step, loss.margin))

    trainer.begin_step = begin_step
    return trainer, told


def test_it_learns_with_a_margin_that_grows(tmp_path):
    trainer, told = margin_trainer(tmp_path, size=12, batch_size=6, epochs=20, log_every=1, callbacks=[Rows()])
    trainer.fit()
    assert [step for step, _ in told] == list(range(40))
    assert told[0][1] == 0
    assert told[1][1] == pytest.approx(0.015)  # half an epoch of ten
    assert told[-1][1] == 0.3
    found = [r["loss"] for r in trainer.callbacks[0].rows]
    assert found[-1] < 0.3 < 1.0 < found[0]
    model = trainer.model.eval()
    with torch.no_grad():
        logits = model(*tiny.batch(trainer.dataset.waves))
    own = torch.arange(12) % 3
    assert (logits.argmax(1) == own).all()
    # further apart than cross-entropy would ask for
    assert (logits.gather(1, own[:, None]) / model.head.scale).min() > 0.3


def test_the_scale_is_that_of_the_head(tmp_path):
    from audioft.configuration.config import load

    head = {"name": "cosine", "scale": "12"}
    config = load(None, {"model.head": head, "train.loss": "am_softmax"}, further=contradictions.problems)
    assert build.loss(config, False, TARGETS.numpy(), KNOWN.numpy()).scale == 12.0
    default = load(config, {"model.head": "cosine"}, further=contradictions.problems)
    assert build.loss(default, False, TARGETS.numpy(), KNOWN.numpy()).scale == CosineHead(2, 2).scale
