from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from audioft.augmentation import augmentations, dsp
from audioft.augmentation.channel import BandLimit, Equalizer, Telephone, companded, curve_db
from audioft.augmentation.spectrogram import hertz, mel

RATE = 16_000
ANY_RATE = [4_000, 8_000, 11_025, 16_000, 44_100, 48_000]


def noise(samples: int = 10 * RATE, seed: int = 5) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32))


def tone(hz: float, samples: int = 3 * RATE, rate: int = RATE) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz * torch.arange(samples, dtype=torch.float64) / rate).float()


def change_db(before: torch.Tensor, after: torch.Tensor, low: float, high: float, rate: int = RATE) -> float:
    """How much the power between two frequencies rose, under a Hann window: the cut ends do not leak."""
    powers = [np.abs(np.fft.rfft(x.double().numpy() * np.hanning(len(x)))) ** 2 for x in (before, after)]
    hz = np.fft.rfftfreq(len(before), 1 / rate)
    inside = (hz >= low) & (hz < high)
    return float(10 * np.log10(powers[1][inside].sum() / powers[0][inside].sum()))


def impulse(samples: int, at: int) -> torch.Tensor:
    pulse = torch.zeros(samples)
    pulse[at] = 1
    return pulse


# --- band_limit


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("order", [2, 6])
def test_noise_outside_the_edges_falls_by_6_db_an_octave_and_order(order, rate):
    before = noise(10 * rate)
    after = BandLimit(p=1).apply(before, rate, {"low_hz": 300.0, "high_hz": 3000.0, "order": order})

    def loss(hz: float) -> float:
        return -change_db(before, after, hz / 1.01, hz * 1.01, rate)

    assert loss(950) == pytest.approx(0, abs=0.1)
    assert loss(300) == pytest.approx(3.01, abs=0.5)
    assert loss(3000) == pytest.approx(3.01, abs=0.5)
    assert loss(150) == pytest.approx(10 * np.log10(1 + 4.0**order), abs=0.5)
    assert loss(75) == pytest.approx(10 * np.log10(1 + 16.0**order), abs=1)
    assert loss(6000) == pytest.approx(10 * np.log10(1 + 4.0**order), abs=0.5)


def test_an_edge_at_half_the_rate_or_above_does_nothing():
    before = noise()
    for low, high in ((8000.0, 8000.0), (9000.0, 20_000.0)):
        after = BandLimit(p=1).apply(before, RATE, {"low_hz": low, "high_hz": high, "order": 6})
        assert torch.allclose(after, before, atol=1e-6)
    after = BandLimit(p=1).apply(before, RATE, {"low_hz": 100.0, "high_hz": 8000.0, "order": 6})
    assert change_db(before, after, 7900, 8000) == pytest.approx(0, abs=0.01)
    assert change_db(before, after, 20, 60) < -20


@pytest.mark.parametrize("at", [0, 2000, 3999])
def test_the_filter_delays_nothing_and_no_end_rings_into_the_other(at):
    heard = BandLimit(p=1).apply(impulse(4000, at), RATE, {"low_hz": 20.0, "high_hz": 3000.0, "order": 6})
    assert int(heard.abs().argmax()) == at
    far = heard[(torch.arange(4000) - at).abs() > 3200]  # 0.2 s
    assert far.numel() == 0 or far.abs().max() < 1e-3 * heard.abs().max()


def test_edges_are_drawn_evenly_over_octaves():
    limit = BandLimit(p=1)
    drawn = [limit.draw(np.random.default_rng(i), 400, RATE) for i in range(2000)]
    for key, low, high in (("low_hz", 20, 400), ("high_hz", 2500, 8000)):
        share = np.log([d[key] / low for d in drawn]) / np.log(high / low)
        assert share.min() >= -1e-9
        assert share.max() <= 1 + 1e-9
        assert np.histogram(share, 4, (0, 1))[0] == pytest.approx(500, abs=100)


# --- telephone


def sound_to_noise_db(waveform: torch.Tensor) -> float:
    return 20 * math.log10(dsp.rms(waveform) / dsp.rms(companded(waveform) - waveform))


def theory_db(waveform: torch.Tensor) -> float:
    """A step of F is 1/127 and uniform noise in it has the variance step**2 / 12, seen through the slope of F."""
    slope = 255 / (math.log(256) * (1 + 255 * waveform.double().abs()))
    return 10 * math.log10(float(waveform.double().square().mean() / (1 / 127**2 / 12 / slope.square()).mean()))


