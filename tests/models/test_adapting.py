"""Adapters learn and reach the logits in every family, the encoder's own weights keep every bit, merged is the same."""

import re

import checks
import pytest
import tiny
import torch

from audioft.errors import ConfigError
from audioft.models import adapting, freezing
from audioft.models.adaptations import adaptations
from audioft.models.cpu_kernels import wavlm_attention
from audioft.training.losses import CrossEntropy
from audioft.training.optim import adamw, count_parameters, parameter_groups

ALL_LINEAR = {"name": "lora", "r": 2, "targets": "all-linear"}
SPECS = ["lora", ALL_LINEAR, "ia3", "bias", "norm"]
CLIPS = tiny.noises([1500, 1300, 1100])
DROPOUTS = {"hidden_dropout": 0.5, "attention_dropout": 0.5, "activation_dropout": 0.5, "feat_proj_dropout": 0.5}
KEYS_BIAS = re.compile(r"(^|[._])(k|key)(_proj)?\.bias$|linear_k\.bias$")  # a softmax does not see it


def adapted(kind="wav2vec2", spec="lora", freeze="feature_extractor", moved=True, **options):
    """A tiny classifier with adapters that do something."""
    model = tiny.make_classifier(kind, **options)
    adapting.adapt(model.encoder, spec, freeze, seed=1)
    freezing.apply(freezing.at_epoch(freezing.plan(freeze), 0), model.encoder)
    if moved:
        source = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for p in tuned_parameters(model).values():
                p.add_(0.1 * torch.randn(p.shape, generator=source))
    return model


def tuned_parameters(model):
    return {n: p for n, p in model.encoder.model.named_parameters() if n in model.encoder.tuned.parameters}


def logits(model):
    with torch.no_grad():
        return model(*tiny.batch(CLIPS))


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_each_adapter_weight_has_a_gradient_and_moves_the_logits(kind, spec):
    layers = "encoder_layers" if kind == "whisper" else "num_hidden_layers"
    model = adapted(kind, spec, encoder={layers: 2})
    parameters = tuned_parameters(model)
    before = logits(model)
    source = torch.Generator().manual_seed(0)
    (model(*tiny.batch(CLIPS)) * torch.randn(before.shape, generator=source)).sum().backward()
    assert parameters
    for name, p in parameters.items():
        if KEYS_BIAS.search(name):
            continue
        assert p.grad is not None, name
        assert p.grad.abs().max() > 0, name
        if spec == "bias":  # some move less than rounding does
            continue
        with torch.no_grad():
            kept = p.clone()
            # not the same for all channels, as a norm would take it away; large, as keys hardly matter to short clips
            p.add_(500 * torch.randn(p.shape, generator=source))
            assert (logits(model) - before).abs().max() > 1e-5, name
            p.copy_(kept)
    layers = {n for n, parts in model.encoder.parts() for p in parts if p.requires_grad}
    assert layers == {f"layer_{i + 1}" for i in range(model.encoder.num_layers)}


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_steps_change_adapters_and_head_and_nothing_else_by_a_bit(kind, spec):
    model = adapted(kind, spec, moved=False, encoder=DROPOUTS)
    before = checks.hashes(model)
    optimizer = adamw(parameter_groups(model, lr=1e-2, weight_decay=0.1))
    model.train()
    for step in range(3):
        torch.manual_seed(step)
        total, weight = CrossEntropy()(model(*tiny.batch(CLIPS)), torch.eye(3), torch.eye(3) >= 0)
        (total / weight).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    free = {f"encoder.model.{n}" for n in model.encoder.tuned.parameters}
    free |= {n for n, _ in model.named_parameters() if not n.startswith("encoder.")}
    assert free == {n for n, p in model.named_parameters() if p.requires_grad}
    checks.check_moved(before, checks.hashes(model), free, {n for n in free if KEYS_BIAS.search(n)})


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_merged_is_the_same_model_without_adapters(kind, spec):
    plain = tiny.make_classifier(kind)
    model = adapted(kind, spec)
    unmerged = logits(model)
    adapting.merge(model.encoder)
    assert (logits(model) - unmerged).abs().max() < 1e-5
    assert (unmerged - logits(plain)).abs().max() > 1e-4
    assert {n: v.shape for n, v in model.state_dict().items()} == {n: v.shape for n, v in plain.state_dict().items()}
    assert [type(m).__name__ for m in model.modules()] == [type(m).__name__ for m in plain.modules()]
    assert not any(
        vars(m)[wavlm_attention.METHOD].__func__ is wavlm_attention.attend
        for m in model.modules()
        if wavlm_attention.METHOD in vars(m)
    )
    assert count_parameters(model)[0] == count_parameters(plain)[0]


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_a_new_adapter_changes_nothing(kind):
    expected = logits(tiny.make_classifier(kind))
    for spec in SPECS:
        assert (logits(adapted(kind, spec, moved=False)) - expected).abs().max() < 1e-6


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_a_clip_does_not_depend_on_the_clips_beside_it(kind):
    assert checks.difference_in_batch(adapted(kind), tiny.noises([4000, 2400, 1700])) < 1e-5


