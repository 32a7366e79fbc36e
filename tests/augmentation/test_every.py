"""What every augmentation must hold, whatever it does."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from audioft.audio import writing
from audioft.augmentation import Augmentation, Chain, augmentations
from audioft.core import runtime

RATE = 16_000
NAMES = [
    "band_limit",
    "equalizer",
    "frequency_mask",
    "gain",
    "noise",
    "pitch",
    "reverb",
    "shift",
    "speed",
    "telephone",
    "time_mask",
    "time_stretch",
]
EXTREME = [
    {"name": "noise", "p": 1, "folder": "FOLDER"},
    {"name": "reverb", "p": 1, "folder": "FOLDER"},
    {"name": "reverb", "p": 1, "min_rt60": 0.01, "max_rt60": 0.01, "min_drr_db": -40, "max_drr_db": -40},
    {"name": "shift", "p": 1, "max_seconds": 3600, "rolled": True},
    {"name": "speed", "p": 1, "min_rate": 4, "max_rate": 4},
    {"name": "speed", "p": 1, "min_rate": 0.25, "max_rate": 0.25},
    {"name": "pitch", "p": 1, "min_semitones": 24, "max_semitones": 24},
    {"name": "pitch", "p": 1, "min_semitones": -24, "max_semitones": -24},
    {"name": "time_stretch", "p": 1, "min_rate": 4, "max_rate": 4},
    {"name": "time_stretch", "p": 1, "min_rate": 0.25, "max_rate": 0.25},
    {"name": "time_mask", "p": 1, "masks": 20, "max_seconds": 3600, "max_share": 0.9},
    {"name": "frequency_mask", "p": 1, "masks": 20, "max_share": 0.9},
    {"name": "band_limit", "p": 1, "min_low_hz": 1, "max_low_hz": 1, "min_high_hz": 1, "max_high_hz": 1, "order": 24},
    {"name": "band_limit", "p": 1, "max_low_hz": 500_000, "min_high_hz": 500_000, "max_high_hz": 500_000, "order": 24},
    {"name": "telephone", "p": 1, "min_level_db": -60, "max_level_db": -60},
    {"name": "telephone", "p": 1, "min_level_db": 20, "max_level_db": 20},
    {"name": "equalizer", "p": 1, "bands": 2, "sd_db": 20},
    {"name": "equalizer", "p": 1, "bands": 64, "sd_db": 20},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    root = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    writing.write_wav(root / "long.wav", rng.normal(0, 0.1, 40_000), 8_000)
    writing.write_wav(root / "deep" / "short.wav", rng.normal(0, 0.1, 700), 44_100)
    return str(root)


def build(spec, folder: str) -> Augmentation:
    spec = {"name": spec, "p": 1} if isinstance(spec, str) else spec
    return augmentations.build({k: folder if v == "FOLDER" else v for k, v in spec.items()})


def clip(samples: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32))


def test_all_are_registered_under_their_own_name():
    assert augmentations.names() == NAMES
    assert all(augmentations[name].name == name for name in NAMES)


@pytest.mark.parametrize("spec", NAMES + EXTREME, ids=str)
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_output_is_finite_float32_for_any_clip(spec, rate, folder):
    part = build(spec, folder)
    for samples in (1, 2, 399, 400, 401, 16_000):
        for waveform in (
            torch.zeros(samples),
            clip(samples),
            torch.full((samples,), 1e-30),
            torch.ones(samples),
        ):
            before = waveform.clone()
            for seed in range(2):
                drawn = part.draw(np.random.default_rng(seed), samples, rate)
                with runtime.one_thread():
                    sound = part.apply(waveform, rate, drawn)
                assert sound.dtype == torch.float32
                assert sound.ndim == 1
                assert len(sound) >= 1
                assert torch.isfinite(sound).all(), (samples, drawn)
                assert torch.equal(waveform, before), "the input was changed in place"


@pytest.mark.parametrize("spec", [*NAMES, *EXTREME[:2]], ids=str)
def test_a_stored_draw_gives_the_same_sound_bit_for_bit(spec, folder):
    part, waveform = build(spec, folder), clip(12_345)
    drawn = part.draw(np.random.default_rng(3), len(waveform), RATE)
    stored = json.loads(json.dumps(drawn))
    assert stored == drawn
    with runtime.one_thread():
        once = part.apply(waveform, RATE, drawn)
        part.apply(clip(5_000, seed=9), RATE, part.draw(np.random.default_rng(4), 5_000, RATE))
        again = build(spec, folder).apply(waveform.clone(), RATE, stored)
    assert torch.equal(once, again)
    assert once.shape != waveform.shape or not torch.equal(once, waveform)


@pytest.mark.parametrize("spec", [*NAMES, *EXTREME[:2]], ids=str)
def test_another_generator_gives_another_draw(spec, folder):
    part = build(spec, folder)
    draws = [part.draw(np.random.default_rng(seed), 16_000, RATE) for seed in range(8)]
    assert any(d != draws[0] for d in draws)


@pytest.mark.parametrize("name", NAMES)
def test_no_global_random_state_is_used(name):
    part, waveform = augmentations.build({"name": name, "p": 1}), clip(4_000)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    Chain([part])(waveform, RATE, np.random.default_rng(0))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
def test_p_is_how_often_a_draw_is_made(name):
    def rate_of(p: float) -> float:
        part = augmentations.build({"name": name, "p": p})
        return np.mean([part.decide(np.random.default_rng(i), 16_000, RATE) is not None for i in range(1000)])

    assert rate_of(0) == 0
    assert rate_of(1) == 1
    assert abs(rate_of(0.5) - 0.5) < 0.06


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_does_not_depend_on_p(name):
    rare, sure = (augmentations.build({"name": name, "p": p}) for p in (0.3, 1))
    drawn = [
        (rare.decide(np.random.default_rng(i), 9, RATE), sure.decide(np.random.default_rng(i), 9, RATE))
        for i in range(50)
    ]
    happened = [pair for pair in drawn if pair[0] is not None]
    assert happened
    assert all(a == b for a, b in happened)


@pytest.mark.parametrize("spec", [*NAMES, *EXTREME[:2]], ids=str)
def test_a_draw_can_be_said_in_words(spec, folder):
    part = build(spec, folder)
    said = part.describe(part.draw(np.random.default_rng(0), 16_000, RATE))
    assert said.startswith(part.name + " ")
    assert any(c.isdigit() for c in said) or ".wav" in said
    assert "{" not in said
