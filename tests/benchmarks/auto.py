"""`audioft auto` beside the defaults and beside configs, on the same folds: how many test clips each labels right.

    python tests/benchmarks/auto.py DATA [--folds COLUMN] [--each N] [--encoders A,B] [--minutes M]
        [--rows default,auto,quick_cpu] [--seeds N]

DATA is a table, as for `recipes.py`, whose folds, figures and intervals these are. A row is `default`, `auto`, or a
file of `configs/`. `--minutes` are those of each `auto`. What is there in `--out` is not done again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import recipes
from recipes import QUIET, SILENT, Case, scores

import audioft

CONFIGS = Path(__file__).parents[2] / "configs"


def run(name: str, case: Case, place: Path, options: argparse.Namespace) -> tuple[dict[str, float], float]:
    """How right each test clip was labelled, 0 to 1, and the seconds that it took."""
    if name == "default":
        return recipes.run(name, case, place, {})
    done = place.with_name(place.name + ".seconds")
    given = case.settings | {"seed": case.seed}
    if not done.is_file():
        began = time.monotonic()
        if name == "auto":
            how = {"minutes": options.minutes, "encoders": options.encoders.split(","), "overrides": given}
            found = audioft.auto(case.data, out=place, resume=(place / "auto.json").is_file(), console=SILENT, **how)
            print(f"  {place.name}: {found.sentence}", flush=True)
        else:
            how = {"config": CONFIGS / f"{name}.yaml", "encoder": case.encoder, "overrides": QUIET | given}
            audioft.finetune(case.data, out=place, overwrite=place.exists(), console=SILENT, **how)
        done.write_text(f"{time.monotonic() - began:.1f}", encoding="utf-8")
    table = place / "report" / "evaluation" if name == "auto" else place
    return scores(table / "predictions.csv"), float(done.read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--folds")
    parser.add_argument("--each", type=int)
    parser.add_argument("--encoders", default="mini")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", default="default,auto")
    parser.add_argument("--out", type=Path, default=Path("runs/auto"))
    options = parser.parse_args()
    options.encoder = options.encoders.split(",")[0]
    run_of = lambda name, case, at: run(name, case, options.out / at, options)  # noqa: E731
    recipes.compared(options.rows.split(","), recipes.cases(options), run_of)


if __name__ == "__main__":
    main()