def test_targets_are_found_by_structure():
    last = {
        str(spec): {n.rpartition(".lora_A")[0].rpartition(".")[2] for n in adapted(spec=spec).encoder.tuned.parameters}
        for spec in ("lora", ALL_LINEAR, {"name": "lora", "targets": ["v_proj", "output_dense"]})
    }
    attention = {"q_proj", "k_proj", "v_proj", "out_proj"}
    named, everything = list(last.values())[2], last[str(ALL_LINEAR)]
    assert last["lora"] - {""} == attention
    assert everything - {""} == attention | {"intermediate_dense", "output_dense"}
    assert named - {""} == {"v_proj", "output_dense"}
    with pytest.raises(ValueError, match=r"targets: no linear layer is called gate; there are .*q_proj"):
        adapted(spec={"name": "lora", "targets": ["q_proj", "gate"]})


def test_ia3_scales_keys_values_and_what_enters_the_second_dense_layer():
    names = {n.partition(".ia3_l")[0] for n in adapted(spec="ia3").encoder.tuned.parameters}
    first = {n.partition("layers.0.")[2] for n in names if "layers.0." in n}
    assert first == {"attention.k_proj", "attention.v_proj", "feed_forward.output_dense"}
    groups = parameter_groups(adapted(spec="ia3"), 1e-3, weight_decay=0.1)
    model = adapted(spec="ia3")
    groups = parameter_groups(model, 1e-3, weight_decay=0.1)
    factors = {id(p) for p in tuned_parameters(model).values()}
    assert {g["weight_decay"] for g in groups for p in g["params"] if id(p) in factors} == {0.0}


def test_first_weights_are_of_the_seed_and_leave_the_head_alone():
    one, same = adapted(moved=False), adapted(moved=False)
    other = tiny.make_classifier()
    adapting.adapt(other.encoder, "lora", "feature_extractor", seed=2)
    drawn = [{n: p for n, p in tuned_parameters(m).items() if "lora_A" in n} for m in (one, same, other)]
    assert all(torch.equal(drawn[0][n], drawn[1][n]) for n in drawn[0])
    assert not any(torch.equal(drawn[0][n], drawn[2][n]) for n in drawn[0])
    plain = tiny.make_classifier()
    assert all(torch.equal(a, b) for a, b in zip(one.head_parameters(), plain.head_parameters(), strict=True))


def test_adapters_learn_at_the_rate_of_their_layer():
    model = adapted("wavlm")
    names = {id(p): n for n, p in model.named_parameters()}
    rates = {names[id(p)]: g["peak"] for g in parameter_groups(model, 1e-3, layer_decay=0.5) for p in g["params"]}
    for layer, rate in enumerate((2.5e-4, 5e-4, 1e-3)):
        own = [r for n, r in rates.items() if f"layers.{layer}." in n and ".lora_" in n]
        assert own == pytest.approx([rate] * 8)


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm-stable"])
def test_only_the_adapters_dropout_acts_in_training(kind):
    x = tiny.batch(CLIPS)
    for dropout in (0.0, 0.5):
        spec = {"name": "lora", "dropout": dropout}
        model = adapted(kind, spec, {"top": 1}, encoder=DROPOUTS | {"layerdrop": 0.5}).train()
        low = [model.encoder.frames(*x, stop=2).states for _ in range(4)]
        high = [model.encoder.frames(*x).states for _ in range(4)]
        assert all(torch.equal(low[0], other) for other in low)
        assert not low[0].requires_grad  # no graph where nothing below trains
        assert high[0].requires_grad
        assert all(torch.equal(high[0], other) for other in high) == (dropout == 0)
        model.eval()
        assert torch.equal(model.encoder.frames(*x).states, model.encoder.frames(*x).states)


