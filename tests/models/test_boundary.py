"""What crosses the boundary of the frozen part is enough for the rest, in every family and wherever the cut lies."""

from __future__ import annotations

import pytest
import tiny
import torch

from audioft.models import freezing
from audioft.models.boundary import Boundary, boundary, cross, go_on
from audioft.models.frames import LatentMask
from audioft.models.poolings_and_heads import poolings

POLICIES = ("feature_extractor", {"top": 3}, {"top": 2}, {"top": 1}, "all")
LENGTHS = [4500, 8000, 2700, 6161]  # odd and even numbers of frames


def frozen(model, policy):
    freezing.apply(policy, model.encoder)
    return model, boundary(model, model.encoder.frozen)


@pytest.mark.parametrize("kind", tiny.EVERY)
@pytest.mark.parametrize("layers", ["last", "weighted"])
def test_the_rest_goes_on_to_the_same_logits(kind, layers):
    """Each clip crosses alone; the rest sees them in one batch, in another order than by length."""
    clips = tiny.noises(LENGTHS)
    own = tiny.make_encoder(kind).own_pooling
    for policy, pooling in [*((p, own) for p in POLICIES), ("all", "attentive_stats"), ("all", "stats")]:
        model, cut = frozen(tiny.make_classifier(kind, layers=layers, pooling=pooling), policy)
        assert cut is not None
        crossings = [c for clip in clips for c in cross(model, cut, *tiny.batch([clip]))]
        with torch.no_grad():
            found, wanted = go_on(model, cut, crossings), model(*tiny.batch(clips))
        assert (found - wanted).abs().max() < 2e-5 * max(1, wanted.abs().max()), (policy, pooling)
        together = cross(model, cut, *tiny.batch(clips))
        for one, other in zip(crossings, together, strict=True):
            assert (one.samples, one.frames) == (other.samples, other.frames)
            assert torch.allclose(one.states, other.states, atol=1e-3)  # of some depth: rounding adds up


@pytest.mark.parametrize("kind", ["wav2vec2", "sew", "conformer-rotary"])
@pytest.mark.parametrize("policy", POLICIES)
def test_frames_go_on_to_the_same_logits(kind, policy):
    clips = tiny.noises(LENGTHS)
    model, cut = frozen(tiny.make_classifier(kind, pooling="none"), policy)
    crossings = cross(model, cut, *tiny.batch(clips))
    with torch.no_grad():
        found, wanted = go_on(model, cut, crossings), model(*tiny.batch(clips))
    for row, other, crossing in zip(found, wanted, crossings, strict=True):
        count = crossing.frames[1]
        assert torch.allclose(row[:count], other[:count], atol=2e-5)


def test_where_the_boundary_lies():
    def of(policy, kind="wav2vec2", **options):
        return frozen(tiny.make_classifier(kind, **options), policy)[1]

    assert of("none") is None
    assert of("feature_extractor") == Boundary("features", -1)
    assert of({"top": 3}) == Boundary("states", 0)
    assert of({"top": 1}) == Boundary("states", 2)
    assert of({"top": 1}, layers="weighted") == Boundary("layers", 2)
    assert of("all") == of("all", layers="weighted") == of("all", pooling="stats") == Boundary("pooled", 3)
    assert of("all", pooling="attentive_stats") == of("all", pooling="none") == Boundary("states", 3)
    assert of("all", layers="weighted", pooling="stats") == Boundary("pooled", 3)
    assert of("all", layers="weighted", pooling="attentive_stats") == Boundary("layers", 3)
    assert of("none", "bert") == Boundary("features", -1)  # its features have nothing to learn
    assert of({"top": 2}, "sew-d") == Boundary("states", 0)  # the convolution beside the first layer ends in the second
    assert of({"top": 1}, "sew-d") == Boundary("states", 2)


def test_every_pooling_with_nothing_to_learn_has_all_of_it_below():
    """Whatever the layers; in the older way, what is no sum of what the layers are pooled to has the layers there."""
    own = {"tokens": "ast", "all_frames": "whisper"}
    for name in poolings.names():
        for layers in ("last", "weighted"):
            model = tiny.make_classifier(own.get(name, "wav2vec2"), layers=layers, pooling=name)
            learns, parts = any(True for _ in model.pooling.parameters()), [n for n, _ in model.encoder.parts()]
            learnt_kind = "layers" if layers == "weighted" else "states"
            assert boundary(model, parts) == Boundary(learnt_kind if learns else "pooled", 3)
            older = learnt_kind if learns or (name, layers) == ("stats", "weighted") else "pooled"
            assert boundary(model, parts, moments=False) == Boundary(older, 3)


def test_pooled_states_are_one_vector_a_layer():
    model, cut = frozen(tiny.make_classifier(layers="weighted"), "all")
    (crossing,) = cross(model, cut, *tiny.batch(tiny.noises([16000])))
    assert crossing.states.shape == (4, 32)
    assert (crossing.samples, crossing.frames) == (16000, (49, 49))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_mask_acts_above_features_and_is_part_of_what_crosses_elsewhere(policy):
    clips = tiny.noises([9000, 16000])
    model, cut = frozen(tiny.make_classifier(), policy)
    time = torch.zeros(2, 49, dtype=torch.bool)
    time[0, 3:9] = time[1, 30:40] = True
    mask = LatentMask(time, torch.arange(32)[None].repeat(2, 1) < 4)
    below = cut.kind != "features"
    crossings = cross(model, cut, *tiny.batch(clips), mask if below else None)
    with torch.no_grad():
        found, wanted = go_on(model, cut, crossings, None if below else mask), model(*tiny.batch(clips), mask)
        plain = model(*tiny.batch(clips))
    assert torch.allclose(found, wanted, atol=2e-5)
    assert (wanted - plain).abs().max() > 1e-3


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("how", [{}, {"layers": "weighted"}, {"layers": "weighted", "pooling": "stats"}])
def test_gradients_above_the_boundary_are_those_of_the_whole(policy, how):
    clips = tiny.noises(LENGTHS)
    model, cut = frozen(tiny.make_classifier(encoder={"layerdrop": 0.0, "hidden_dropout": 0.0}, **how), policy)
    crossings = cross(model, cut, *tiny.batch(clips))
    assert not any(c.states.requires_grad for c in crossings)
    free = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    gradients = []
    for logits in (go_on(model, cut, crossings), model(*tiny.batch(clips))):
        gradients.append(torch.autograd.grad(logits.square().sum(), [p for _, p in free], allow_unused=True))
    for (name, _), one, other in zip(free, *gradients, strict=True):
        assert (one is None) == (other is None), name
        if one is not None:
            assert torch.allclose(one, other, atol=1e-4 * max(1, other.abs().max())), name


def test_what_is_below_acts_as_in_evaluation_and_the_mode_is_restored():
    model, cut = frozen(tiny.make_classifier(encoder={"hidden_dropout": 0.5}), {"top": 1})
    model.train()
    args = tiny.batch(tiny.noises([8000]))
    one, other = cross(model, cut, *args)[0], cross(model, cut, *args)[0]
    assert torch.equal(one.states, other.states)
    assert model.training
