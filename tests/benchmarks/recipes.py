"""Ways to fine-tune beside one another, on the same folds and seeds: how many test clips each labels right.

    python tests/benchmarks/recipes.py DATA --folds COLUMN [--encoder E] [--seeds N] [--rows A,B] [section.key=value]

DATA is a table whose column has the folds; each is tested once a seed. A row is a recipe below. Of each its accuracy,
the difference to the first row with its 95 % interval over groups (both of the same clips and seeds), and the median
of the seconds of a run. Settings at the end are of all rows. Runs stay in `--out` and are not done again.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import audioft
from audioft.core.progress import Console

FROZEN = {"freeze": "all"}
PROBE = {"model.start": "probe"}
STATS = {"model.pooling": "stats"}
SLOW = {"train.lr": 3e-5, "train.head_lr": 1e-5}
RECIPES: dict[str, dict[str, object]] = {
    "frozen": FROZEN,
    "frozen-probe": FROZEN | PROBE | SLOW,
    "frozen-stats": FROZEN | STATS,
    "frozen-stats-probe": FROZEN | STATS | PROBE | SLOW,
    "layers": {},
    "layers-probe": PROBE | SLOW,
    "layers-stats-probe": STATS | PROBE | SLOW,
    "top2": {"freeze": {"top": 2}},
    "top2-stats-probe": {"freeze": {"top": 2}} | STATS | PROBE | SLOW,
}
QUIET = {"train.tensorboard": False, "evaluate.players": 0, "evaluate.resamples": 20}


def run(data: str, place: Path, encoder: str, fold: str, settings: dict[str, object]) -> tuple[dict[str, bool], float]:
    """Whether each test clip was labelled right, and the seconds that the run took."""
    done = place / "seconds.txt"
    if not done.is_file():
        began = time.monotonic()
        given = {"data.test": fold, **QUIET, **settings}
        audioft.finetune(data, encoder=encoder, out=place, overrides=given, overwrite=True, console=Console(quiet=True))
        done.write_text(f"{time.monotonic() - began:.1f}", encoding="utf-8")
    with (place / "predictions.csv").open(newline="", encoding="utf-8") as file:
        right = {f"{row['path']} {row['start']}": row["label"] == row["predicted"] for row in csv.DictReader(file)}
    return right, float(done.read_text(encoding="utf-8"))


def interval(differences: Sequence[float], groups: Sequence[str], resamples: int = 2000) -> tuple[float, float]:
    """95 % of the mean difference, over groups drawn with replacement."""
    names, of = np.unique(np.array(groups), return_inverse=True)
    sums, counts = np.bincount(of, np.array(differences)), np.bincount(of)
    drawn = np.random.default_rng(0).integers(0, len(names), (resamples, len(names)))
    low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("settings", nargs="*", default=[])
    parser.add_argument("--folds", required=True)
    parser.add_argument("--encoder", default="mini")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", default=",".join(RECIPES))
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"))
    options = parser.parse_args()
    with open(options.data, newline="", encoding="utf-8") as file:
        folds = sorted({row[options.folds] for row in csv.DictReader(file)})
    more = dict(s.split("=", 1) for s in options.settings)
    first: dict[str, bool] = {}
    print(f"{'recipe':<20} accuracy  beside {options.rows.split(',')[0]}            seconds")
    for name in options.rows.split(","):
        right: dict[str, bool] = {}
        took = []
        for seed in range(options.seeds):
            for fold in folds:
                place = options.out / Path(options.encoder).name / name / f"{fold}-{seed}"
                settings = RECIPES[name] | more | {"seed": seed}
                found, seconds = run(options.data, place, options.encoder, f"{options.folds}={fold}", settings)
                right |= {f"{clip} {seed}": hit for clip, hit in found.items()}
                took.append(seconds)
        first = first or right
        shared = sorted(right.keys() & first.keys())
        differences = [float(right[c]) - float(first[c]) for c in shared]
        low, high = interval(differences, [c.rsplit(" ", 1)[0] for c in shared])
        beside = f"{np.mean(differences):+.3f} ({low:+.3f} to {high:+.3f})"
        print(f"{name:<20} {np.mean(list(right.values())):8.3f}  {beside}  {statistics.median(took):7.0f}", flush=True)


if __name__ == "__main__":
    main()
