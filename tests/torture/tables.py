"""Tables of predictions whose writer is killed."""

from __future__ import annotations

import csv
import os
import random
import time
from pathlib import Path

import makers

import audioft
from audioft.cli import main
from torture.children import forked
from torture.outcome import Outcome
from torture.runs import Bench


def killed(place: Path, kills: int, files: int = 60, seed: int = 0) -> Outcome:
    """Row 16: a killed `predict` leaves whole rows, and `--resume` adds exactly the missing ones.

    Args:
        place: a folder.
        kills: how many.
        files: recordings to label, some of which cannot be read.
        seed: of the moments.
    """
    bench, found, draw = Bench(place), Outcome(), random.Random(seed)
    with forked(lambda: bench.train(place / "run")) as child:
        assert child.wait() == 0
    audioft.load_model(place / "run")  # what it imports is imported once, here
    folder = place / 'new, \u00e4 "quoted" one'
    for i in range(files):
        makers.tone(folder / f"{i:03d}.wav", seconds=0.2 + 0.4 * (i % 5), seed=i)
    for i in range(0, files, 9):
        (folder / f"{i:03d} broken.wav").write_bytes(b"RIFF no sound at all")
    kinds = (("csv", ()), ("jsonl", ("--all-scores",)), ("csv", ("--what", "windows", "--window", "0.1")))
    expected, length = {}, {}
    for kind in kinds:
        out = place / f"whole-{kinds.index(kind)}.{kind[0]}"
        began = time.monotonic()
        with forked(lambda k=kind, o=out: _predict(place, folder, o, k[1])) as child:
            assert child.wait() == 1  # some could not be read
        length[kind], expected[kind] = time.monotonic() - began, _written(out)
    done = tables = 0
    while done < kills:
        kind = kinds[tables % len(kinds)]
        out = place / f"killed-{tables}.{kind[0]}"
        tables += 1
        code = None
        while code is None:
            with forked(lambda k=kind, o=out: _predict(place, folder, o, k[1], "--resume")) as child:
                if done < kills and child.wait(draw.uniform(0.2, 1.0) * length[kind]) is None:
                    child.kill()
                    done += 1
                    child.wait()
                    whole = out.exists() and out.read_bytes().endswith(b"\n") and _is_part(out, expected[kind][0])
                    found.count(whole or not out.exists() or not out.read_bytes(), f"{out}: not whole rows")
                else:
                    code = child.wait()
        same = _written(out) == expected[kind]
        found.count(code == 1 and same, f"{out}: {'the same' if same else 'another'} table, ended with {code}")
    found.told = f"{done} kills, {tables} tables of {files} recordings as CSV, JSON lines and windows"
    return found


def _predict(place: Path, folder: Path, out: Path, more: tuple[str, ...], *resume: str) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the broken ones are named there
    code = main(["predict", str(place / "run"), str(folder), "--out", str(out), "-q", *more, *resume])
    os._exit(code)


def _written(out: Path) -> tuple[bytes, list[list[str]]]:
    """The table, and the failures in whatever order."""
    beside = out.with_name(f"{out.stem}.failures.csv")
    with open(beside, newline="") as file:
        return out.read_bytes(), sorted(csv.reader(file))


def _is_part(out: Path, whole: bytes) -> bool:
    """Whether each row of a table is one of the whole one's."""
    return set(out.read_bytes().splitlines()) <= set(whole.splitlines())
