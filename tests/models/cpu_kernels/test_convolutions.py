"""The quick convolutions against torch's own, layer by layer and clip by clip."""

from __future__ import annotations

import copy

import pytest
import tiny
import torch
from torch import nn

from audioft.models.cpu_kernels import convolutions

KINDS = ("wav2vec2", "wavlm-stable", "sew")  # group norm first; a layer norm after each; kernels of one


def torchs(layers, waveform):
    hidden = waveform.double()[None, None]
    for layer in copy.deepcopy(layers).double():
        hidden = layer(hidden)
    return hidden[0].T


def layers_of(kind, **settings):
    layers = (
        tiny.make_encoder(kind, seed=3, **settings).model.feature_extractor.conv_layers.eval().requires_grad_(False)
    )
    for norm in (m for m in layers.modules() if isinstance(m, nn.GroupNorm | nn.LayerNorm)):
        nn.init.normal_(norm.weight, 1, 0.3)
        nn.init.normal_(norm.bias, 0, 0.3)
    return layers


@pytest.mark.parametrize("block", [1, 3000, convolutions.BLOCK])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_clip_is_as_torch_computes_it_alone(kind, bias, block, monkeypatch):
    monkeypatch.setattr(convolutions, "BLOCK", block)
    layers = layers_of(kind, conv_bias=bias)
    lengths = torch.tensor([16000, 1000, 7919])
    waveforms = torch.randn(3, 16000) + torch.tensor([[0.0], [50.0], [-1.0]])  # constants are no trouble
    waveforms *= torch.arange(16000) < lengths[:, None]
    found = convolutions.features(layers, waveforms, lengths)
    for row, waveform, length in zip(found, waveforms, lengths.tolist(), strict=True):
        expected = torchs(layers, waveform[:length])
        assert (row[: len(expected)] - expected).abs().max() < 2e-5 * expected.abs().max()
        assert not row[len(expected) :].any()
    assert found.shape[1] == len(torchs(layers, waveforms[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_has_the_same_bits_in_any_batch(kind):
    layers = layers_of(kind)
    waveforms, lengths = torch.randn(2, 9000), torch.tensor([9000, 4001])
    together = convolutions.features(layers, waveforms, lengths)
    alone = convolutions.features(layers, waveforms[1:, :4001], lengths[1:])
    assert torch.equal(together[1, : alone.shape[1]], alone[0])


def test_silence_gives_numbers():
    layers = layers_of("wav2vec2")
    found = convolutions.features(layers, torch.zeros(1, 4000), torch.tensor([4000]))
    assert (found[0] - torchs(layers, torch.zeros(4000))).abs().max() < 1e-5


def test_under_autocast_products_are_in_its_precision():
    layers = layers_of("wav2vec2")
    waveforms, lengths = torch.randn(1, 8000), torch.tensor([8000])
    exact = convolutions.features(layers, waveforms, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        found = convolutions.features(layers, waveforms, lengths)
    assert found.dtype == torch.bfloat16
    assert 0 < (found.float() - exact).abs().max() < 0.05 * exact.abs().max()


def test_where_they_are_taken():
    layers, waveforms = layers_of("wav2vec2"), torch.randn(1, 4000)
    assert convolutions.is_quick(layers, waveforms)
    assert not convolutions.is_quick(layers, waveforms.clone().requires_grad_())
    layers.requires_grad_(True)
    assert not convolutions.is_quick(layers, waveforms)
    with torch.no_grad():
        assert convolutions.is_quick(layers, waveforms)
        layers[1].conv = nn.Conv1d(16, 16, 3, 2, padding=1)
        assert not convolutions.is_quick(layers, waveforms)
