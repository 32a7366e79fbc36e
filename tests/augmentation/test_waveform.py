from __future__ import annotations

import numpy as np
import pytest
import torch

from audioft.augmentation import dsp
from audioft.augmentation.waveform import Gain, Pitch, Shift, Speed

RATE = 16_000


def sine(hz: float, seconds: float = 1.0) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * hz * torch.arange(round(seconds * RATE)) / RATE)


def loudest_hz(waveform: torch.Tensor) -> float:
    """Frequency of the highest peak of the middle half, to a fraction of a bin by zero padding."""
    quarter = len(waveform) // 4
    middle = waveform[quarter:-quarter] * torch.hann_window(len(waveform) - 2 * quarter)
    size = 2**19
    return float(torch.fft.rfft(middle, size).abs().argmax()) * RATE / size


def test_gain_changes_the_level_as_drawn_and_clips_nothing():
    louder = Gain(p=1).apply(torch.tensor([0.5, -0.9]), RATE, {"db": 6.0206})
    assert torch.allclose(louder, torch.tensor([1.0, -1.8]), atol=1e-4)


def test_gain_is_drawn_over_its_whole_range():
    drawn = [Gain(p=1, min_db=-3, max_db=5).draw(np.random.default_rng(i), 1, RATE)["db"] for i in range(500)]
    assert -3 <= min(drawn) < -2.9
    assert 4.9 < max(drawn) <= 5


@pytest.mark.parametrize(("by", "expected"), [(2, [0, 0, 1, 2, 3]), (-2, [3, 4, 5, 0, 0]), (0, [1, 2, 3, 4, 5])])
def test_shift_pads_with_zeros(by, expected):
    shifted = Shift(p=1).apply(torch.tensor([1.0, 2, 3, 4, 5]), RATE, {"seconds": by / RATE, "rolled": False})
    assert shifted.tolist() == expected


@pytest.mark.parametrize(("by", "expected"), [(2, [4, 5, 1, 2, 3]), (-2, [3, 4, 5, 1, 2])])
def test_shift_rolls(by, expected):
    shifted = Shift(p=1).apply(torch.tensor([1.0, 2, 3, 4, 5]), RATE, {"seconds": by / RATE, "rolled": True})
    assert shifted.tolist() == expected


def test_shift_leaves_half_of_a_short_clip():
    shift = Shift(p=1, max_seconds=10)
    for seed in range(50):
        drawn = shift.draw(np.random.default_rng(seed), 1000, RATE)
        assert shift.apply(torch.ones(1000), RATE, drawn).sum() >= 500


@pytest.mark.parametrize("factor", [0.9, 0.95123, 1.0, 1.1, 1.7])
def test_speed_changes_length_and_frequency_by_the_factor(factor):
    faster = Speed(p=1).apply(sine(500), RATE, {"factor": factor})
    assert len(faster) == round(16_000 / factor)
    assert loudest_hz(faster) == pytest.approx(500 * factor, rel=1e-3)
    assert dsp.rms(faster) == pytest.approx(dsp.rms(sine(500)), rel=0.01)


def test_speed_does_not_alias():
    assert dsp.rms(Speed(p=1).apply(sine(7000), RATE, {"factor": 1.5})) < 0.01


@pytest.mark.parametrize("semitones", [-12, -2, -0.37, 0, 1.5, 3, 12])
@pytest.mark.parametrize("hz", [220.0, 1000.0])
def test_pitch_moves_the_frequency_and_keeps_the_length(semitones, hz):
    moved = Pitch(p=1).apply(sine(hz), RATE, {"semitones": semitones})
    assert len(moved) == 16_000
    assert loudest_hz(moved) == pytest.approx(hz * 2 ** (semitones / 12), rel=3e-3)
    assert dsp.rms(moved[4000:-4000]) == pytest.approx(dsp.rms(sine(hz)), rel=0.15)


def test_pitch_keeps_events_where_they_are():
    burst = torch.zeros(16_000)
    burst[8000:9600] = sine(800, 0.1)
    for semitones in (-4.0, 4.0):
        energy = Pitch(p=1).apply(burst, RATE, {"semitones": semitones}).square()
        centre = float((energy * torch.arange(16_000)).sum() / energy.sum())
        assert centre == pytest.approx(8800, abs=320)  # 20 ms: a vocoder smears within its frame of 64
