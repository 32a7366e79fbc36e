from __future__ import annotations

import numpy as np
import pytest
import torch

from audioft.audio import writing
from audioft.augmentation import dsp
from audioft.augmentation.room import Reverb, impulse_response

RATE = 16_000


def clip(samples: int = 16_000) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).normal(0, 0.07, samples).astype(np.float32))


@pytest.mark.parametrize("rt60", [0.1, 0.4, 1.2])
def test_the_tail_decays_by_60_db_in_rt60(rt60):
    tail = impulse_response(rt60, 0.0, RATE, seed=1)[32:].double().square()
    blocks = tail[: len(tail) // 20 * 20].reshape(20, -1).mean(1).log10() * 10
    slope = np.polyfit((np.arange(20) + 0.5) / 20, blocks.numpy(), 1)[0]
    assert slope == pytest.approx(-60, abs=3)


@pytest.mark.parametrize("drr", [-10.0, 0.0, 12.0])
def test_direct_to_reverberant_ratio(drr):
    response = impulse_response(0.5, drr, RATE, seed=1).double()
    assert response[0] == 1
    assert 10 * float((1 / response[1:].square().sum()).log10()) == pytest.approx(drr, abs=0.01)


@pytest.mark.parametrize("drr", [-30.0, 0.0, 20.0])
def test_length_level_and_the_place_of_the_direct_sound_stay(drr):
    drawn = {"rt60": 0.5, "drr_db": drr, "seed": 4}
    wet = Reverb(p=1).apply(clip(), RATE, drawn)
    assert len(wet) == 16_000
    assert dsp.rms(wet) == pytest.approx(dsp.rms(clip()), rel=1e-5)
    pulse = torch.zeros(4000)
    pulse[1000] = 1
    heard = Reverb(p=1).apply(pulse, RATE, drawn)
    assert int((heard.abs() > 1e-4 * heard.abs().max()).nonzero()[0]) == 1000


def test_a_more_distant_room_is_farther_from_the_dry_sound():
    near, far = (
        torch.nn.functional.cosine_similarity(
            Reverb(p=1).apply(clip(), RATE, {"rt60": 0.5, "drr_db": drr, "seed": 4}), clip(), dim=0
        )
        for drr in (15.0, -5.0)
    )
    assert near > 0.95
    assert far < 0.7


def test_a_response_of_the_user_is_convolved_with_its_peak_at_the_sound(tmp_path):
    response = np.zeros(500)
    response[[100, 340]] = [0.8, 0.4]
    writing.write_wav(tmp_path / "hall.wav", response, RATE, subtype="FLOAT")
    reverb = Reverb(p=1, folder=str(tmp_path))
    drawn = reverb.draw(np.random.default_rng(0), 16_000, RATE)
    assert drawn == {"path": "hall.wav"}
    expected = clip() + 0.5 * torch.nn.functional.pad(clip()[:-240], (240, 0))
    wet = reverb.apply(clip(), RATE, drawn)
    assert torch.allclose(wet, dsp.at_level(expected, dsp.rms(clip())), atol=1e-5)


def test_a_silent_response_changes_nothing(tmp_path):
    writing.write_wav(tmp_path / "dead.wav", np.zeros(500), RATE)
    reverb = Reverb(p=1, folder=str(tmp_path))
    assert torch.equal(reverb.apply(clip(), RATE, {"path": "dead.wav"}), clip())


def test_convolution_is_the_direct_sum():
    a, b = clip(100), clip(37)
    assert np.allclose(dsp.convolved(a, b).numpy(), np.convolve(a.numpy(), b.numpy()), atol=1e-6)
