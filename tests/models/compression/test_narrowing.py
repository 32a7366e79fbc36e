"""Layers, heads and units that are taken away, against what is the same without them."""

from __future__ import annotations

import copy

import pytest
import tiny
import torch

from audioft.models.compression import importance, layout, narrowing
from audioft.models.compression.importance import Batch


def states(encoder):
    with torch.inference_mode():
        return encoder.frames(*tiny.batch(tiny.noises([9000, 16000]))).states


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_units_that_give_nothing_can_go(kind):
    encoder = tiny.make_encoder(kind).eval()
    (part, *_) = layout.feed_forwards(encoder, 1)
    gone = torch.arange(0, 64, 3)
    kept = torch.tensor([i for i in range(64) if i % 3])
    with torch.no_grad():
        encoder.model.get_submodule(part.second).weight[:, gone] = 0
    before = states(encoder)
    narrowing.keep_units(encoder, part, kept)
    assert encoder.model.get_submodule(part.first).weight.shape[0] == len(kept)
    assert torch.allclose(states(encoder), before, atol=2e-5)
    assert encoder.compressed


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_a_head_that_gives_nothing_can_go(kind):
    encoder = tiny.make_encoder(kind).eval()
    found = layout.attention(encoder, 1)
    if found is None:
        assert layout.heads_stay(encoder)
        return
    output = encoder.model.get_submodule(found.output)
    with torch.no_grad():
        output.weight[:, layout.head_rows(encoder, found, [0])] = 0
    before = states(encoder)
    narrowing.keep_heads(encoder, found, [1])
    assert layout.head_count(encoder, found) == 1
    assert encoder.model.get_submodule(found.inputs[0]).weight.shape[0] == 16
    assert torch.allclose(states(encoder), before, atol=2e-5)


def test_the_families_whose_heads_stay_are_told():
    assert "WavLM" in layout.heads_stay(tiny.make_encoder("wavlm"))
    assert "rotary" in layout.heads_stay(tiny.make_encoder("conformer-rotary"))
    assert layout.heads_stay(tiny.make_encoder("conformer-relative")) is None


def test_layers_go_with_their_weights_in_a_sum():
    model = tiny.make_classifier(layers="weighted")
    with torch.no_grad():
        model.layer_sum.layer_weights.copy_(torch.tensor([0.1, 0.2, -50.0, 0.3]))  # the second layer counts nothing
    encoder = copy.deepcopy(model.encoder)
    narrowing.keep_layers(model, [0, 2])
    assert model.layer_sum.layer_weights.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert model.encoder.num_layers == model.encoder.model.config.num_hidden_layers == 2
    given = tiny.batch(tiny.noises([9000]))
    with torch.inference_mode():
        one, other = encoder.frames(*given, stop=1), model.encoder.frames(*given, stop=1)
    assert torch.equal(one.states, other.states)
    assert [name for name, _ in model.encoder.parts()][-1] == "layer_2"
    assert model.transformers_equivalent  # a plain model of fewer layers


@pytest.mark.parametrize("kind", ["wavlm", "sew-d"])
def test_a_first_layer_that_others_need_stays(kind):
    with pytest.raises(ValueError, match="first layer"):
        narrowing.keep_layers(tiny.make_classifier(kind), [1, 2])


def batch(model) -> Batch:
    waveforms, lengths = tiny.batch(tiny.noises([9000, 12000, 16000, 16000]))
    with torch.inference_mode():  # what the model says is right
        targets = torch.nn.functional.one_hot(model(waveforms, lengths).argmax(1), 3).float()
    return Batch(waveforms, lengths, targets, torch.ones(4, 3, dtype=torch.bool))


def test_what_does_nothing_goes_first():
    model = tiny.make_classifier("wav2vec2-stable")
    idle = model.encoder.backbone.layers[1]
    with torch.no_grad():
        for name in ("attention.out_proj", "feed_forward.output_dense"):
            idle.get_submodule(name).weight.zero_()
            idle.get_submodule(name).bias.zero_()
    own = batch(model)
    told = list[int]()
    found = {c.what: c for c in importance.cuts(model, [own], False, 0.25, told.append)}
    before = importance.mean_loss(model, [own], False)
    assert found["layer 2"].loss == pytest.approx(before, abs=1e-6)
    assert abs(found["layer 1"].loss - before) > 1e-4
    assert 0.2 < found["layer 2"].saved < 0.4
    assert told == list(range(1, len(found) + 1))
    units = next(c for what, c in found.items() if "units" in what)
    tried = copy.deepcopy(model)
    units.take(tried)
    left = [p.out_features for p in (layer.feed_forward.intermediate_dense for layer in tried.encoder.backbone.layers)]
    assert left[1] == min(left) == 16  # a quarter of it stays in any case
    assert max(left) > 16
    assert importance.weights(tried) < importance.weights(model)


def test_a_model_of_one_layer_keeps_it():
    model = tiny.make_classifier(encoder={"num_hidden_layers": 1})
    assert not [c for c in importance.cuts(model, [batch(model)], False, 0.25, lambda n: None) if "layer" in c.what]
