"""What listens to a training run: files of metrics, and whoever watches."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from pathlib import Path
from typing import Any, Protocol

from audioft.core.progress import Console, about
from audioft.core.storage import write_text
from audioft.core.wording import counted


class Callback(Protocol):
    """Told of every row of metrics and of every step; a child class says what it does with which."""

    def row(self, row: dict[str, Any]) -> None:
        """A row with `kind` (`train` or `valid`), `step`, `epoch` and figures."""
        return

    def step(self, done: int, total: int, note: str) -> None:
        """So many steps of all are done."""
        return

    def end(self) -> None:
        """Training has ended, well or not."""
        return


class MetricsFile(Callback):
    """`metrics.jsonl`: one JSON object a row.

    Args:
        path: the file; rows after `step` are taken away, since a resumed run writes them again.
        step: where the run begins.
    """

    def __init__(self, path: Path, step: int = 0):
        kept = [r for r in read_rows(path) if r["step"] <= step and step > 0]
        write_text(path, "".join(json.dumps(r) + "\n" for r in kept))
        self.path = path

    def row(self, row: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")
            f.flush()
            os.fsync(f.fileno())


class TensorBoard(Callback):
    """The same figures as TensorBoard events.

    Args:
        folder: where the event files go.
        step: what an earlier session wrote after it is hidden.
    """

    def __init__(self, folder: Path, step: int = 0):
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def row(self, row: dict[str, Any]) -> None:
        for key, value in row.items():
            if key not in ("kind", "step", "epoch") and isinstance(value, int | float):
                self.writer.add_scalar(f"{row['kind']}/{key}", value, row["step"])

    def end(self) -> None:
        self.writer.close()


WORTH = 60.0  # seconds: what takes less needs no estimate
DEFAULTS = ("accuracy", "map")  # shown where what chooses the epoch is no figure


class Watching(Callback):
    """Progress and a line an epoch for a person.

    Args:
        console: where it goes.
        total, done: steps.
        metrics: what is shown of the validation, besides the loss.
        job: what is done.
        unit: what an epoch is called.
    """

    def __init__(
        self, console: Console, total: int, done: int = 0, *metrics: str, job: str = "training", unit: str = "epoch"
    ):
        self.console, self.job, self.metrics, self.unit = console, console.job(job, total), metrics, unit
        self.job.resume_at(done)
        self.job.__enter__()
        self.first: tuple[int, float] | None = None  # the step that the pace is told from, and when it ended
        self.told = False

    def row(self, row: dict[str, Any]) -> None:
        if row["kind"] == "valid":
            shown = dict.fromkeys(["loss", *self.metrics, *(() if set(self.metrics) & set(row) else DEFAULTS)])
            figures = ", ".join(f"{k} {row[k]:.4f}" for k in shown if isinstance(row.get(k), float))
            self.console.say(f"{self.unit} {round(row['epoch'])}: validation {figures}")

    def step(self, done: int, total: int, note: str) -> None:
        self.job.at(done, note)
        if not self.told:
            self._estimate(done, total)

    def _estimate(self, done: int, total: int) -> None:
        """Say once, by the first steps but the very first, how long all of them will take."""
        now = time.monotonic()
        if self.first is None:
            self.first = done, now
            return
        steps, passed = done - self.first[0], now - self.first[1]
        if passed < 2 or steps < (10 if passed < 30 else 3):
            return
        self.told = True
        left = passed / steps * (total - done)
        if left >= WORTH:
            self.console.say(f"{self.job.name}: {about(left)} to go by the first {steps + 1} steps, validation aside")

    def end(self) -> None:
        self.job.__exit__()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics file; what is no row, as a last line cut short by a kill, is left out."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("step"), int) and isinstance(row.get("kind"), str):
                rows.append(row)
    return rows


def lost(path: Path, step: int) -> str | None:
    """What is to be said of the metrics of a run that goes on after a step: whether there are rows that are no more."""
    told = "the curves in the report lack what was there"
    if not path.is_file():
        return f"{path} is gone; {told}" if step else None
    whole = path.read_bytes().rpartition(b"\n")[0].splitlines()  # what follows may have been cut short by a kill
    damaged = sum(bool(line.strip()) for line in whole) - len(read_rows(path))
    return f"{path} has {counted(damaged, 'line')} that cannot be read; {told}" if damaged > 0 else None


def finite(figures: dict[str, float]) -> dict[str, float | None]:
    """The figures as strict JSON can hold them: None for what is not finite."""
    return {k: v if math.isfinite(v) else None for k, v in figures.items()}
