"""Two of the sets for `recipes.py`, of recordings at hand.

    python tests/benchmarks/recipe_data.py speakers DATA/librispeech-10spk OUT
    python tests/benchmarks/recipe_data.py pairs DATA/esc10 OUT

`speakers`: pieces of two seconds, of each speaker's longest utterance of at most twelve to learn from, and of all of
the side `test`. `pairs`: two clips of different labels of one fold over each other, equally loud, as a clip with both.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

PIECE = 2.0  # seconds
LONGEST = 12.0  # seconds of an utterance to learn from
Row = dict[str, str]


def speakers(folder: Path, rows: list[Row], out: Path) -> Iterator[Row]:
    """Rows of the pieces, which are written."""
    longest: dict[str, Row] = {}
    for row in (r for r in rows if r["split"] == "train" and float(r["seconds"]) <= LONGEST):
        best = longest.setdefault(row["label"], row)
        longest[row["label"]] = max(best, row, key=lambda r: float(r["seconds"]))
    for row in [*longest.values(), *(r for r in rows if r["split"] == "test")]:
        samples, rate = soundfile.read(folder / row["file_name"])
        size = int(PIECE * rate)
        for i in range(len(samples) // size):
            name = f"{row['utterance']}_{row['label']}_{i}.wav"
            soundfile.write(out / name, samples[i * size : (i + 1) * size], rate)
            yield {"file_name": name, "label": row["label"], "split": row["split"], "group": name}


def pairs(folder: Path, rows: list[Row], out: Path) -> Iterator[Row]:
    """Rows of the pairs, which are written: as many of a fold as it has clips."""
    g = np.random.default_rng(0)
    for fold in sorted({r["fold"] for r in rows}):
        own = [r for r in rows if r["fold"] == fold]
        for i, row in enumerate(own):
            others = [r for r in own if r["label"] != row["label"]]
            other = others[g.integers(len(others))]
            (one, rate), (two, _) = (soundfile.read(folder / r["file_name"]) for r in (row, other))
            size = min(len(one), len(two))
            mixed = sum(x[:size] / max(1e-9, float(np.sqrt(np.mean(x[:size] ** 2)))) for x in (one, two))
            name = f"{fold}_{i}.wav"
            soundfile.write(out / name, 0.9 * mixed / max(1e-9, np.abs(mixed).max()), rate)
            yield {"file_name": name, "labels": f"{row['label']}|{other['label']}", "fold": fold}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speakers", "pairs"))
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    with (given.data / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    given.out.mkdir(parents=True)
    made = list({"speakers": speakers, "pairs": pairs}[given.what](given.data, rows, given.out))
    with (given.out / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, made[0].keys())
        table.writeheader()
        table.writerows(made)
    print(f"{len(made)} clips in {given.out}")


if __name__ == "__main__":
    main()