def test_freeze_says_which_layers_are_adapted_and_when():
    model = adapted(freeze={0: "all", 1: {"top": 1}, 2: {"top": 2}})
    encoder = model.encoder
    assert encoder.tuned.layers == ("layer_2", "layer_3")
    assert not any("layers.0." in n for n in encoder.tuned.parameters)
    for policy, free in [("all", set()), ({"top": 1}, {"layer_3"}), ({"top": 2}, {"layer_2", "layer_3"})]:
        freezing.apply(policy, encoder)
        assert {n for n, parts in encoder.parts() for p in parts if p.requires_grad} == free
        assert encoder.frozen == {n for n, _ in encoder.parts()} - free
    with pytest.raises(ValueError, match="more layers"):
        adapted(freeze={"top": 9})


@pytest.mark.parametrize("freeze", ["feature_extractor", {"top": 1}, {0: "all", 2: "feature_extractor"}])
def test_what_goes_together(freeze):
    assert adapting.contradictions(freeze) == []


@pytest.mark.parametrize("freeze", ["none", {0: "feature_extractor", 1: "none"}, "all", {0: "all", 3: "all"}])
def test_what_contradicts_is_said(freeze):
    (said,) = adapting.contradictions(freeze)
    assert said.startswith("freeze: `")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("lara", "adapt: unknown adaptation 'lara': did you mean 'lora'?"),
        ({"name": "lora", "r": 0}, "adapt.r: 0"),
        ({"name": "lora", "alpha": 0}, "adapt.alpha: 0"),
        ({"name": "lora", "dropout": 1.0}, "adapt.dropout: 1.0"),
        ({"name": "lora", "targets": []}, "adapt.targets: none"),
        ({"name": "lora", "targets": "some"}, "adapt.targets: 'some'"),
        ({"name": "norm", "r": 8}, "adapt.r: adaptation 'norm' has no such argument"),
        ({"name": "ia3", "save": "both"}, "adapt.save: 'both'"),
        ({"r": 8}, "add adapt.name=lora"),
    ],
)
def test_wrong_settings_are_told_before_anything_loads(spec, said):
    (problem,) = adaptations.check(spec, "adapt")
    assert said in problem


def test_all_problems_of_a_config_are_told_at_once():
    import audioft

    with pytest.raises(ConfigError, match=r"(?s)freeze: `none`.*adapt\.r: 0") as e:
        audioft.settings("somewhere", overrides={"adapt.name": "lora", "adapt.r": 0, "freeze": "none"})
    assert len(e.value.problems) == 2


@pytest.mark.parametrize("stable", [False, True])
def test_wavlm_attention_by_modules_is_its_own_attention(stable):
    kind = "wavlm-stable" if stable else "wavlm"
    own, ours = (tiny.make_classifier(kind) for _ in range(2))
    wavlm_attention.call_modules(ours.encoder.model)
    for clips in (CLIPS, CLIPS[:1]):  # with padding and without
        gradients = []
        for model in (own, ours):
            model.zero_grad()
            model(*tiny.batch(clips)).square().sum().backward()
            gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
        assert gradients[0].keys() == gradients[1].keys()
        for name, gradient in gradients[0].items():
            assert torch.allclose(gradient, gradients[1][name], atol=1e-4, rtol=1e-3), name
    assert (logits(own) - logits(ours)).abs().max() < 1e-6
    wavlm_attention.restore(ours.encoder.model)
    assert (logits(own) - logits(ours)).abs().max() < 1e-6


def test_left_alone_wavlm_would_pass_its_adapters_by():
    """So the tests above would notice."""
    model = adapted("wavlm")
    wavlm_attention.restore(model.encoder.model)
    model(*tiny.batch(CLIPS)).square().sum().backward()
    assert {n.split(".")[4] for n, p in tuned_parameters(model).items() if p.grad is None} >= {"q_proj", "k_proj"}
    assert logits(model).equal(logits(model))
