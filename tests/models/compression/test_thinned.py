"""A classifier of every k-th layer: the layers that are kept, run one after the other, below its own head."""

from __future__ import annotations

import pytest
import tiny
import torch

from audioft.models.compression.thinned import every_kth, stands_for, thinned, thinned_encoder


@pytest.mark.parametrize("kind", ["wav2vec2-stable", "wavlm", "sew", "whisper", "conformer-relative"])
def test_what_is_kept_computes_what_it_did(kind):
    encoder = tiny.make_encoder(kind).eval()
    clips = tiny.batch(tiny.noises([16000, 12000]))
    short = thinned_encoder(encoder, [0, 2])
    with torch.inference_mode():
        found = short.frames(*clips)
        frames = encoder.begin(*encoder.features(*clips))
        hidden, extras = frames.states, dict(frames.extras)
        for i in (0, 2):
            hidden = encoder.backbone.run_layer(
                i, hidden, encoder.backbone.attention_mask(hidden, frames.lengths), extras
            )
        hidden, lengths = encoder.backbone.finish(hidden, frames.lengths, extras)
    assert short.num_layers == 2
    assert encoder.num_layers == 3
    assert found.lengths.tolist() == lengths.tolist()
    for i, own in enumerate(lengths.tolist()):
        torch.testing.assert_close(found.states[i, :own], hidden[i, :own])


@pytest.mark.parametrize("layers", ["last", "weighted", 2])
def test_the_head_stays(layers):
    model = tiny.make_classifier("wav2vec2-stable", layers=layers, pooling="stats", head="linear")
    short = thinned(model, 2)
    assert all(torch.equal(short.head.state_dict()[k], v) for k, v in model.head.state_dict().items())
    assert short.encoder.num_layers == 2
    assert short(*tiny.batch(tiny.noises([9000]))).shape == (1, 3)
    if layers == "weighted":
        assert torch.equal(short.layer_sum.layer_weights, model.layer_sum.layer_weights[[0, 1, 3]])
    if layers == 2:  # cut there already, so that both are kept
        clip = tiny.batch(tiny.noises([9000]))
        torch.testing.assert_close(short(*clip), model(*clip))


def test_which_are_kept():
    assert every_kth(5, 2) == [0, 2]
    assert stands_for(5, 2) == [(1, 2), (2, 5)]
    for wanted in (0, 4):
        with pytest.raises(ValueError, match="of 3"):
            every_kth(3, wanted)
    with pytest.raises(ValueError, match="the first must be kept"):
        thinned_encoder(tiny.make_encoder("wav2vec2"), [1, 2])
