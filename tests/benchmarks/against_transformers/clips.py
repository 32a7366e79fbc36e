"""The recordings, and the encoder that both sides begin with."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 44100
LABELS = ("buzz", "chirp", "fall", "hiss", "hum", "pulses", "rumble", "warble")


def sound(label: str, seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A sound of a kind, `(T, 2)` float32, each one another, in noise of 10 to 20 dB below it."""
    t = np.arange(round(seconds * rate)) / rate
    base, slow = rng.uniform(0.8, 1.25), rng.uniform(1, 3)
    noise = rng.standard_normal(len(t))
    if label == "buzz":
        wave = np.sign(np.sin(2 * np.pi * 180 * base * t))
    elif label == "chirp":
        wave = np.sin(2 * np.pi * (400 * base * (t % (1 / slow)) + 1500 * slow * (t % (1 / slow)) ** 2))
    elif label == "fall":
        wave = np.sin(2 * np.pi * (3500 * base * (t % (1 / slow)) - 1500 * slow * (t % (1 / slow)) ** 2))
    elif label == "hiss":
        wave = np.diff(noise, prepend=0)
    elif label == "hum":
        wave = sum(np.sin(2 * np.pi * 110 * k * base * t) / k for k in (1, 2, 3))
    elif label == "pulses":
        wave = noise * (t * 4 * slow % 1 < 0.1) * 3
    elif label == "rumble":
        wave = np.convolve(noise, np.ones(rate // 400), "same") / 6
    else:
        wave = np.sin(2 * np.pi * 900 * base * t + 8 * np.sin(2 * np.pi * 3 * slow * t))
    wave = 0.2 * wave / max(np.sqrt(np.mean(np.square(wave))), 1e-9)
    noisy = wave + rng.uniform(0.02, 0.06) * rng.standard_normal(len(t))
    return np.clip(np.stack([noisy, rng.uniform(0.5, 1) * noisy], 1), -1, 1).astype(np.float32)


def lengths(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds of each clip: 5, or from 0.5 to 12 in even steps, in any order."""
    if kind == "equal":
        return np.full(count, 5.0)
    return rng.permutation(0.5 + 11.5 * (np.arange(count) + 0.5) / count)


def make_side(folder: Path, kind: str, count: int, seed: int) -> Path:
    """`FOLDER/LABEL/N.flac` and `.wav`, 44.1 kHz stereo."""
    rng = np.random.default_rng([7, seed])
    for n, seconds in enumerate(lengths(kind, count, rng)):
        label = LABELS[n % len(LABELS)]
        (folder / label).mkdir(parents=True, exist_ok=True)
        path = folder / label / f"{n:05d}.{('flac', 'wav')[n // len(LABELS) % 2]}"
        soundfile.write(path, sound(label, seconds, RATE, rng), RATE, subtype="PCM_16")
    return folder


def make_sides(folder: Path, kind: str, train: int, valid: int, real: Path | None = None) -> Path:
    """Clips of a training and a validation side; of equal length real ones, where there are any."""
    if kind == "equal" and real is not None:
        for side, folds, count in (("train", ("1", "2", "3"), train), ("valid", ("4",), valid)):
            take_real(real, folder / side, folds, count)
        return folder
    for seed, (side, count) in enumerate((("train", train), ("valid", valid))):
        make_side(folder / side, kind, count, seed)
    return folder


def take_real(data: Path, folder: Path, folds: tuple[str, ...], count: int) -> None:
    """So many clips of ESC-10, of its first eight labels in turn."""
    by_label = defaultdict(list)
    with open(data / "metadata.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["fold"] in folds:
                by_label[row["label"]].append(row["file_name"])
    labels = sorted(by_label)[: len(LABELS)]
    for n in range(count):
        names = by_label[labels[n % len(labels)]]
        (folder / labels[n % len(labels)]).mkdir(parents=True, exist_ok=True)
        shutil.copy(data / names[n // len(labels) % len(names)], folder / labels[n % len(labels)])


def make_short(folder: Path, count: int) -> Path:
    """So many clips of 0.3 s, 16 kHz, of two labels, no two the same."""
    rng = np.random.default_rng(3)
    t = np.arange(4800) / 16000
    for n in range(count):
        label, place = ("high", "low")[n % 2], folder / "train" / ("high", "low")[n % 2]
        place.mkdir(parents=True, exist_ok=True)
        pitch = rng.uniform(1500, 3000) if label == "high" else rng.uniform(200, 400)
        wave = 0.3 * np.sin(2 * np.pi * pitch * t) + 0.02 * rng.standard_normal(len(t))
        soundfile.write(place / f"{n:06d}.wav", wave, 16000, subtype="PCM_16")
    return folder


def make_encoder(folder: Path, shape: dict[str, Any]) -> Path:
    """A wav2vec2 encoder of random weights, as the hub has it."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    from audioft.models.loading import quiet_transformers

    torch.manual_seed(0)
    with quiet_transformers():
        Wav2Vec2Model(Wav2Vec2Config(**shape)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False).save_pretrained(folder)
    return folder
