"""The same numbers again, bad numbers, and memory that does not grow."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import makers
import numpy as np
import torch

import audioft
from audioft.errors import AudioftError
from torture.children import forked, peak_mb
from torture.outcome import Outcome
from torture.runs import Bench, differing, numbers


def same_seed(place: Path, times: int) -> Outcome:
    """Row 5: the same seed gives the same run with 0, 1 and 2 workers; predictions do not depend on the batch.

    Args:
        place: a folder.
        times: how often each number of workers is tried.
    """
    bench, found = Bench(place), Outcome()
    expected: dict[str, str] = {}
    for i in range(times):
        for workers in (0, 1, 2):
            out = place / f"run-{i}-{workers}"
            with forked(lambda o=out, w=workers: bench.train(o, data__workers=w)) as child:
                code = child.wait()
            now = numbers(out)
            expected = expected or now
            found.count(code == 0 and now == expected, f"{workers} workers: {differing(expected, now)}")
    model = audioft.load_model(place / "run-0-0")
    one = _scores(model, bench.data, 0.5)
    largest = max(float(np.abs(_scores(model, bench.data, seconds) - one).max()) for seconds in (4.0, 16.0))
    found.count(largest < 1e-4, f"scores differ by {largest:.1e}")
    found.told = f"{3 * times} runs with equal hashes; scores in batches of 1, 8 and 32 clips within {largest:.1e}"
    return found


def _scores(model: audioft.Predictor, data: Path, batch_seconds: float) -> np.ndarray:
    """Scores of clips of half a second, in batches of so many seconds."""
    model.batch_seconds = batch_seconds
    return np.array([[p.scores[x] for x in model.labels] for p in audioft.predict(model, data)])


def bad_numbers(place: Path, steps: tuple[int, ...]) -> Outcome:
    """Row 11: a loss that is not finite is counted, its step skipped, the run stopped after ten in a row.

    Args:
        place: a folder.
        steps: at which single steps it happens, of 12.
    """
    from audioft.training.losses import CrossEntropy
    from audioft.training.trainer import MAX_SKIPPED

    bench, found, whole = Bench(place), Outcome(), CrossEntropy.__call__
    for value in (math.nan, math.inf):
        for step in steps:
            out = place / f"run-{value}-{step}"
            with _poisoned(CrossEntropy, whole, value, {step}):
                run = bench.train(out, train__epochs=2, data__workers=0)
            rows = [r for r in run.history if r["kind"] == "train"]
            others = [r["loss"] for r in rows if r["step"] != step + 1]
            seen = rows[-1]["skipped"] == 1 and rows[step]["loss"] is None and rows[step]["skipped"] == 1
            finite = all(x is not None and math.isfinite(x) for x in others)
            weights = torch.cat([p.flatten() for p in audioft.load_model(run).model.parameters()])
            found.count(seen and finite and bool(weights.isfinite().all()), f"{value} at step {step}: {rows}")
        out = place / f"stopped-{value}"
        try:
            with _poisoned(CrossEntropy, whole, value, set(range(5, 100))):
                bench.train(out, train__epochs=20, data__workers=0)
            found.count(False, "the run went on")
        except AudioftError as e:
            kept = max((out / "checkpoints").glob("step-*")).name
            found.count(f"{MAX_SKIPPED} steps in a row" in str(e) and str(value) in str(e), str(e))
            went_on = bench.train(out, True, train__epochs=20, data__workers=0)
            later = [r["loss"] for r in went_on.history if r["step"] > int(kept.removeprefix("step-"))]
            found.count(bool(later) and None not in later, f"resumed from {kept}: {later}")
    found.told = f"NaN and infinity at {len(steps)} steps each; stopped after {MAX_SKIPPED} in a row, then resumed"
    return found


class _poisoned:
    """Inside, the loss is `value` at the given steps, counted from 0."""

    def __init__(self, loss: type, whole, value: float, steps: set[int]):
        self.loss, self.whole, self.value, self.steps, self.done = loss, whole, value, steps, 0

    def __enter__(self) -> None:
        def forward(loss, *args):
            total, weight = self.whole(loss, *args)
            self.done += 1
            return total * (self.value if self.done - 1 in self.steps else 1.0), weight

        self.loss.__call__ = forward

    def __exit__(self, *exc: object) -> None:
        self.loss.__call__ = self.whole


def long_evaluation(place: Path, few: int, many: int) -> Outcome:
    """Row 15: the peak memory of an evaluation does not grow with the number of clips.

    Args:
        place: a folder.
        few, many: clips.
    """
    bench, found = Bench(place), Outcome()
    with forked(lambda: bench.train(place / "run")) as child:
        assert child.wait() == 0
    recording = makers.tone(place / "long" / "a.wav", seconds=60.0)
    peaks, quiet = {}, audioft.Console(quiet=True)
    for count in (few, many):
        table = recording.parent / f"{count}.csv"
        with open(table, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("file_name", "start", "end", "label"))
            for i in range(count):
                start = round(i * 58.0 / count, 6)
                rows.writerow(("a.wav", start, round(start + 1.0, 6), ("high", "low")[i % 2]))
        peaks[count] = peak_mb(lambda t=table: audioft.evaluate(place / "run", t, resamples=20, console=quiet))
    grown = peaks[many] / peaks[few]
    found.count(grown < 1.05, f"{peaks}")
    found.told = f"{many:,} clips take {grown:.2f} times the memory of {few:,} ({peaks[few]:.0f} MB)"
    return found
