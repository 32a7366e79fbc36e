from __future__ import annotations

import numpy as np
import pytest
import torch

from audioft.audio import io, writing
from audioft.augmentation import dsp
from audioft.augmentation.noise import COLORS, Noise, colored
from audioft.errors import AudioError

RATE = 16_000


def voice(samples: int = 16_000) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).normal(0, 0.07, samples).astype(np.float32))


def snr_db(clean: torch.Tensor, noisy: torch.Tensor) -> float:
    return 20 * np.log10(dsp.rms(clean) / dsp.rms(noisy - clean))


def slope_db_per_octave(waveform: torch.Tensor) -> float:
    """Least-squares slope of the mean power density over octaves, 100 Hz to 6.4 kHz."""
    power = torch.fft.rfft(waveform.double()).abs().square().numpy()
    hz = np.fft.rfftfreq(len(waveform), 1 / RATE)
    edges = 100 * 2.0 ** np.arange(7)
    levels = [10 * np.log10(power[(hz >= a) & (hz < 2 * a)].mean()) for a in edges[:-1]]
    return float(np.polyfit(range(6), levels, 1)[0])


@pytest.mark.parametrize(("color", "exponent"), COLORS.items())
def test_the_spectrum_falls_as_its_color_says(color, exponent):
    slope = slope_db_per_octave(colored(color, 10 * RATE, RATE, seed=1))
    assert slope == pytest.approx(-10 * np.log10(2) * exponent, abs=0.25)


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("snr", [-5.0, 0.0, 17.3, 40.0])
def test_the_ratio_is_reached(color, snr):
    drawn = {"snr_db": snr, "color": color, "seed": 3}
    assert snr_db(voice(), Noise(p=1).apply(voice(), RATE, drawn)) == pytest.approx(snr, abs=0.1)


def test_a_clip_of_400_samples_gets_its_ratio_too():
    drawn = {"snr_db": 10.0, "color": "brown", "seed": 3}
    assert snr_db(voice(400), Noise(p=1).apply(voice(400), RATE, drawn)) == pytest.approx(10, abs=0.1)


def test_any_draws_every_color_and_one_draws_itself():
    drawn = [Noise(p=1).draw(np.random.default_rng(i), 9, RATE)["color"] for i in range(100)]
    assert set(drawn) == set(COLORS)
    assert Noise(p=1, color="pink").draw(np.random.default_rng(0), 9, RATE)["color"] == "pink"


def test_silence_stays_silent():
    drawn = {"snr_db": 0.0, "color": "white", "seed": 3}
    assert not Noise(p=1).apply(torch.zeros(1000), RATE, drawn).any()


@pytest.fixture
def folder(tmp_path) -> str:
    rng = np.random.default_rng(0)
    writing.write_wav(tmp_path / "b.wav", rng.normal(0, 0.1, 3 * RATE), RATE)
    writing.write_wav(tmp_path / "a" / "short.wav", rng.normal(0, 0.1, 2000), RATE)
    writing.write_wav(tmp_path / "other rate.flac.wav", rng.normal(0, 0.1, (88_200, 2)), 44_100)
    return str(tmp_path)


def test_noises_of_a_folder_reach_the_ratio(folder):
    noise = Noise(p=1, min_snr_db=3, max_snr_db=20, folder=folder)
    used = set()
    for seed in range(20):
        drawn = noise.draw(np.random.default_rng(seed), 16_000, RATE)
        used.add(drawn["path"])
        assert snr_db(voice(), noise.apply(voice(), RATE, drawn)) == pytest.approx(drawn["snr_db"], abs=0.1)
    assert used == {"a/short.wav", "b.wav", "other rate.flac.wav"}


def test_the_drawn_stretch_of_the_file_is_taken(folder):
    noisy = Noise(p=1, folder=folder).apply(voice(), RATE, {"snr_db": 0.0, "path": "b.wav", "start": 0.5})
    stretch = torch.from_numpy(io.read(f"{folder}/b.wav", rate=RATE)[RATE : 2 * RATE])
    added = noisy - voice()
    assert torch.nn.functional.cosine_similarity(added, stretch, dim=0) > 0.9999


def test_a_short_noise_is_looped(folder):
    noisy = Noise(p=1, folder=folder).apply(voice(5000), RATE, {"snr_db": 0.0, "path": "a/short.wav", "start": 0.1})
    added = noisy - voice(5000)
    assert torch.allclose(added[:2000], added[2000:4000], atol=1e-6)
    sound = torch.from_numpy(io.read(f"{folder}/a/short.wav", rate=RATE))
    assert torch.nn.functional.cosine_similarity(added[:2000], sound.roll(-200), dim=0) > 0.9999


def test_an_unreadable_noise_is_named(folder):
    noise = Noise(p=1, folder=folder)
    with open(f"{folder}/b.wav", "w") as file:
        file.write("no sound")
    with pytest.raises(AudioError, match=r"b\.wav"):
        noise.apply(voice(), RATE, {"snr_db": 0.0, "path": "b.wav", "start": 0.5})
