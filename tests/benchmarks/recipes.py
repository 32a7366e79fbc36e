"""Ways to fine-tune beside one another, on the same folds and seeds: how many test clips each labels right.

    python tests/benchmarks/recipes.py DATA [--folds COLUMN] [--each N] [--encoder E] [--seeds N] [--rows A,B]
        [section.key=value]

DATA is a table. Its column COLUMN has folds, each of which is tested once a seed; without one its own sides are taken.
`--each N` leaves only N clips of a label to learn from, drawn by the seed. A row is a recipe below: `probe` is what
`audioft probe` finds and `train --from-probe` keeps, `default` a run without any setting, `old` and `old-frozen` the
defaults before runs began with the probe, `trainer` and `trainer-tuned` transformers' own recipe on the sides of the
row `default`, which must come before. Of each its accuracy, the difference to the first row with its 95 % interval
over groups (the same clips and seeds), and the median of the seconds of a run. Of several labels a clip, the accuracy
is the average precision of a clip's labels in the order of their scores. Settings at the end are of all rows of
audioft. Runs stay in `--out` and are not done again.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import audioft
from audioft.core.progress import Console
from audioft.core.runtime import choose_precision

OLD = {"model.start": "random", "model.pooling": "own", "model.layers": "last", "freeze": "feature_extractor"}
OLD |= {"train.epochs": 20, "train.lr": 1e-4, "train.head_lr": 1e-3, "train.metric": None, "train.patience": 0}
RECIPES: dict[str, dict[str, object]] = {
    "probe": {},
    "old": OLD,
    "old-frozen": OLD | {"freeze": "all"},
    "default": {},
    "frozen": {"freeze": "all"},
    "top2": {"freeze": {"top": 2}},
    "layers": {"freeze": "feature_extractor"},
    "whole": {"freeze": "none"},
    "lora": {"adapt": "lora"},
    "trainer": {"lr": 3e-5, "epochs": 5, "batch": 32},  # as the example's README for keywords
    "trainer-tuned": {"lr": 3e-4, "epochs": 20, "batch": 16},
}
QUIET = {"train.tensorboard": False, "evaluate.players": 0, "evaluate.resamples": 20}
SILENT = Console(quiet=True)


@dataclass(frozen=True)
class Case:
    """One run: the data with its sides, and the seed."""

    data: str
    encoder: str
    seed: int
    settings: dict[str, object]


#: The name of a row, a case and the folder, to how right each test clip was labelled and the seconds that it took.
Run = Callable[[str, Case, str], tuple[dict[str, float], float]]


def run(name: str, case: Case, place: Path, given: dict[str, object]) -> tuple[dict[str, float], float]:
    """How right each test clip was labelled, 0 to 1, and the seconds that the run took."""
    done = place / "seconds.txt"
    if not done.is_file():
        began = time.monotonic()
        if name.startswith("trainer"):
            _trainer(case, place, RECIPES[name])
        elif name == "probe":
            settings = QUIET | case.settings | {"seed": case.seed}
            of_probe = {k: v for k, v in settings.items() if k.split(".")[0] in ("data", "seed")}
            probed = place.with_name(place.name + "-probed")
            audioft.compare_encoders(
                case.data, [case.encoder], out=probed, overrides=of_probe, overwrite=True, console=SILENT
            )
            audioft.finetune(from_probe=probed, out=place, overwrite=True, console=SILENT)
        else:
            settings = QUIET | case.settings | RECIPES[name] | given | {"seed": case.seed}
            audioft.finetune(
                case.data, encoder=case.encoder, out=place, overrides=settings, overwrite=True, console=SILENT
            )
        done.write_text(f"{time.monotonic() - began:.1f}", encoding="utf-8")
    return scores(place / "predictions.csv"), float(done.read_text(encoding="utf-8"))


def scores(table: Path) -> dict[str, float]:
    """Of each clip of a table of predictions whether it was labelled right, or how well its labels are ranked."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not any(";" in row["label"] for row in rows):
        return {f"{row['path']} {row['start']}": float(row["label"] == row["predicted"]) for row in rows}
    names = [k.removeprefix("score:") for k in rows[0] if k.startswith("score:")]
    found = {}
    for row in rows:
        order = sorted(names, key=lambda name, row=row: -float(row[f"score:{name}"]))
        true = set(row["label"].split(";"))
        at = [i + 1 for i, name in enumerate(order) if name in true]
        if at:
            found[f"{row['path']} {row['start']}"] = float(np.mean([(n + 1) / i for n, i in enumerate(at)]))
    return found


