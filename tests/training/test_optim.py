"""Parameter groups: each parameter once, at the rate of its depth."""

import pytest
import tiny
import torch

from audioft.training.optim import adamw, count_parameters, parameter_groups, set_rates


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_each_parameter_once(kind):
    model = tiny.make_classifier(kind, layers="weighted", pooling="attentive_stats")
    groups = parameter_groups(model, 1e-4)
    held = [id(p) for g in groups for p in g["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {id(p) for p in model.parameters()}


@pytest.mark.parametrize("kind", ["wav2vec2-stable", "wavlm", "data2vec-audio"])
def test_rates_fall_with_depth_and_vectors_do_not_decay(kind):
    model = tiny.make_classifier(kind, layers="weighted")
    groups = parameter_groups(model, 1e-4, head_lr=1e-3, layer_decay=0.5, weight_decay=0.1)
    names = {id(p): n for n, p in model.named_parameters()}
    expected = {
        "head": 1e-3,
        "layer_3": 1e-4,
        "layer_2": 5e-5,
        "layer_1": 2.5e-5,
        "projection": 1.25e-5,
        "feature_extractor": 6.25e-6,
    }
    for group in groups:
        assert group["peak"] == group["lr"] == pytest.approx(expected[group["name"]])
        for p in group["params"]:
            assert group["weight_decay"] == (0.1 if p.ndim > 1 else 0)
            inside = names[id(p)].startswith("encoder.")
            assert inside == (group["name"] != "head")
    assert {g["name"] for g in groups} == set(expected)
    rates = {names[id(p)]: g["lr"] for g in groups for p in g["params"]}
    assert rates["encoder.model.encoder.layers.0.attention.k_proj.weight"] == pytest.approx(2.5e-5)
    assert rates["layer_sum.layer_weights"] == pytest.approx(1e-3)


def test_head_rate_is_the_encoders_if_not_given():
    groups = parameter_groups(tiny.make_classifier(), 1e-4)
    assert {g["peak"] for g in groups} == {1e-4}


def test_rates_follow_the_schedule():
    model = tiny.make_classifier()
    optimizer = adamw(parameter_groups(model, 1e-4, head_lr=1e-3))
    set_rates(optimizer, 0.5)
    assert {round(g["lr"], 9) for g in optimizer.param_groups} == {5e-5, 5e-4}
    set_rates(optimizer, 1.0)
    assert all(g["lr"] == g["peak"] for g in optimizer.param_groups)


def test_a_parameter_outside_all_parts_is_noticed():
    model = tiny.make_classifier()
    model.encoder.model.stray = torch.nn.Parameter(torch.zeros(3))
    with pytest.raises(ValueError, match="stray"):
        parameter_groups(model, 1e-4)


def test_count_parameters():
    model = tiny.make_classifier()
    total = sum(p.numel() for p in model.parameters())
    assert count_parameters(model) == (total, total)
    model.encoder.freeze({"layer_1"})
    layer = sum(p.numel() for p in model.encoder.model.encoder.layers[0].parameters())
    assert count_parameters(model) == (total - layer, total)
