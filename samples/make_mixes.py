"""Mix labelled clips into background noise, as recordings in which things happen, with the table of what and when.

python samples/make_mixes.py DATA/esc10 OUT --train fold=1,2,3 --valid fold=4 --test fold=5

The clips' table is `metadata.csv` with `file_name`, `label` and the columns that the sides are chosen by. Of each clip
its loud part is taken, 1 to 3.5 s of it, once a recording, 0 to 15 dB above coloured noise that swells and ebbs.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import soundfile
import soxr
from make_samples import wind_noise
from mixing import RATE, fade, frames, limited, place, rng, to_rms, write, write_table

COUNTS = {"train": 60, "valid": 15, "test": 30}  # recordings


def side(rows: list[dict[str, str]], chosen: str) -> list[dict[str, str]]:
    """Rows that `column=value,value2` chooses."""
    column, _, values = chosen.partition("=")
    return [r for r in rows if r[column] in values.split(",")]


def loud_part(sound: np.ndarray, g: np.random.Generator) -> np.ndarray:
    """1 to 3.5 s of a sound that begin and end where it is within 40 dB of its loudest 20 ms."""
    step = frames(0.02)
    level = np.sqrt(np.mean(sound[: len(sound) // step * step].reshape(-1, step) ** 2, axis=1))
    loud = np.flatnonzero(level > 0.01 * level.max())
    length = int(g.uniform(1.0, 3.5) / 0.02)
    first = int(g.choice(loud[loud <= max(loud[0], loud[-1] - length)]))
    inside = loud[(loud >= first) & (loud < first + length)]
    return fade(sound[inside[0] * step : (inside[-1] + 1) * step], 0.01, 0.02)


def main() -> None:
    """Make the mixes and their table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("out", type=Path)
    for name in COUNTS:
        parser.add_argument(f"--{name}", required=True, metavar="COLUMN=VALUE,...")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each recording")
    parser.add_argument("--few", action="store_true", help="a tenth of the recordings")
    given = parser.parse_args()
    with open(given.clips / "metadata.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = []
    for split, count in COUNTS.items():
        clips = side(rows, getattr(given, split))
        for i in range(-(-count // 10) if given.few else count):
            g, total = rng("mixes", split, i), frames(given.seconds)
            mix = wind_noise(total, g.uniform(0.5, 1.8), g)
            drawn = g.choice(len(clips), size=min(len(clips), int(g.integers(4, 8))), replace=False)
            for k, clip in enumerate(clips[c] for c in drawn):
                sound, rate = soundfile.read(given.clips / clip["file_name"])
                sound = loud_part(sound if rate == RATE else soxr.resample(sound, rate, RATE), g)
                at = min(frames(given.seconds * (k + g.uniform(0.05, 0.8)) / len(drawn)), total - len(sound))
                mix += place(to_rms(sound, g.uniform(0, 15)), at, total)
                times = (f"{at / RATE:.3f}", f"{(at + len(sound)) / RATE:.3f}")
                table.append((f"{split}_{i:03d}.flac", *times, clip["label"], split))
            write(given.out / f"{split}_{i:03d}.flac", limited(to_rms(mix, -24.0)))
    write_table(given.out / "metadata.csv", ("file_name", "start", "end", "label", "split"), table)


if __name__ == "__main__":
    main()
