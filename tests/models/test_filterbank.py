"""The convolutions that begin as a filterbank: what of a sound they let through."""

from __future__ import annotations

import numpy as np
import pytest
import small_pretraining as small
import torch

from audioft.models import filterbank
from audioft.models.architecture import new_encoder, save_encoder
from audioft.models.loading import load_encoder

SHAPE = small.SMALL | {"conv_dim": [128, 192, 256], "conv_kernel": [256, 10, 8], "conv_stride": [32, 5, 4]}
BANDS = 41  # (128 - 3) / 3


def tone(hz: float, amplitude: float = 1.0, phase: float = 0.0) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * hz * torch.arange(16000) / 16000 + phase)[None, None]


@pytest.fixture(scope="module")
def encoder():
    return new_encoder(SHAPE, seed=0).eval()


def heard(encoder, waveform: torch.Tensor) -> torch.Tensor:
    """`(channels, F)` of the last convolution, before its norm."""
    first, second, third = encoder.model.feature_extractor.conv_layers
    with torch.inference_mode():
        return third.conv(second(first(waveform)))[0]


def levels(encoder, waveform: torch.Tensor) -> torch.Tensor:
    return heard(encoder, waveform)[:BANDS].mean(1)


@pytest.mark.parametrize(("bands", "taps"), [(10, 256), (41, 256), (20, 400)])
def test_each_filter_answers_most_to_its_own_pitch(bands, taps):
    rate = 16000
    bank = filterbank.gabor_bank(bands, taps, rate).reshape(bands, 3, taps)
    np.testing.assert_allclose(bank.sum(1), 0, atol=1e-6)
    np.testing.assert_allclose((bank.astype(float) ** 2).sum((1, 2)), 3, rtol=1e-4)
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (filterbank.LOWEST_HZ, 0.475 * rate))
    centres = 700 * (10 ** (np.linspace(low, high, bands) / 2595) - 1)
    response = (np.abs(np.fft.rfft(bank, 1 << 15)) ** 2).sum(1)
    for got, centre in zip(response.argmax(1) * rate / (1 << 15), centres, strict=True):
        assert abs(got - centre) < max(15, 0.01 * centre)


@pytest.mark.parametrize("hz", [203.0, 1037.3, 4111.0])
def test_a_tone_sounds_in_the_bands_around_its_pitch_and_in_no_other(encoder, hz):
    found = levels(encoder, tone(hz))
    mel = [2595 * np.log10(1 + f / 700) for f in (filterbank.LOWEST_HZ, hz, 0.475 * 16000)]
    expected = (BANDS - 1) * (mel[1] - mel[0]) / (mel[2] - mel[0])
    assert abs(int(found.argmax()) - expected) <= 1
    far = (torch.arange(BANDS) - expected).abs() > 10
    assert found.max() > 4
    assert found[far].abs().max() < 0.2, "a loud band is not heard in the silent ones"


def test_levels_are_logarithmic_up_to_the_loudest(encoder):
    """A tone of amplitude 0.2 is about as loud in its band as LOUDEST; beyond, the last piece goes on."""
    band = int(levels(encoder, tone(1037.3)).argmax())
    amplitudes = np.array([2e-4, 2e-3, 2e-2, 2e-1])
    found = np.array([float(levels(encoder, tone(1037.3, a))[band]) for a in amplitudes])
    steps = np.diff(found)
    assert (steps > 1.0).all(), found  # a decade is 2.3 in natural logarithms, less where it begins
    assert (steps < 3).all(), found
    assert float(levels(encoder, tone(1037.3, 1.0))[band]) > found[-1] + 1
    assert abs(float(levels(encoder, torch.zeros(1, 1, 16000))[band])) < 0.2


def test_a_steady_tone_is_steady_whatever_its_phase(encoder):
    band = int(levels(encoder, tone(1037.3)).argmax())
    each = torch.stack([heard(encoder, tone(1037.3, 0.1, p))[band] for p in (0.0, 1.0, 2.0)])
    assert each.std() < 0.02 * each.mean()


def test_movements_have_channels_of_their_own(encoder):
    swelling = tone(1037.3) * (0.01 + torch.linspace(0, 1, 16000))
    beating = tone(1037.3) * (1.1 + torch.sin(2 * torch.pi * 17 * torch.arange(16000) / 16000)) / 2
    band = int(levels(encoder, tone(1037.3)).argmax())
    slope, bend = BANDS + band, 2 * BANDS + band
    still = heard(encoder, tone(1037.3))
    assert heard(encoder, swelling)[slope].mean() > 10 * still[slope].mean().abs()
    assert heard(encoder, beating)[bend].std() > 10 * still[bend].std()


@pytest.mark.parametrize("loudness", [1e-3, 1.0])
def test_the_norms_take_nothing_away(encoder, loudness):
    """The channels' mean is 0, and their deviation that of the constants."""
    x = loudness * torch.randn(1, 1, 16000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for layer, constant in zip(encoder.model.feature_extractor.conv_layers, filterbank.CONSTANTS, strict=True):
            out = layer.conv(x)[0]
            assert out.mean(0).abs().max() < 1e-4 * constant
            alone = constant * (2 / out.shape[0]) ** 0.5
            assert ((out.std(0, correction=0) - alone) / alone).abs().max() < 0.2
            x = layer(x)


def test_it_survives_float16(encoder, tmp_path):
    assert max(float(p.detach().abs().max()) for p in encoder.parameters()) < torch.finfo(torch.float16).max
    save_encoder(encoder, tmp_path, dtype="float16")
    again, _ = load_encoder(str(tmp_path))
    for waveform in (tone(1037.3), tone(300.0, 0.01)):
        before, after = levels(encoder, waveform), levels(again, waveform)
        assert (before - after).abs().max() < 0.02 * before.abs().max()


def test_the_projection_begins_near_a_copy(encoder):
    weight = encoder.model.feature_projection.projection.weight.detach()
    assert weight.diagonal().mean() == pytest.approx(1, abs=0.1)
    plain = new_encoder(SHAPE | {"filterbank": False}, seed=0).model.feature_projection.projection.weight.detach()
    torch.testing.assert_close(weight, torch.eye(*weight.shape) + filterbank.OWN * plain)


@pytest.mark.parametrize("family", ["hubert", "wavlm"])
def test_other_families(family):
    found = new_encoder(SHAPE | {"family": family}, seed=0)
    assert levels(found, tone(1037.3)).max() > 4
