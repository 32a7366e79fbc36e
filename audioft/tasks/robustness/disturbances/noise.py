"""Sound that is added at a signal-to-noise ratio: that of the two RMS over the clip. Silence stays silence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from audioft.augmentation import dsp
from audioft.augmentation.noise import colored
from audioft.tasks.robustness.disturbances.base import Scene, disturbance, seed

TALKERS = 6
GUST_SECONDS = 1.5
WIND_HZ = 10.0
HARMONICS = 10


def mixed(waveform: Tensor, noise: Tensor, snr_db: float) -> Tensor:
    """The clip with noise so many dB below it."""
    return waveform + dsp.at_level(noise, dsp.rms(waveform) * 10 ** (-snr_db / 20))


@disturbance("white")
def white(waveform: Tensor, snr_db: float, scene: Scene) -> Tensor:
    return mixed(waveform, colored("white", len(waveform), scene.rate, seed(scene)), snr_db)


@disturbance("pink")
def pink(waveform: Tensor, snr_db: float, scene: Scene) -> Tensor:
    return mixed(waveform, colored("pink", len(waveform), scene.rate, seed(scene)), snr_db)


@disturbance("babble")
def babble(waveform: Tensor, snr_db: float, scene: Scene) -> Tensor:
    """Several at once, each as loud as the others."""
    noise = torch.zeros(len(waveform))
    for _ in range(TALKERS):
        noise += dsp.at_level(scene.others.recording(scene.rng, len(waveform)), 1.0)
    return mixed(waveform, noise, snr_db)


@disturbance("recorded")
def recorded(waveform: Tensor, snr_db: float, scene: Scene) -> Tensor:
    return mixed(waveform, scene.others.recording(scene.rng, len(waveform)), snr_db)


@disturbance("wind")
def wind(waveform: Tensor, snr_db: float, scene: Scene) -> Tensor:
    """Brown noise in gusts: its level follows a slow curve through levels of up to 20 dB apart."""
    samples = len(waveform)
    noise = colored("brown", samples, scene.rate, seed(scene)).numpy()
    points = 2 + int(samples / scene.rate / GUST_SECONDS)
    levels = np.interp(np.linspace(0, points - 1, samples), np.arange(points), scene.rng.uniform(-20, 0, points))
    return mixed(waveform, torch.from_numpy((noise * 10 ** (levels / 20)).astype(np.float32)), snr_db)


@disturbance("hum")
def hum(waveform: Tensor, snr_db: float, scene: Scene) -> Tensor:
    time = np.arange(len(waveform)) / scene.rate
    mains = 50 if scene.rng.random() < 0.5 else 60
    phases = scene.rng.uniform(0, 2 * np.pi, HARMONICS)
    tones = (np.sin(2 * np.pi * mains * k * time + phases[k - 1]) / k for k in range(1, HARMONICS + 1))
    return mixed(waveform, torch.from_numpy(np.sum(list(tones), axis=0).astype(np.float32)), snr_db)
