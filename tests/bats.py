"""Made-up bats: calls that lie above all that is heard at 16 kHz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 256_000
#: Of each species where its call begins and ends, Hz, and how long it lasts, seconds.
SPECIES = {"pipistrelle": (70_000, 46_000, 0.005), "noctule": (27_000, 21_000, 0.014)}


def call(species: str, rng: np.random.Generator, rate: int = RATE) -> np.ndarray:
    """One call, `(T,)`: a sweep downwards under a window, no two alike."""
    first, last, seconds = SPECIES[species]
    shift, seconds = rng.uniform(-1500, 1500), seconds * rng.uniform(0.8, 1.25)
    time = np.arange(round(seconds * rate)) / rate
    share = time / seconds
    frequency = last + shift + (first - last) * (1 - share) ** 2
    return np.hanning(len(time)) * np.sin(2 * np.pi * np.cumsum(frequency) / rate)


def recording(
    species: str, rng: np.random.Generator, seconds: float = 0.4, rate: int = RATE
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """A pass of a bat, `(T,)` float32 in faint noise above 18 kHz, and where each of its calls lies, seconds."""
    count = round(seconds * rate)
    spectrum = np.fft.rfft(0.003 * rng.standard_normal(count))
    spectrum[np.fft.rfftfreq(count, 1 / rate) < 18_000] = 0
    sound, times, at = np.fft.irfft(spectrum, count), [], rng.uniform(0.02, 0.06)
    while at + 0.02 < seconds:
        own = rng.uniform(0.1, 0.5) * call(species, rng, rate)
        first = round(at * rate)
        sound[first : first + len(own)] += own
        times.append((first / rate, (first + len(own)) / rate))
        at += rng.uniform(0.07, 0.12)
    return sound.astype(np.float32), times


def folder(place: Path, each: int = 12, rate: int = RATE) -> Path:
    """A folder a species, `each` recordings in it."""
    rng = np.random.default_rng(0)
    for species in SPECIES:
        (place / species).mkdir(parents=True)
        for i in range(each):
            soundfile.write(place / species / f"{i}.wav", recording(species, rng, rate=rate)[0], rate, subtype="PCM_16")
    return place
