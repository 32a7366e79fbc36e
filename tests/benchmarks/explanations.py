"""Whether explanations are true: `python tests/benchmarks/explanations.py DATA [--rows curves sanity events beep]`.

DATA is a folder with ESC-10 (`metadata.csv` with `fold`). Prints for each method: deletion and insertion curves beside
random orders and a plain map of energy, with 95 % intervals of the paired differences over clips; likeness to what a
model of random weights gives; how often the second and the band of a known event have the most evidence; and how much
of the evidence a planted beep gets.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch
from scipy.stats import spearmanr

import audioft
import audioft.inference.given
from audioft.audio.sounds import Sound
from audioft.tasks.explain import explaining, gradients
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.stft import Cells, Spectrum
from audioft.tasks.explain.windows import samples_at

RATE = 16000
METHODS = explaining.METHODS | {"waveform": gradients.over_samples}
QUIET = audioft.Console(quiet=True)
BANDS = {"low": (300, 600), "middle": (1000, 2000), "high": (3000, 6000)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", nargs="+", default=["curves", "sanity", "events", "beep"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--clips", type=int, default=20)
    options = parser.parse_args()
    rows = {"curves": curves, "sanity": sanity, "events": events, "beep": beep}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.rows:
            rows[name](options, Path(folder) / name)


def trained(source: Path, folder: Path, *settings: str) -> audioft.Predictor:
    audioft.finetune(source, encoder="mini", out=folder / "run", overrides=settings, console=QUIET)
    return audioft.Predictor(folder / "run")


def tested(data: Path, most: int) -> list[Path]:
    with open(data / "metadata.csv", newline="", encoding="utf-8") as file:
        own = [data / row["file_name"] for row in csv.DictReader(file) if row["fold"] == "5"]
    return own[:: max(1, len(own) // most)][:most]


def taken_apart(model: audioft.Predictor, samples: np.ndarray, label: int) -> tuple[Spectrum, LogOdds]:
    sound = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
    spectrum = Spectrum(sound, RATE, Cells.of(len(samples) / RATE, RATE))
    return spectrum, LogOdds(model.model.eval(), label, model.card.multilabel)


def answered(model: audioft.Predictor, path: Path) -> tuple[np.ndarray, int]:
    (one,) = model.predict(str(path))
    clip = audioft.inference.given.heard(str(path))[0][0]
    samples = samples_at(model.model.encoder.hearing, model.window, clip, 0.0)
    assert samples is not None
    return samples, model.labels.index(one.label)


def curves(options: argparse.Namespace, folder: Path) -> None:
    """Areas below the probability as cells are replaced, and as they are put back into the background."""
    model = trained(options.data / "metadata.csv", folder, "data.test=fold=5")
    found: dict[str, list[np.ndarray]] = {}
    gaps: dict[str, list[float]] = {}
    rng = np.random.default_rng(0)
    for path in tested(options.data, options.clips):
        spectrum, log_odds = taken_apart(model, *answered(model, path))
        shape = spectrum.cells.shape
        for name in options.methods:
            own = METHODS[name](spectrum, log_odds)
            gaps.setdefault(name, []).append(own.gap)
            found.setdefault(name, []).append(areas(spectrum, log_odds, np.broadcast_to(own.values, shape)))
        found.setdefault("energy", []).append(areas(spectrum, log_odds, spectrum.energy.numpy()))
        drawn = [areas(spectrum, log_odds, rng.random(shape)) for _ in range(2)]
        found.setdefault("random", []).append(np.mean(drawn, axis=0))
    for name in options.methods:
        print(f"{name}: largest gap of completeness {max(gaps[name]):.2%}")
        for other in ("random", "energy"):
            for kind, sign, i in (("deletion", -1, 0), ("insertion", 1, 1)):
                own, beside = (np.array(found[x])[:, i] for x in (name, other))
                print(f"  {kind} {own.mean():.3f}, {other} {beside.mean():.3f}: better by "
                      f"{interval(sign * (own - beside))}", flush=True)  # fmt: skip


def areas(spectrum: Spectrum, log_odds: LogOdds, values: np.ndarray, steps: int = 9) -> np.ndarray:
    order = np.argsort(-values.ravel(), kind="stable")
    places = np.linspace(0, order.size, steps).astype(int)
    masks = np.ones((2, steps, order.size), np.float32)
    masks[1] = 0
    for i, place in enumerate(places):
        masks[0, i, order[:place]], masks[1, i, order[:place]] = 0, 1
    sounds = spectrum.kept(torch.from_numpy(masks.reshape(-1, *values.shape)))
    share = torch.sigmoid(log_odds.several(sounds)).numpy().reshape(2, steps)
    return np.trapezoid(share, places / order.size, axis=1)


def interval(values: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f}; {len(values)} clips)"


def sanity(options: argparse.Namespace, folder: Path) -> None:
    """Adebayo et al. 2018: what a model of random weights gives is to look otherwise."""
    model = trained(options.data / "metadata.csv", folder, "data.test=fold=5")
    other = audioft.Predictor(folder / "run")
    torch.manual_seed(0)
    for parameter in other.model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=float(parameter.detach().std()))
    for name in options.methods:
        alike = []
        for path in tested(options.data, options.clips):
            samples, label = answered(model, path)
            own, drawn = (METHODS[name](*taken_apart(m, samples, label)).values.ravel() for m in (model, other))
            alike.append(spearmanr(own, drawn)[0])
        print(f"{name}: rank correlation with random weights {interval(np.array(alike))}", flush=True)


def events(options: argparse.Namespace, folder: Path) -> None:
    """A second of a known band in five seconds of noise, at 0 to 15 dB."""
    rng = np.random.default_rng(0)
    for label in BANDS:
        (folder / "clips" / label).mkdir(parents=True)
        for i in range(24):
            soundfile.write(folder / "clips" / label / f"{i}.wav", event(label, rng)[0], RATE)
    model = trained(folder / "clips", folder)
    hits: dict[str, list[tuple[bool, bool]]] = {}
    right = 0
    for i in range(options.clips):
        label = list(BANDS)[i % len(BANDS)]
        samples, start = event(label, rng)
        (one,) = model.predict(samples, rate=RATE)
        right += one.label == label
        found = audioft.inference.given.heard(samples, RATE)[0][0]
        assert isinstance(found, Sound)
        spectrum, log_odds = taken_apart(model, samples, model.labels.index(label))
        for name in options.methods:
            own = METHODS[name](spectrum, log_odds).values
            second = int(np.argmax(in_seconds(own.sum(1), spectrum.cells.times)))
            middles = (spectrum.cells.bands[1:] + spectrum.cells.bands[:-1]) / 2
            best = int(np.argmax(own.sum(0)))
            edges = spectrum.cells.bands[best : best + 2]
            band = own.shape[1] > 1 and edges[0] < BANDS[label][1] and edges[1] > BANDS[label][0] and len(middles) > 0
            hits.setdefault(name, []).append((second == start, band))
    for name, own in hits.items():
        second, band = np.mean(own, axis=0)
        print(f"{name}: the second with the most evidence is right in {second:.0%}, the band in {band:.0%} of "
              f"{len(own)} (answers right: {right})", flush=True)  # fmt: skip


def in_seconds(moments: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Evidence of moments as that of whole seconds, shared out by how far they overlap."""
    seconds = np.arange(round(times[-1]))
    overlap = np.minimum(times[None, 1:], seconds[:, None] + 1) - np.maximum(times[None, :-1], seconds[:, None])
    return np.clip(overlap, 0, None) / np.diff(times) @ moments


