"""What a card takes, and one round of its advice: `python tests/benchmarks/robustness.py DATA/esc10/metadata.csv`.

A model is trained on all folds but one and its card made of that one, or on the sides that the table has; then another
one, as the card advises, below the same frozen encoder. `--round first` makes the first card alone.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path

import audioft
from audioft.tasks.robustness import advice

HOW = {"freeze": "all", "cache.views": 8, "train.epochs": 40, "train.metric": "last", "train.head_lr": 3e-4}


def card_of(run: audioft.Run, table: Path, data: Path, given: argparse.Namespace) -> object:
    began, processor = time.perf_counter(), time.process_time()
    reading = {"data.audio_root": str(data.parent), "data.allow_outside": True}
    card = audioft.robustness(run, table, overrides=reading, limit=0, attack=given.attack, severities=given.severity)
    took, used = time.perf_counter() - began, time.process_time() - processor
    print(f"{card}\n\n{len(card.rows)} rows of {card.clips} clips in {took:.0f} s, {used:.0f} s of a processor")
    print(f"monotone: {card.monotone:.1%} of the rows; not: {', '.join(card.risen())}\n")
    return card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a table with a column fold")
    parser.add_argument("--fold", default="1", help="is tested, where the table has folds")
    parser.add_argument("--severity", type=int, nargs="*", default=[1, 3, 5])
    parser.add_argument("--round", choices=("first", "both"), default="both")
    parser.add_argument("--attack", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open(options.data, newline="", encoding="utf-8") as file:
        place, rows = Path(folder), list(csv.DictReader(file))
        table = place / "tested.csv"
        with open(table, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, rows[0])
            writer.writeheader()
            folds = "fold" in rows[0]
            writer.writerows(r for r in rows if (r["fold"] == options.fold if folds else r["split"] == "test"))
        sides = {"data.test": f"fold={options.fold}"} if folds else {}
        how = {"encoder": "mini", "overrides": sides}
        first = card_of(audioft.finetune(options.data, out=place / "first", **how), table, options.data, options)
        print(f"{first.advise()}\n")
        if options.round == "both":
            found = advice.section({kind: first.cost(kind) for kind in first.kinds})
            how["overrides"] = sides | HOW | {"augment": found}
            card_of(audioft.finetune(options.data, out=place / "second", **how), table, options.data, options)


if __name__ == "__main__":
    main()
