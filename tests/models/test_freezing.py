"""What is frozen keeps every bit through real steps, and is quiet; what is free learns."""

import checks
import pytest
import tiny
import torch

from audioft.models import freezing
from audioft.models.loading import DROPOUTS
from audioft.training.losses import CrossEntropy
from audioft.training.optim import adamw, parameter_groups

LAYERDROP = {"whisper": "encoder_layerdrop"}
POLICIES = ["feature_extractor", "all", "none", {"top": 1}, {"top": 2}, {"top": 3}]


def train(model, optimizer, steps=3):
    clips = tiny.noises([3000, 2500, 1800])
    x, targets = tiny.batch(clips), torch.eye(3)
    model.train()
    for step in range(steps):
        torch.manual_seed(step)
        total, weight = CrossEntropy()(model(*x), targets, targets >= 0)
        (total / weight).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def free_names(model):
    free = {k for k, p in model.named_parameters() if p.requires_grad}
    # without masks nothing reaches the mask vector, a softmax does not see a key's bias, and conformers do not use
    # the positional convolution that they have
    idle = {k for k in free if k.endswith(("masked_spec_embed", "k_proj.bias", "linear_k.bias", "key.bias"))}
    return free, idle | {k for k in free if "conformer" in model.encoder.family and "pos_conv_embed" in k}


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_frozen_weights_keep_their_hash_and_free_ones_move(kind, policy):
    # a layer sum takes the last layer before a final norm
    normed = "stable" in kind or kind in ("hubert-layer", "unispeech-sat", "sew", "sew-d") or "conformer" in kind
    config = tiny.make_config(kind)
    settings = {k: 0.5 for k in DROPOUTS if hasattr(config, k)} | {LAYERDROP.get(kind, "layerdrop"): 0.0}
    model = tiny.make_classifier(
        kind, layers="last" if normed else "weighted", pooling="attentive_stats", encoder=settings
    )
    optimizer = adamw(parameter_groups(model, lr=1e-2, weight_decay=0.1))
    freezing.apply(policy, model.encoder)
    before = checks.hashes(model)
    train(model, optimizer)
    checks.check_moved(before, checks.hashes(model), *free_names(model))
    parts = freezing.frozen_parts(policy, model.encoder)
    assert model.encoder.frozen == parts
    for name, parameters in model.encoder.parts():
        fixed = {id(p) for p in model.encoder.backbone.fixed()}
        assert {p.requires_grad for p in parameters if id(p) not in fixed} <= {name not in parts}
    assert all(p.requires_grad for p in model.head_parameters())


def test_a_plan_frees_and_freezes_by_epoch():
    plan = freezing.plan({2: "all", 0: "all", "1": {"top": 1}})
    assert list(plan) == [0, 1, 2]
    model = tiny.make_classifier()
    optimizer = adamw(parameter_groups(model, lr=1e-2, weight_decay=0.1))
    for epoch in range(4):
        policy = freezing.at_epoch(plan, epoch)
        assert policy == ({"top": 1} if epoch == 1 else "all")
        freezing.apply(policy, model.encoder)
        before = checks.hashes(model)
        train(model, optimizer)
        free, idle = free_names(model)
        checks.check_moved(before, checks.hashes(model), free, idle)
        assert any(k.startswith("encoder.") for k in free) == (epoch == 1)


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_frozen_parts_are_quiet_in_training(kind):
    config = tiny.make_config(kind)
    drops = {k: 0.5 for k in (*DROPOUTS, "layerdrop", "encoder_layerdrop") if hasattr(config, k)}
    model = tiny.make_classifier(kind, encoder=drops)
    x = tiny.batch(tiny.noises([3000, 2000]))
    freezing.apply({"top": 1}, model.encoder)
    model.train()
    assert model.encoder.training
    low = [model.encoder.frames(*x, stop=2).states for _ in range(6)]
    assert all(torch.equal(low[0], other) for other in low)
    high = [model.encoder.frames(*x).states for _ in range(6)]
    assert not all(torch.equal(high[0], other) for other in high)  # the free layer is not quiet
    freezing.apply("none", model.encoder)
    low = [model.encoder.frames(*x, stop=2).states for _ in range(6)]
    assert not all(torch.equal(low[0], other) for other in low)
    freezing.apply("all", model.encoder)
    low = [model.encoder.frames(*x).states for _ in range(6)]
    assert all(torch.equal(low[0], other) for other in low)
    assert not low[0].requires_grad


def test_a_batch_norm_keeps_its_statistics_even_where_it_learns():
    model = tiny.make_classifier("hubert-batch")
    freezing.apply("none", model.encoder)
    before = checks.hashes(model)
    train(model, adamw(parameter_groups(model, lr=1e-2)))
    after = checks.hashes(model)
    running = [k for k in before if "running" in k]
    assert running
    assert all(before[k] == after[k] for k in running)
    assert any(before[k] != after[k] for k in before if "pos_conv_embed.batch_norm.weight" in k)


def test_too_many_layers_is_an_error():
    encoder = tiny.make_classifier().encoder
    with pytest.raises(ValueError, match=r"99.*3"):
        freezing.frozen_parts({"top": 99}, encoder)
    with pytest.raises(ValueError, match="layer_9"):
        encoder.freeze({"layer_9"})


@pytest.mark.parametrize(
    "right", ["all", "none", "feature_extractor", {"top": 2}, {0: "all", 3: {"top": 1}}, {"0": "none"}]
)
def test_what_is_right(right):
    assert freezing.problems(right) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("everything", "freeze: 'everything' is not a policy"),
        ({"top": 0}, "freeze.top: 0"),
        ({"top": True}, "freeze.top: True"),
        ({"top": "2"}, "freeze.top: '2'"),
        ({"top": 1, "bottom": 1}, "is not a policy"),
        ({}, "is not a policy"),
        (3, "freeze: 3 is not a policy"),
        (None, "freeze: None"),
        ({1: "all"}, "begins at epoch 0, this one at epoch 1"),
        ({0: "all", 2: "some"}, "freeze.2: 'some'"),
        ({0: {0: "all"}}, "freeze.0: a plan cannot hold another plan"),
        ({-1: "all"}, "is not a policy"),
    ],
)
def test_what_is_wrong_is_said(wrong, said):
    (problem,) = freezing.problems(wrong)
    assert said in problem
