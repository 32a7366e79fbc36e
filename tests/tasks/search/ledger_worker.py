"""A process at work on a study of `test_ledger`: it holds a trial, dies with one, or does all there are."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import test_ledger


def main(folder: Path, what: str, most: int = 3) -> None:
    found, own = test_ledger.ledger(folder), test_ledger.how()
    if what == "die":
        found.take(own.settings, most, 2)
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hold":
        taken = found.take(own.settings, most, 2)
        (taken.folder / "kept").write_text("so far")
        print(taken.entry.number, flush=True)
        time.sleep(60)
    while True:
        taken = found.take(own.settings, most, 2)
        if taken is None:
            entries = found.entries()
            if len(entries) == most and all(e.ended for e in entries):
                return
            time.sleep(0.02)
            continue
        with open(folder / f"done-{os.getpid()}", "a") as file:
            file.write(json.dumps([taken.entry.number, os.getpid()]) + "\n")
        found.end(taken, "complete", [test_ledger.value(taken.entry.settings)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
