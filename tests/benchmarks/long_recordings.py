"""Peak memory and speed of `audioft predict` on recordings of a minute, an hour and ten hours.

python tests/benchmarks/long_recordings.py [--out FILE.json] [--quick]

Each recording is written on the fly into a temporary folder (8 kHz, 16 bit: 0.6 GB for ten hours), each call is a
process of its own, and its peak memory is what the kernel says. The models have heads of random weights: what they say
costs what it would cost after training. `--quick` leaves the ten hours and the large encoder out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
LABELS = tuple("abcdefghij")
MINUTE, HOUR = 60, 3600


def write_recording(path: Path, seconds: int) -> None:
    """Noise with a tone now and then."""
    rng = np.random.default_rng(0)
    time_axis = np.arange(RATE) / RATE
    with soundfile.SoundFile(str(path), "w", RATE, 1, subtype="PCM_16") as file:
        for second in range(seconds):
            tone = 0.2 * np.sin(2 * np.pi * (200 + second % 50 * 50) * time_axis) * (second % 7 == 0)
            file.write(0.05 * rng.standard_normal(RATE) + tone)


def write_model(path: Path, layers: int | None) -> None:
    """A classifier on `mini`, or on a wav2vec2 of base size with so many layers of random weights."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    from audioft.models import folder
    from audioft.models.classifier import AudioClassifier
    from audioft.models.encoder import Encoder, Preprocessing
    from audioft.models.loading import load_encoder

    torch.manual_seed(0)
    if layers is None:
        encoder, _ = load_encoder("mini")
    else:
        encoder = Encoder(Wav2Vec2Model(Wav2Vec2Config(num_hidden_layers=layers)), Preprocessing(), "base")
    folder.save(AudioClassifier(encoder, len(LABELS)), folder.ModelCard(LABELS, False, window=10.0), path, "")


def measure(model: Path, recording: Path, seconds: int) -> dict[str, float]:
    """One call: peak memory in MB, seconds it took, times real time."""
    out = recording.with_suffix(".csv")
    call = [sys.executable, "-m", "audioft", "predict", str(model), str(recording), "--what", "segments", "-q"]
    began = time.monotonic()
    process = subprocess.Popen(
        [*call, "--hop", "10", "--out", str(out)], env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    if status:
        raise SystemExit(f"{' '.join(call)} failed")
    return {"peak_mb": usage.ru_maxrss / 1024, "seconds": took, "times_real_time": seconds / took}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    plan = [("mini", None, [MINUTE, HOUR] if given.quick else [MINUTE, HOUR, 10 * HOUR])]
    plan += [] if given.quick else [("12 layers", 12, [MINUTE, HOUR])]
    found = []
    print(f"{'model':<12}{'recording':>10}{'peak memory':>14}{'took':>10}{'times real time':>18}")
    with tempfile.TemporaryDirectory() as place:
        for name, layers, lengths in plan:
            write_model(Path(place) / name, layers)
            for seconds in lengths:
                recording = Path(place) / f"{seconds}.wav"
                if not recording.exists():
                    write_recording(recording, seconds)
                row = measure(Path(place) / name, recording, seconds)
                found.append({"model": name, "recording_seconds": seconds, **row})
                length = f"{seconds // HOUR} h" if seconds >= HOUR else f"{seconds // MINUTE} min"
                memory, took = f"{row['peak_mb']:.0f} MB", f"{row['seconds']:.0f} s"
                print(f"{name:<12}{length:>10}{memory:>14}{took:>10}{row['times_real_time']:>18.0f}", flush=True)
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
