"""The table, printed; see `torture`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    """Run the rows and print a table of them; 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(prog="torture", description="Try what audioft promises when things break.")
    parser.add_argument("rows", nargs="*", type=int, metavar="ROW", help="their numbers; all if not given")
    parser.add_argument("--short", action="store_true", help="as often as the test suite does")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory(prefix="audioft-torture-") as place:
        os.environ["XDG_CACHE_HOME"] = str(Path(place, "cache"))
        return run(Path(place), options.rows, options.short)


def run(place: Path, numbers: list[int], short: bool) -> int:
    """The rows with these numbers, or all."""
    import torch

    from torture.table import ROWS

    torch.set_num_threads(1)  # as the processes are forked
    broken = 0
    chosen = [row for row in ROWS if not numbers or row.number in numbers]
    print("| | promise | held | how it was tried | |\n|---|---|---|---|---|", flush=True)
    for i, row in enumerate(chosen):
        began = time.monotonic()
        folder = place / f"{row.number}-{row.name}"
        folder.mkdir()
        print(f"  row {row.number}: {row.name} ({i + 1} of {len(chosen)})", file=sys.stderr, flush=True)
        outcome = row.try_it(folder, **(row.short if short else row.long))
        seconds = time.monotonic() - began
        held = f"{outcome.kept:,} of {outcome.tried:,}"
        print(f"| {row.number} | {row.promise} | {held} | {outcome.told} | {seconds:.0f} s |", flush=True)
        broken += not outcome.ok
        for what in outcome.broken[:10]:
            print(f"  row {row.number} broken: {what}", file=sys.stderr, flush=True)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
