"""`model.layers=N`: the states after layer N of the whole encoder, from an encoder that ends there."""

from __future__ import annotations

import pytest
import tiny
import torch

import audioft
from audioft.errors import ConfigError
from audioft.models import folder as folders
from audioft.models import freezing
from audioft.models.architecture import count
from audioft.models.boundary import boundary, cross, go_on
from audioft.models.folder import ModelCard
from audioft.models.heads.kept_head import relabelled

LENGTHS = [9000, 16000, 5400]
CLIPS = tiny.noises(LENGTHS)
CARD = ModelCard(("a", "b", "c"), False, window=1.0)


def logits(model, clips=CLIPS):
    with torch.no_grad():
        return model(*tiny.batch(clips))


def cut(kind, layer, pooling="stats", **options):
    return tiny.make_classifier(kind, layers=layer, pooling=pooling, head="linear", **options)


@pytest.mark.parametrize("kind", tiny.EVERY)
@pytest.mark.parametrize("pooling", ["mean", "stats"])
def test_the_states_are_those_of_the_whole_encoder(kind, pooling):
    whole = tiny.make_encoder(kind)
    with torch.no_grad():
        frames = whole.frames(*tiny.batch(CLIPS), every_layer=True)
    sizes = []
    for layer in range(whole.num_layers + 1):
        model = cut(kind, layer, pooling)
        with torch.no_grad():
            wanted = model.head(model.pooling(frames.of_layers(frames.layers[layer])))
        assert (logits(model) - wanted).abs().max() < 1e-5, layer
        assert model.encoder.num_layers == layer
        sizes.append(count(model.encoder))
    assert sizes == sorted(set(sizes)), "each layer less is a smaller encoder"


@pytest.mark.parametrize("kind", tiny.EVERY)
@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_saved_loaded_and_cut_from_the_saved(kind, layer, tmp_path):
    model = cut(kind, layer)
    folders.save(model, CARD, tmp_path / "m", "")
    loaded, _ = folders.load(tmp_path / "m")
    assert torch.equal(logits(loaded), logits(model))
    assert loaded.spec["layers"] == layer
    assert torch.equal(logits(relabelled(loaded, [[2], [0]])), logits(model)[:, [2, 0]])


@pytest.mark.parametrize("kind", tiny.EVERY)
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_what_crosses_the_boundary_goes_on_to_the_same_logits(kind, layer):
    for pooling in ("stats", "attentive_stats"):
        for policy in ("feature_extractor", "all", *([{"top": 1}] if layer else [])):
            model = cut(kind, layer, pooling)
            freezing.apply(policy, model.encoder)
            found = boundary(model, model.encoder.frozen)
            assert found is not None
            crossings = [c for clip in CLIPS for c in cross(model, found, *tiny.batch([clip]))]
            with torch.no_grad():
                gone_on = go_on(model, found, crossings)
            assert (gone_on - logits(model)).abs().max() < 5e-5, (pooling, policy)


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_freezing_counts_from_the_layer_and_all_that_trains_is_used(kind):
    model = cut(kind, 2)
    freezing.apply({"top": 1}, model.encoder)
    assert model.encoder.frozen == {"feature_extractor", "projection", "layer_1"}
    freezing.apply("none", model.encoder)
    model.train()
    model.encoder.eval()  # no layer is skipped
    model(*tiny.batch(CLIPS)).square().sum().backward()
    unused = {n for n, p in model.named_parameters() if p.requires_grad and p.grad is None}
    without_part = ("masked_spec_embed", *(["pos_conv_embed"] if kind.startswith("conformer") else []))
    assert not {n for n in unused if not any(part in n for part in without_part)}
    with pytest.raises(ValueError, match="more layers than the 2"):
        freezing.apply({"top": 3}, model.encoder)


@pytest.mark.parametrize("wrong", [4, -1, 17])
def test_a_layer_that_is_not_there_is_told_with_those_that_are(wrong):
    with pytest.raises(ValueError, match=rf"model.layers: {wrong}, but wav2vec2 has 0 \(before the first\) to 3"):
        cut("wav2vec2", wrong)


def test_frames_of_squeezed_layers_are_refused():
    with pytest.raises(ValueError, match=r"events\.use=frames: the layers of sew see 2 frames as one"):
        cut("sew", 2, "none")
    assert cut("wav2vec2", 2, "none").frame_level


@pytest.mark.parametrize("value", ["first", -1, True, 1.5])
def test_other_values_are_refused_as_settings(value):
    with pytest.raises(ConfigError, match=r"model\.layers: .*expected auto, last, weighted or the number of a layer"):
        audioft.settings(overrides={"model.layers": value})