def test_mu_law_leaves_38_db_at_full_scale():
    assert 10 * math.log10(12 * 127**2 / math.log(256) ** 2) == pytest.approx(38, abs=0.1)  # where 255 |x| >> 1
    assert sound_to_noise_db(tone(440.7)) == pytest.approx(38, abs=0.5)


@pytest.mark.parametrize("level_db", [0, -10, -20, -30, -40, -50])
def test_mu_law_noise_is_what_the_step_says_at_any_level(level_db):
    sound = tone(440.7) * 10 ** (level_db / 20)
    assert sound_to_noise_db(sound) == pytest.approx(theory_db(sound), abs=1)


def test_mu_law_has_255_values_clips_and_keeps_silence():
    ramp = torch.linspace(-1.5, 1.5, 300_001)
    heard = companded(ramp)
    assert len(heard.unique()) == 255
    assert heard.abs().max() == pytest.approx(1, abs=1e-5)
    assert (heard.diff() >= 0).all()
    assert torch.equal(heard, -heard.flip(0))
    assert companded(torch.zeros(9)).count_nonzero() == 0


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_telephone_passes_300_to_3400_hz_and_nothing_above_4000(rate):
    before = noise(10 * rate)
    after = Telephone(p=1).apply(before, rate, {"level_db": 0.0})
    assert change_db(before, after, 500, 3000, rate) == pytest.approx(0, abs=0.2)
    assert change_db(before, after, 295, 305, rate) == pytest.approx(-3, abs=0.7)
    assert change_db(before, after, 3350, 3450, rate) == pytest.approx(-3, abs=0.7)
    assert change_db(before, after, 20, 150, rate) < -30
    if rate > 8000:
        assert change_db(before, after, 4200, rate / 2, rate) < -45


