from __future__ import annotations

import numpy as np
import pytest
import torch

from audioft.augmentation import dsp
from audioft.augmentation.spectrogram import FrequencyMask, TimeMask, TimeStretch, hertz, mel

RATE = 16_000


def clip(samples: int = 16_000) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).normal(0, 0.1, samples).astype(np.float32))


def band_power(waveform: torch.Tensor, low: float, high: float) -> float:
    hz = torch.fft.rfftfreq(len(waveform), 1 / RATE)
    inside = (hz >= low) & (hz < high)
    return float(torch.fft.rfft(waveform.double()).abs().square()[inside].mean())


@pytest.mark.parametrize("samples", [1, 127, 128, 400, 511, 12_345])
def test_there_and_back_is_the_same_sound(samples):
    assert torch.allclose(dsp.from_stft(dsp.to_stft(clip(samples), RATE), samples, RATE), clip(samples), atol=1e-6)


def test_time_mask_silences_the_drawn_span_and_nothing_else():
    masked = TimeMask(p=1).apply(clip(), RATE, {"spans": [[0.25, 0.375]]})
    assert len(masked) == 16_000
    half = 256  # samples of half a frame, over which an edge fades
    assert not masked[4000 + half : 6000 - half].any()
    assert torch.allclose(masked[: 4000 - half], clip()[: 4000 - half], atol=1e-6)
    assert torch.allclose(masked[6000 + half :], clip()[6000 + half :], atol=1e-6)
    assert dsp.rms(masked[4000:6000]) < 0.25 * dsp.rms(clip())


def test_frequency_mask_removes_the_drawn_band_and_nothing_else():
    masked = FrequencyMask(p=1).apply(clip(), RATE, {"bands": [[1000.0, 2000.0]]})
    assert len(masked) == 16_000

    def change_db(low: float, high: float) -> float:
        return 10 * np.log10(band_power(masked, low, high) / band_power(clip(), low, high))

    assert change_db(1150, 1850) < -30
    assert abs(change_db(0, 900)) < 0.1
    assert abs(change_db(2100, 8000)) < 0.1


def test_several_masks_are_all_applied():
    masked = TimeMask(p=1).apply(clip(), RATE, {"spans": [[0.1, 0.2], [0.7, 0.8]]})
    assert not masked[1900:2900].any()
    assert not masked[11_500:12_500].any()
    assert masked[5000:10_000].all()


def test_time_masks_are_drawn_within_their_limits():
    widths, ends = [], []
    for seed in range(300):
        drawn = TimeMask(p=1, masks=2, max_seconds=0.3, max_share=0.2).draw(np.random.default_rng(seed), 2 * RATE, RATE)
        widths += [end - begin for begin, end in drawn["spans"]]
        ends += [x for span in drawn["spans"] for x in span]
    assert 0.14 < max(widths) <= 0.15  # 0.3 s of 2 s
    assert 0 <= min(ends) < 0.02
    assert 0.98 < max(ends) <= 1
    short = TimeMask(p=1, max_seconds=9, max_share=0.2).draw(np.random.default_rng(0), 400, RATE)["spans"][0]
    assert short[1] - short[0] <= 0.2


def test_frequency_masks_are_drawn_within_their_limits_on_the_mel_scale():
    drawn = [FrequencyMask(p=1, max_share=0.3).draw(np.random.default_rng(i), 1, RATE)["bands"][0] for i in range(300)]
    widths = [mel(high) - mel(low) for low, high in drawn]
    assert 0.27 < max(widths) / mel(8000) <= 0.3
    assert min(low for low, _ in drawn) >= 0
    assert 7500 < max(high for _, high in drawn) <= 8000 + 1e-6


def test_mel_and_back():
    assert mel(1000) == pytest.approx(1000, abs=0.1)
    assert hertz(mel(4321.0)) == pytest.approx(4321.0)


@pytest.mark.parametrize("factor", [0.8, 0.937, 1.0, 1.25])
def test_time_stretch_changes_the_length_and_not_the_frequency(factor):
    sine = 0.3 * torch.sin(2 * torch.pi * 440 * torch.arange(16_000) / RATE)
    stretched = TimeStretch(p=1).apply(sine, RATE, {"factor": factor})
    assert len(stretched) == round(16_000 / factor)
    peak = float(torch.fft.rfft(stretched * torch.hann_window(len(stretched)), 2**18).abs().argmax())
    assert peak * RATE / 2**18 == pytest.approx(440, rel=3e-3)
    assert dsp.rms(stretched[2000:-2000]) == pytest.approx(dsp.rms(sine), rel=0.1)