def _trainer(case: Case, place: Path, how: dict[str, object]) -> None:
    """transformers' recipe on the sides of the row `default`."""
    root = Path(str(case.settings.get("data.audio_root", Path(case.data).parent)))
    sides: dict[str, list[tuple[str, str]]] = {"train": [], "valid": [], "test": []}
    default = place.parent.with_name("default") / place.name
    with (default / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sides[row["split"]].append((str(root / row["path"]), row["label"]))
    place.mkdir(parents=True, exist_ok=True)
    encoder = case.encoder if Path(case.encoder).is_dir() else str(Path(audioft.__file__).parent / "assets" / "mini")
    task = (
        sides
        | how
        | {
            "encoder": encoder,
            "seed": case.seed,
            "out": str(place / "out"),
            "bf16": choose_precision("auto", torch.device("cpu")) == "bf16",
        }
    )
    (place / "task.json").write_text(json.dumps(task), encoding="utf-8")
    script = Path(__file__).with_name("trainer_recipe.py")
    subprocess.run([sys.executable, script, place / "task.json", place / "result.json"], check=True)
    given = json.loads((place / "result.json").read_text(encoding="utf-8"))["given"]
    with (place / "predictions.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "start", "label", "predicted"])
        table.writerows((str(Path(p).relative_to(root)), "", label, given[p]) for p, label in sides["test"])


def interval(differences: Sequence[float], groups: Sequence[str], resamples: int = 2000) -> tuple[float, float]:
    """95 % of the mean difference, over groups drawn with replacement."""
    names, of = np.unique(np.array(groups), return_inverse=True)
    sums, counts = np.bincount(of, np.array(differences)), np.bincount(of)
    drawn = np.random.default_rng(0).integers(0, len(names), (resamples, len(names)))
    low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)


def cases(options: argparse.Namespace) -> dict[str, Case]:
    """Every fold with every seed, by the name of its run folder."""
    with open(options.data, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    folds = sorted({row[options.folds] for row in rows}) if options.folds else [None]
    found = {}
    for seed in range(options.seeds):
        for fold in folds:
            name = f"{'given' if fold is None else fold}-{seed}"
            settings: dict[str, object] = {} if fold is None else {"data.test": f"{options.folds}={fold}"}
            data = options.data
            if options.each is not None:
                tested = [r for r in rows if (r["split"] == "test" if fold is None else r[options.folds] == fold)]
                data = _few(rows, tested, options.each, seed, options.out / f"few-{name}.csv")
                settings["data.audio_root"] = str(Path(options.data).resolve().parent)
            found[name] = Case(data, options.encoder, seed, settings)
    return found


def _few(rows: list[dict], tested: list[dict], each: int, seed: int, table: Path) -> str:
    """A table of the tested clips and so many others of each label."""
    others = [r for r in rows if r not in tested]
    order = np.random.default_rng(seed).permutation(len(others))
    kept: dict[str, list[dict]] = {}
    for row in (others[i] for i in order):
        if len(kept.setdefault(row["label"], [])) < each:
            kept[row["label"]].append(row)
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows([*tested, *(r for own in kept.values() for r in own)])
    return str(table)


def compared(names: Sequence[str], every: dict[str, Case], run: Run) -> None:
    """Print a line a row: how many test clips of all cases it labels right, and beside the first row.

    Args:
        names: of the rows.
        every: the cases, by the names of their folders.
        run: does one case of a row, in a folder.
    """
    first: dict[str, float] = {}
    print(f"{'recipe':<14} accuracy  beside {names[0]:<24} seconds")
    for name in names:
        right: dict[str, float] = {}
        took = []
        for at, case in every.items():
            found, seconds = run(name, case, f"{name}/{at}")
            right |= {f"{clip} {case.seed}": hit for clip, hit in found.items()}
            took.append(seconds)
        first = first or right
        shared = sorted(right.keys() & first.keys())
        differences = [right[c] - first[c] for c in shared]
        low, high = interval(differences, [c.rsplit(" ", 1)[0] for c in shared])
        beside = f"{np.mean(differences):+.3f} ({low:+.3f} to {high:+.3f})"
        print(
            f"{name:<14} {np.mean(list(right.values())):8.3f}  {beside:<31} {statistics.median(took):7.0f}", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("settings", nargs="*", default=[])
    parser.add_argument("--folds")
    parser.add_argument("--each", type=int)
    parser.add_argument("--encoder", default="mini")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", default=",".join(RECIPES))
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"))
    options = parser.parse_intermixed_args()
    given = dict(s.split("=", 1) for s in options.settings)
    names, place = options.rows.split(","), options.out / Path(options.encoder).name
    compared(names, cases(options), lambda name, case, at: run(name, case, place / at, given))


if __name__ == "__main__":
    main()