def event(label: str, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    noise, start = 0.02 * rng.standard_normal(5 * RATE), int(rng.integers(0, 5))
    low, high = BANDS[label]
    time = np.arange(RATE) / RATE
    pitch = low + (high - low) * (0.5 + 0.4 * np.sin(2 * np.pi * rng.uniform(2, 6) * time + rng.uniform(0, 6)))
    sound = np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    level = 0.02 * 10 ** (rng.uniform(0, 15) / 20) / np.sqrt(0.5)
    noise[start * RATE : (start + 1) * RATE] += level * sound
    return noise.astype(np.float32), start


def beep(options: argparse.Namespace, folder: Path) -> None:
    """A beep in all clips of one label: the evidence is to lie in it."""
    rng = np.random.default_rng(0)
    marked, kept, rows = "helicopter", ("helicopter", "rain", "dog", "rooster"), []
    with open(options.data / "metadata.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["label"] in kept:
                rows.append(row)
    places = {}
    for row in rows:
        samples, rate = soundfile.read(options.data / row["file_name"], dtype="float32")
        at = int(rng.uniform(0.5, 4.2) * rate)
        if row["label"] == marked:
            length = int(0.3 * rate)
            samples[at : at + length] += 0.3 * np.sin(2 * np.pi * 3000 * np.arange(length) / rate)
        side = "test" if row["fold"] == "5" else "train"
        place = folder / "clips" / side / row["label"] / f"{Path(row['file_name']).stem}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, np.clip(samples, -1, 1), rate)
        if side == "test" and row["label"] == marked:
            places[place] = at / rate
    model = trained(folder / "clips", folder)
    for name in options.methods:
        shares = []
        for path, at in list(places.items())[: options.clips]:
            samples, _ = answered(model, path)
            spectrum, log_odds = taken_apart(model, samples, model.labels.index(marked))
            own = np.clip(METHODS[name](spectrum, log_odds).values.sum(1), 0, None)
            times = spectrum.cells.times
            inside = (times[1:] > at - 0.1) & (times[:-1] < at + 0.4)
            shares.append(own[inside].sum() / max(own.sum(), 1e-9))
        print(f"{name}: {np.mean(shares):.0%} of what speaks for the label lies in the beep's moments, "
              f"{np.mean(np.array(shares) > 0.5):.0%} of {len(shares)} clips have most there", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
