"""What a graph computes in another way is the same; nothing here needs onnx."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from audioft.data.windowed import normalise
from audioft.models import features
from audioft.models.exported import convolution, positions, spectra
from audioft.models.exported.classifier import normalised
from audioft.models.exported.graph_file import graph_of
from audioft.models.frames import strided


@pytest.mark.parametrize(("size", "hop"), [(10, 5), (400, 160), (256, 32), (3, 2), (5, 7)])
def test_frames_are_those_of_unfold(size, hop):
    waveforms = torch.randn(2, 2000)
    assert torch.equal(spectra.framed(waveforms, size, hop), waveforms.unfold(1, size, hop))
    states = torch.randn(2, 500, 6)
    assert torch.equal(spectra.framed(states, size, hop), states.unfold(1, size, hop).transpose(2, 3))


@pytest.mark.parametrize("kind", ["ast", "bert", "whisper"])
def test_energies_by_one_product_are_those_of_a_transform(kind):
    front = features.front_end(tiny.make_extractor(kind))
    window, filters = front._on(torch.device("cpu"))
    rng = torch.Generator().manual_seed(0)
    sound = torch.randn(2, 9000, generator=rng) * torch.tensor([[1e-3], [0.5]]) + 0.1
    prepared = {"ast": features._emphasised, "bert": features._emphasised_16_bits, "whisper": lambda x: x}[kind]
    how = (prepared, window, getattr(front, "points", 512), 160, filters)
    ours, theirs = spectra.energies(sound, *how), features._energies(sound, *how)
    assert ours.shape == theirs.shape
    exact = features._energies(sound.double(), prepared, window.double(), *how[2:])
    assert (ours - exact).abs().max() <= (theirs - exact).abs().max() + 1e-12 * exact.max()
    np.testing.assert_allclose(ours.log(), exact.log(), atol=1e-6)


@pytest.mark.parametrize("kind", ["wav2vec2", "wav2vec2-stable", "sew"])
def test_convolutions_as_products_are_the_convolutions(kind):
    encoder = tiny.make_encoder(kind)
    waveforms, lengths = tiny.batch(tiny.noises([8000, 5003]))
    layers = graph_of(tiny.make_classifier(kind), False).model.encoder.model.feature_extractor.conv_layers
    assert convolution.is_known(layers)
    with torch.no_grad():
        ours = convolution.features(layers, waveforms, lengths)
        theirs = encoder.backbone.features(waveforms, lengths)[0]
    for row, other, count in zip(ours, theirs, encoder.frame_lengths(lengths), strict=True):
        np.testing.assert_allclose(row[:count], other[:count], rtol=1e-4, atol=1e-4)
    assert ours.shape[1] == strided(8000, encoder.convolutions)


@pytest.mark.parametrize("kind", ["conformer-relative", "conformer-rotary", "bert-relative"])
def test_positions_are_those_that_transformers_keeps(kind):
    embed = tiny.make_model(kind).encoder.embed_positions
    hidden = torch.randn(1, 37, 32)
    np.testing.assert_allclose(positions.positions(embed, hidden), embed(hidden), atol=1e-5)


def test_clips_are_normalised_over_their_own_samples():
    clips = [np.random.default_rng(i).normal(0.3, 0.2 + i, 500 + 300 * i).astype(np.float32) for i in range(3)]
    waveform, lengths = tiny.batch([torch.from_numpy(c) for c in clips])
    found = normalised(waveform, lengths)
    for row, clip in zip(found, clips, strict=True):
        np.testing.assert_allclose(row[: len(clip)], normalise(clip), atol=1e-5)
        assert not row[len(clip) :].any()


def test_making_a_graph_leaves_the_model_as_it_was():
    """Parametrizations are of a module's class, which copies share."""
    model = tiny.make_classifier("wav2vec2")
    waveforms, lengths = tiny.batch(tiny.noises([8000]))
    with torch.no_grad():
        before = model(waveforms, lengths)
        graph = graph_of(model, False)
        again = model(waveforms, lengths)
        np.testing.assert_allclose(graph.model(waveforms, lengths), before, atol=1e-6)
    assert torch.equal(before, again)
    names = set(dict(graph.model.named_parameters()))
    assert not any("parametrizations" in name for name in names)
    assert any("parametrizations" in name for name, _ in model.named_parameters())
