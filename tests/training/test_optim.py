"""Parameter groups: each parameter once, at the rate of its depth."""

import pytest
import tiny
import torch

from audioft.training.optim import adamw, count_parameters, parameter_groups, scale_gradients, set_rates


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_each_parameter_once(kind):
    model = tiny.make_classifier(kind, layers="weighted", pooling="attentive_stats")
    groups = parameter_groups(model, 1e-4)
    held = [id(p) for g in groups for p in g["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {id(p) for p in model.parameters()}


@pytest.mark.parametrize("kind", tiny.EVERY)
@pytest.mark.parametrize("layer", [0, 1, 3])
def test_what_a_cut_encoder_no_longer_computes_with_is_in_no_group(kind, layer):
    model = tiny.make_classifier(kind, layers=layer, head="linear")
    model.encoder.freeze(set())
    held = [id(p) for g in parameter_groups(model, 1e-4) for p in g["params"]]
    assert len(held) == len(set(held))
    assert {id(p) for p in model.parameters() if p.requires_grad} <= set(held)


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


@pytest.mark.parametrize("most", [0.01, 1e6, float("inf")])
def test_gradients_are_divided_and_clipped_as_torch_does(most):
    ours, theirs = tiny.make_classifier(), tiny.make_classifier()
    for model in (ours, theirs):
        torch.manual_seed(1)
        for p in model.parameters():
            p.grad = torch.randn_like(p)
    norm = scale_gradients(list(ours.parameters()), 7.0, most)
    for p in theirs.parameters():
        p.grad.div_(7.0)
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs.parameters(), most).item(), rel=1e-5)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-5, atol=1e-9)
    assert scale_gradients([], 1.0, 1.0) == 0.0


def test_the_fused_optimizer_goes_where_the_plain_one_does():
    start, found = None, []
    for fused in (True, False):
        model = tiny.make_classifier()
        optimizer = adamw(parameter_groups(model, 1e-3))
        assert all(g["fused"] for g in optimizer.param_groups)
        if not fused:
            optimizer = torch.optim.AdamW(parameter_groups(model, 1e-3), betas=(0.9, 0.98), eps=1e-8)
        start = torch.cat([p.detach().flatten() for p in model.parameters()])
        for n in range(3):
            torch.manual_seed(n)
            for p in model.parameters():
                p.grad = torch.randn_like(p)
            optimizer.step()
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert (found[0] - start).abs().max() > 1e-3
    assert (found[0] - found[1]).abs().max() < 1e-6
