"""A table ten times as long takes ten times as long to read, split and plan, and ten times the memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from pathlib import Path

import pytest

from audioft.data import manifest
from audioft.data.batching import StepPlan
from audioft.data.splits import split


def write_table(folder: Path, rows: int, cuts: int, grouping: str) -> Path:
    """Cuts of recordings, `cuts` of each, 20 labels; read alone, the recordings need not be any."""
    rng, lines = random.Random(0), [f"file_name,start,end,label{grouping}"]
    for i in range(rows):
        name = f"d{i // cuts // 100}/{i // cuts}.wav"
        if i % cuts == 0:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        at = f"{i % cuts},{i % cuts + 1}"
        lines.append(f"{name},{at},label {rng.randrange(20)}" + f",speaker {i // 40}" * bool(grouping))
    path = folder / f"{rows}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def planned(table: Path, grouping: str) -> int:
    read = manifest.load(table)
    assert read.grouping == (grouping.lstrip(",") or "recording")
    sides = split(read)
    steps = StepPlan(len(sides.train), 16, 0).epoch(0)
    return sum(map(len, steps)) + len(sides.valid) + len(sides.test)


def seconds_a_row(table: Path, rows: int, grouping: str) -> float:
    began = time.process_time()
    assert planned(table, grouping) == rows
    return (time.process_time() - began) / rows


@pytest.mark.slow
@pytest.mark.parametrize(("cuts", "grouping"), [(100, ",speaker"), (2, "")])
def test_time_and_memory_a_row_are_those_of_a_shorter_table(tmp_path, cuts, grouping):
    few, many = 10_000, 100_000
    tables = {rows: write_table(tmp_path / str(rows), rows, cuts, grouping) for rows in (few, many)}
    # the best of several: whatever else the machine does only adds
    times = {rows: [seconds_a_row(tables[rows], rows, grouping) for _ in range(3)] for rows in (few, many)}
    assert min(times[many]) < 1.5 * min(times[few]), times
    sizes = {}
    for rows in (few, many):
        tracemalloc.start()
        planned(tables[rows], grouping)
        sizes[rows] = tracemalloc.get_traced_memory()[1] / rows
        tracemalloc.stop()
    assert sizes[many] < 1.2 * sizes[few], sizes
    assert sizes[many] < 1600, sizes  # bytes