@pytest.mark.parametrize("rate", ANY_RATE)
def test_a_tone_comes_through_a_telephone_in_place_with_the_noise_of_mu_law(rate):
    before = tone(1000, 3 * rate, rate)
    after = Telephone(p=1).apply(before, rate, {"level_db": 0.0})
    assert len(after) == len(before)
    inner = slice(rate // 10, -rate // 10)
    assert 34 < 20 * math.log10(dsp.rms(before[inner]) / dsp.rms((after - before)[inner])) < 45


def test_a_softer_telephone_is_noisier_and_a_louder_one_is_clipped():
    before = tone(1000)
    loud, soft, over = (Telephone(p=1).apply(before, RATE, {"level_db": db}) for db in (0.0, -60.0, 20.0))
    errors = [dsp.rms((after - before)[1600:-1600]) for after in (loud, soft, over)]
    assert errors[1] > 5 * errors[0]
    assert errors[2] > 20 * errors[0]


# --- equalizer


@pytest.mark.parametrize("rate", ANY_RATE)
def test_the_transfer_is_the_curve(rate):
    equalizer = Equalizer(p=1, bands=6)
    drawn = equalizer.draw(np.random.default_rng(2), rate, rate)
    heard = equalizer.apply(impulse(rate, rate // 2), rate, drawn).double().numpy()
    measured = 20 * np.log10(np.abs(np.fft.rfft(heard)))
    curve = curve_db(np.fft.rfftfreq(rate, 1 / rate), rate, drawn["gains_db"])
    level = np.mean(measured - curve)  # the RMS is kept, so the whole is shifted
    assert np.allclose(measured, curve + level, atol=0.1)
    assert level == pytest.approx(-10 * np.log10(np.mean(10 ** (curve[1:] / 10))), abs=0.1)
    assert int(np.abs(heard).argmax()) == rate // 2


def test_the_transfer_is_the_curve_on_noise_too():
    equalizer = Equalizer(p=1, sd_db=6)
    before, drawn = noise(), equalizer.draw(np.random.default_rng(7), 1, RATE)
    after = equalizer.apply(before, RATE, drawn)
    centres = np.array([150.0, 500, 1000, 2000, 4000, 7000])
    measured = np.array([change_db(before, after, hz - 20, hz + 20) for hz in centres])
    curve = curve_db(centres, RATE, drawn["gains_db"])
    assert np.allclose(measured - measured[0], curve - curve[0], atol=0.3)


def test_the_curve_goes_through_its_points_and_not_beyond():
    gains = [3.0, -2.0, 5.0, 5.0, -9.0]
    points = np.array([hertz(mel(RATE / 2) * i / 4) for i in range(5)])
    assert curve_db(points, RATE, gains) == pytest.approx(gains, abs=1e-6)
    for (a, b), (x, y) in zip(itertools.pairwise(points), itertools.pairwise(gains), strict=True):
        between = curve_db(np.linspace(a, b, 100), RATE, gains)
        assert (np.diff(between) * np.sign(y - x) >= -1e-9).all()
        assert between.min() >= min(x, y) - 1e-9
        assert between.max() <= max(x, y) + 1e-9
    # without a corner: beside a point it is as good as level
    assert curve_db(points[1:-1] + 10, RATE, gains) == pytest.approx(gains[1:-1], abs=0.03)
    assert curve_db(points[1:-1] - 10, RATE, gains) == pytest.approx(gains[1:-1], abs=0.03)


@pytest.mark.parametrize("samples", [400, 48_000])
def test_an_equalizer_keeps_length_and_level(samples):
    equalizer = Equalizer(p=1, sd_db=10)
    for seed in range(5):
        heard = equalizer.apply(noise(samples), RATE, equalizer.draw(np.random.default_rng(seed), samples, RATE))
        assert len(heard) == samples
        assert dsp.rms(heard) == pytest.approx(dsp.rms(noise(samples)), rel=1e-5)


def test_gains_are_normal_and_never_beyond_three_deviations():
    equalizer = Equalizer(p=1, bands=64, sd_db=5)
    gains = np.array([equalizer.draw(np.random.default_rng(i), 1, RATE)["gains_db"] for i in range(200)])
    assert gains.shape == (200, 64)
    assert gains.std() == pytest.approx(5, rel=0.05)
    assert np.abs(gains).max() == pytest.approx(15)
    assert not any(Equalizer(p=1, sd_db=0).draw(np.random.default_rng(1), 1, RATE)["gains_db"])


# --- all three


@pytest.mark.parametrize("rate", ANY_RATE)
@pytest.mark.parametrize("name", ["band_limit", "telephone", "equalizer"])
def test_any_length_is_kept_at_any_rate(name, rate):
    part = augmentations.build({"name": name, "p": 1})
    for samples in (1, 400, 12_345):
        heard = part.apply(noise(samples), rate, part.draw(np.random.default_rng(0), samples, rate))
        assert len(heard) == samples
        assert torch.isfinite(heard).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("band_limit", {"low_hz": 20 * 20**0.63696169, "high_hz": 2500 * 3.2**0.26978671, "order": 6}),
        ("telephone", {"level_db": -14.521532}),
        ("equalizer", {"gains_db": [0.502921, -0.52842, 2.561691, 0.41960, -2.142678, 1.446380, 5.216001, 3.788324]}),
    ],
)
def test_draws_are_stable_whatever_the_clip(name, expected):
    part = augmentations.build({"name": name, "p": 1})
    for samples, rate in ((400, RATE), (96_000, 48_000)):
        drawn = part.draw(np.random.default_rng(0), samples, rate)
        assert drawn.keys() == expected.keys()
        assert all(drawn[key] == pytest.approx(expected[key], rel=1e-4) for key in expected)


@pytest.mark.parametrize("name", ["band_limit", "telephone", "equalizer"])
def test_silence_stays_silent(name):
    part = augmentations.build({"name": name, "p": 1})
    assert not part.apply(torch.zeros(1000), RATE, part.draw(np.random.default_rng(0), 1000, RATE)).any()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"name": "band_limit", "min_low_hz": 0}, "min_low_hz: 0 is not between 1 and 500000"),
        ({"name": "band_limit", "max_high_hz": 2000}, "min_high_hz: 2500 is greater than max_high_hz"),
        ({"name": "band_limit", "max_low_hz": 3000}, "max_low_hz: 3000 is greater than min_high_hz, which is 2500"),
        ({"name": "band_limit", "order": 0}, "order: 0 is not between 1 and 24"),
        ({"name": "band_limit", "order": 2.5}, "order: 2.5 is not of type int"),
        ({"name": "telephone", "min_level_db": 3}, "min_level_db: 3 is greater than max_level_db, which is 0"),
        ({"name": "telephone", "max_level_db": 21}, "max_level_db: 21 is not between -60 and 20"),
        ({"name": "equalizer", "bands": 1}, "bands: 1 is not between 2 and 64"),
        ({"name": "equalizer", "sd_db": float("nan")}, "sd_db: nan is not between 0 and 20"),
    ],
    ids=str,
)
def test_a_bad_setting_is_named_once(spec, expected):
    (problem,) = augmentations.check(spec, "augment[0]")
    assert expected in problem


def test_draws_read_well():
    assert BandLimit().describe({"low_hz": 93.4, "high_hz": 3421.3, "order": 6}) == "band_limit 93 to 3421 Hz"
    assert Telephone().describe({"level_db": -14.52}) == "telephone at -14.5 dB"
    assert Equalizer().describe({"gains_db": [2.6, -0.9]}) == "equalizer +3 -1 dB"
