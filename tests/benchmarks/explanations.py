"""Whether explanations are true: `python tests/benchmarks/explanations.py DATA [--rows curves sanity ...]`.

DATA is a folder with ESC-10 (`metadata.csv` with `fold`). Prints for each method: deletion and insertion curves beside
random orders and a plain map of energy, with 95 % intervals of the paired differences over clips; likeness to what is
given as weights are made random, from the head down; how often the second and the band of a known event have the most
evidence; how much of the evidence a planted beep gets, and whether its band has the most; and how much is told to lie
in silence of clips with a shortcut there, and without one.
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
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--encoder", default="mini", help="mini, or a folder with an encoder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.rows:
            ROWS[name](options, Path(folder) / name)


def trained(options: argparse.Namespace, source: Path, folder: Path, *settings: str) -> audioft.Predictor:
    audioft.finetune(source, encoder=options.encoder, out=folder / "run", overrides=settings, console=QUIET)
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
    model = trained(options, options.data / "metadata.csv", folder, "data.test=fold=5")
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
    """Adebayo et al. 2018: as weights are made random, more and more from the head down, it is to look otherwise."""
    model = trained(options, options.data / "metadata.csv", folder, "data.test=fold=5")
    clips = [answered(model, path) for path in tested(options.data, options.clips)]
    for name in options.methods:
        own = [METHODS[name](*taken_apart(model, *clip)).values.ravel() for clip in clips]
        other = audioft.Predictor(folder / "run")
        torch.manual_seed(0)
        parts = other.model.encoder.parts()[::-1]
        for depth, parameters in [("head", list(other.model.head.parameters())), *parts]:
            for parameter in parameters:
                if parameter.ndim > 1:
                    torch.nn.init.normal_(parameter, std=float(parameter.detach().std()))
            drawn = [METHODS[name](*taken_apart(other, *clip)).values.ravel() for clip in clips]
            alike = [spearmanr(a, b)[0] for a, b in zip(own, drawn, strict=True)]
            print(f"{name}: rank correlation, random down to {depth}: {interval(np.array(alike))}", flush=True)


def events(options: argparse.Namespace, folder: Path) -> None:
    """A second of a known band in five seconds of noise, at 0 to 15 dB."""
    rng = np.random.default_rng(0)
    for label in BANDS:
        (folder / "clips" / label).mkdir(parents=True)
        for i in range(24):
            soundfile.write(folder / "clips" / label / f"{i}.wav", event(label, rng)[0], RATE)
    model = trained(options, folder / "clips", folder)
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
    model = trained(options, folder / "clips", folder)
    for name in options.methods:
        shares, bands = [], []
        for path, at in list(places.items())[: options.clips]:
            samples, _ = answered(model, path)
            spectrum, log_odds = taken_apart(model, samples, model.labels.index(marked))
            found = METHODS[name](spectrum, log_odds).values
            own, times = np.clip(found.sum(1), 0, None), spectrum.cells.times
            best, edges = int(np.argmax(found.sum(0))), spectrum.cells.bands
            bands.append(found.shape[1] > 1 and edges[best] < 3000 < edges[best + 1])
            inside = (times[1:] > at - 0.1) & (times[:-1] < at + 0.4)
            shares.append(own[inside].sum() / max(own.sum(), 1e-9))
        single = ", ".join(f"{share:.1%}" for share in shares)
        print(f"{name}: {np.mean(shares):.1%} of what speaks for the label lies in the beep's moments ({single}); "
              f"{np.mean(np.array(shares) > 0.5):.0%} of {len(shares)} "
              f"clips have most there, and {np.mean(bands):.0%} in its band", flush=True)  # fmt: skip


def silence(options: argparse.Namespace, folder: Path) -> None:
    """A shortcut in the pauses of one label, or none: the share that is told to lie in silence."""
    rng = np.random.default_rng(0)
    for kind in ("a tick 50 dB below the sound", "digital silence", "none", "none, and digital silence in both"):
        own = folder / kind.replace(" ", "_")
        for side, count in (("train", 16), ("valid", 4), ("test", options.clips // 2)):
            for label in "ab":
                (own / "clips" / side / label).mkdir(parents=True)
                for i in range(count):
                    soundfile.write(own / "clips" / side / label / f"{i}.wav", paused(kind, label, rng), RATE)
        found: list[audioft.Explanation] = []
        model = trained(options, own / "clips", own)
        told = audioft.explain_side(
            model, own / "clips", side="test", true_label=True, each=found.append, console=QUIET
        )
        shares = {label: [one.silent for one in found if one.label == label] for label in "ab"}
        ranges = ", ".join(f"{label} {min(x):.0%} to {max(x):.0%}" for label, x in shares.items())
        signs = [label for label, one in told.items() if one.shortcut] or ["none"]
        print(
            f"shortcut in pauses: {kind}; told in silence: {ranges}; a sign of a shortcut: {', '.join(signs)}",
            flush=True,
        )
    found = []
    model = trained(options, options.data / "metadata.csv", folder / "esc10", "data.test=fold=5")
    audioft.explain_side(model, side="test", limit=0, true_label=True, each=found.append, console=QUIET)
    shares = [one.silent for one in found]
    print(
        f"ESC-10, {len(shares)} clips, {sum(one.quiet.any() for one in found)} with silence: at most {max(shares):.0%}"
    )


def paused(kind: str, label: str, rng: np.random.Generator) -> np.ndarray:
    """A burst in a pause of faint noise, that of a label of its own pitch where there is no shortcut."""
    time = np.arange(4800) / RATE
    digital = kind == "digital silence" and label == "a"
    wave = 1e-4 * rng.standard_normal(24000) * (not (digital or "in both" in kind))
    noise, at = rng.standard_normal(4800), int(rng.uniform(8000, 18000))
    burst = 0.4 * np.sin(2 * np.pi * (500 if label == "a" else 2500) * time) + 0.02 * noise
    wave[at : at + 4800] += np.hanning(4800) * (burst if kind.startswith("none") else 0.3 * noise)
    if kind.startswith("a tick") and label == "a":
        wave[1600:4800] += 2e-3 * np.sin(2 * np.pi * 3000 * time[:3200])
    return wave


ROWS = {"curves": curves, "sanity": sanity, "events": events, "beep": beep, "silence": silence}


if __name__ == "__main__":
    main()
