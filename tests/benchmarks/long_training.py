"""Peak memory of training on one recording of three hours, beside training on the same three hours as clips of 10 s.

python tests/benchmarks/long_training.py [--out FILE.json]

One epoch each of `mini` with everything frozen but the head, frames labelled, 10 s windows, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile
from long_recordings import HOUR, RATE, write_recording

SECONDS, WINDOW = 3 * HOUR, 10
SETTINGS = (
    *("events.use=frames", "data.valid=null", "data.test=null", "data.workers=0", "freeze=all", "train.epochs=1"),
    *("train.precision=fp32", "train.tensorboard=false"),
)


def peak(data: Path, out: Path) -> float:
    """MB of one training."""
    call = [sys.executable, "-m", "audioft", "train", str(data), "--out", str(out), "-q", *SETTINGS]
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(call)} failed")
    return usage.ru_maxrss / 1024


def main() -> None:
    """Measure both and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    given = parser.parse_args()
    head, found = "file_name,start,end,label", {}
    with tempfile.TemporaryDirectory() as place:
        long, clips = Path(place) / "long", Path(place) / "clips"
        long.mkdir()
        clips.mkdir()
        write_recording(long / "all.wav", SECONDS)  # a tone every seventh second
        times = [(s, "low" if s % 50 < 25 else "high") for s in range(0, SECONDS, 7)]
        rows = [f"all.wav,{s},{s + 1},{label}" for s, label in times]
        (long / "metadata.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
        rows = []
        with soundfile.SoundFile(str(long / "all.wav")) as file:
            for first in range(0, SECONDS, WINDOW):
                soundfile.write(clips / f"{first}.wav", file.read(WINDOW * RATE), RATE)
                inside = [(s - first, label) for s, label in times if first <= s < first + WINDOW]
                rows += [f"{first}.wav,{s},{min(s + 1, WINDOW)},{label}" for s, label in inside]
        (clips / "metadata.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
        for name, data in (("1080 clips of 10 s", clips), ("one recording of 3 h", long)):
            found[name] = peak(data, Path(place) / f"run-{data.name}")
            print(f"{name:<22}{found[name]:.0f} MB", flush=True)
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
