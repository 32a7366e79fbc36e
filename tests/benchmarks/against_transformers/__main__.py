"""The command: some rows or all of them, one table, and the same as JSON."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import fields, replace
from pathlib import Path

import torch

from . import settings, table
from .rows import Bench, machine, say


def main() -> None:
    """Run the rows asked for, print the table, write it."""
    options = _options()
    sizes = settings.QUICK if options.quick else settings.Sizes()
    if torch.cuda.is_available() and not options.quick:  # or the start would be most of it
        sizes = replace(sizes, train=480, valid=160, label=960, batches=(64, 32, 8, 1))
    own = {f.name: getattr(options, f.name, None) for f in fields(sizes)}
    sizes = replace(sizes, **{k: v for k, v in own.items() if v is not None})
    shape = options.encoder or (settings.SMALL if options.quick else settings.ENCODER)
    rows = []
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), sizes, shape, _real(options.data))
        for name in options.rows or settings.ROWS:
            say(name)
            rows.append(bench.row(name))
            if options.out:  # what is done is kept
                _write(options.out, rows)
    print(table.show(rows, machine()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="against_transformers", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(settings.ROWS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="a small encoder, few clips, one epoch: to try it")
    parser.add_argument("--data", type=Path, help="a folder that holds esc10 (AUDIOFT_DATA), for clips of equal length")
    parser.add_argument("--encoder", help="a wav2vec2 encoder instead of one of random weights")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    for name, text in (
        ("train", "training clips of a row"),
        ("valid", "validation clips of a row"),
        ("label", "recordings to label"),
        ("few", "clips of the row hundredfold at its smaller size"),
        ("epochs", "of every row that trains"),
        ("pairs", "alternations of both sides"),
        ("defaults", "how many of them have the opponent at its defaults beside them"),
    ):
        parser.add_argument(f"--{name}", type=int, help=text)
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in settings.ROWS]:
        parser.error(f"unknown rows: {', '.join(unknown)}; expected some of {', '.join(settings.ROWS)}")
    return options


def _real(data: Path | None) -> Path | None:
    place = data or (Path(os.environ["AUDIOFT_DATA"]) if os.environ.get("AUDIOFT_DATA") else None)
    if place is None:
        return None
    found = next((p for p in (place / "esc10", place) if (p / "metadata.csv").is_file()), None)
    if found is None:
        raise SystemExit(f"{place}: there is no esc10/metadata.csv in it; leave --data out for sounds made here")
    return found


def _write(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
