"""Ultrasound as `mini` hears it, on made-up bats: `python tests/benchmarks/ultrasound.py OUT`; about ten minutes.

Two species that call above 18 kHz, 60 recordings of 0.4 s at 256 kHz in noise above 18 kHz (`tests/bats.py`), the
encoder frozen: accuracy over 18 tested clips as recorded, slowed down and shifted; then frames of ten recordings of
1.2 s, and how far the highest score is from each call of the tested ones. Then how much of what must not be heard is
left, and how long it takes to shift.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))

import bats

import audioft
from audioft.audio.hearing import Hearing
from audioft.core.progress import Console
from audioft.errors import DataError

SETTINGS = {"freeze": "all", "train.epochs": 10, "data.valid": 0.2, "data.test": 0.3, "train.precision": "fp32"}
WAYS = {
    "as recorded": {},
    "data.time_expansion=10": {"data.time_expansion": 10},
    "data.band=[18000, 80000]": {"data.band": [18_000, 80_000]},
}


def told(data: Path, out: Path, more: dict) -> str:
    """Accuracy with its interval, or why there is none."""
    try:
        run = audioft.finetune(data, out=out, overrides=SETTINGS | more, console=Console(quiet=True))
    except DataError as e:
        return f"refused: {e.problems[0].split('. ')[0]}"
    found = run.report.metrics["accuracy"]
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def nights(place: Path) -> dict[str, tuple[str, list[tuple[float, float]]]]:
    """Ten recordings in a table of events; of each tested one its species, and where its calls lie."""
    rng, rows, tested = np.random.default_rng(5), ["file_name,start,end,label,split"], {}
    place.mkdir(parents=True)
    for i in range(10):
        species, side = list(bats.SPECIES)[i % 2], ("train", "train", "train", "valid", "test")[i // 2]
        sound, times = bats.recording(species, rng, 1.2)
        soundfile.write(place / f"{i}.wav", sound, bats.RATE)
        rows += [f"{i}.wav,{a:.6f},{b:.6f},{species},{side}" for a, b in times]
        if side == "test":
            tested[f"{i}.wav"] = species, times
    (place / "metadata.csv").write_text("\n".join([*rows, ""]))
    return tested


def in_time(place: Path, out: Path, tested: dict, more: dict) -> str:
    """How far the highest score around each call lies from the call, in frames."""
    own = {"events.use": "frames", "freeze": "all", "train.epochs": 8, "train.head_lr": 0.01, "train.precision": "fp32"}
    run = audioft.finetune(place, out=out, overrides=own | more, console=Console(quiet=True))
    model, off = audioft.load_model(run), []
    stride = model.model.encoder.seconds_per_frame
    for name, (species, calls) in tested.items():
        moments = model.timeline(place / name).moments
        middles, scores = (moments.starts + moments.ends) / 2, moments.scores[:, model.labels.index(species)]
        for start, end in calls:
            near = np.flatnonzero((middles > start - 0.03) & (middles < end + 0.03))
            best = middles[near[scores[near].argmax()]]
            off.append(max(start - best, best - end, 0) / stride)
    share = np.mean(np.array(off) <= 1)
    return f"{share:.0%} of {len(off)} calls within a frame of {1000 * stride:.3g} ms, {max(off):.1f} at most"


def left(how: Hearing, hz: float, wanted: float, rate: int = 384_000) -> float:
    """Level in dB of the loudest thing but the one at `wanted` Hz, beside a tone of full scale at `hz`."""
    sound = np.sin(2 * np.pi * hz * np.arange(rate) / rate).astype(np.float32)
    heard = np.concatenate(list(how.heard([sound], rate)))
    part = heard[len(heard) // 8 : -(len(heard) // 8)]
    window = np.blackman(len(part))
    level = 2 * np.abs(np.fft.rfft(part * window)) / window.sum()
    level[np.abs(np.fft.rfftfreq(len(part), 1 / how.rate) - wanted) < 10] = 0
    return float(20 * np.log10(level.max()))


def main(out: Path) -> None:
    data = bats.folder(out / "bats", 30)
    for number, (way, more) in enumerate(WAYS.items()):
        print(f"{way:<28} {told(data, out / str(number), more)}", flush=True)
    tested = nights(out / "nights")
    for number, (way, more) in enumerate(WAYS.items()):
        if more:
            print(f"{way:<28} {in_time(out / 'nights', out / f'frames-{number}', tested, more)}", flush=True)
    slow, band = Hearing(16000, 10), Hearing(16000, band=(18_000, 80_000))
    print(f"a tone of 40 kHz, slowed down by 10: all else {left(slow, 40_000, 4000):.0f} dB")
    print(f"a tone of 40 kHz, out of the band: all else {left(band, 40_000, 22_000 / band.expansion):.0f} dB")
    print(f"a tone of 17.5 kHz, below the band: all of it {left(band, 17_500, -100):.0f} dB")
    sound = np.random.default_rng(0).normal(0, 0.1, 10 * 384_000).astype(np.float32)
    pieces = np.array_split(sound, 100)
    for name, how in (("as recorded", Hearing(16000)), ("slowed down", slow), ("a band", band)):
        took = []
        for _ in range(3):
            began = time.process_time()
            for _ in how.heard(pieces, 384_000):
                pass
            took.append(time.process_time() - began)
        print(f"{name}: {6 * min(took):.2f} s of computing for a minute at 384 kHz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
