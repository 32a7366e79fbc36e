"""What is measured of a sound: by sounds of which it is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from audioft.evaluation.slices.properties import PROPERTIES, measured

RATE = 16000
NOISE = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)


def of(samples, **more):
    return dict(zip(PROPERTIES, measured(np.asarray(samples, np.float32), RATE, 3.0, **more), strict=True))


def test_half_the_amplitude_is_six_decibels_less_and_nothing_else():
    loud, soft = of(0.1 * NOISE), of(0.05 * NOISE)
    assert loud["level"] == pytest.approx(-20, abs=0.2)
    assert loud["level"] - soft["level"] == pytest.approx(6.02, abs=0.01)
    assert loud["noise floor"] - soft["noise floor"] == pytest.approx(6.02, abs=0.01)
    assert loud["bandwidth"] == soft["bandwidth"]


def test_the_noise_floor_is_that_of_the_pauses():
    gaps = np.where(np.arange(len(NOISE)) % RATE < RATE // 2, 1.0, 0.001)
    assert of(0.1 * NOISE * gaps)["noise floor"] == pytest.approx(-80, abs=2)


@pytest.mark.parametrize("cut", [1000, 3000, 6000])
def test_the_bandwidth_is_where_a_filter_cuts(cut):
    sos = butter(20, cut, fs=RATE, output="sos")
    assert of(0.1 * sosfilt(sos, NOISE))["bandwidth"] == pytest.approx(cut / 1000, rel=0.4)
    assert of(0.1 * NOISE)["bandwidth"] > 7.9
    assert of(0.1 * NOISE, lowest=20000.0)["bandwidth"] > 27.9


@pytest.mark.parametrize("hz", [90.0, 210.0, 440.0])
def test_the_pitch_is_the_period_of_a_harmonic_sound_and_noise_has_none(hz):
    time = np.arange(3 * RATE) / RATE
    harmonic = sum(np.sin(2 * np.pi * k * hz * time) / k for k in range(1, 8))
    assert of(0.1 * harmonic)["pitch"] == pytest.approx(hz, rel=0.03)
    assert np.isnan(of(0.1 * NOISE)["pitch"])


def test_silence_and_a_few_samples_have_a_level_and_no_more():
    silent = of(np.zeros(RATE))
    assert (silent["level"], silent["noise floor"]) == (-120.0, -120.0)
    assert np.isnan(silent["bandwidth"])
    assert np.isfinite(of(0.1 * NOISE[:10])["level"])
