"""Activity written as tables: what each recording brings as it is heard, and at the end what all of them bring."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core import csv_tables
from audioft.core.storage import write_text
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.data.recorded.calendar import Calendar
from audioft.errors import AudioError, UsageError
from audioft.inference.activity import Activity
from audioft.inference.activity_cells import Cell, Following, Part
from audioft.inference.recording_events import Step
from audioft.inference.table_writer import SHOWN, TABLES, Rows, Writer, form_of, json_row, spelled_cell

_COLUMNS = ("path", "site", "day", "hour", "label", "recorded", "seconds", "segments", "score", "error")


class ActivityWriter(Writer):
    """Sums up steps of `Predictor.follow`; what is summed up is kept beside, so that it can be gone on with.

    The table in `out` is written at the end. Until then, and after, `OUT.recordings.csv` beside it has a row a
    recording, hour and label; another sum can be taken from it without hearing a recording again.

    Args:
        out: a `.csv` or `.jsonl` file; None for CSV on standard output.
        by: what is summed up by, see `Activity.rows`; nothing is written where it is empty.
        labels: of the model, in order.
        skip: labels that are no events.
        calendar: when and where recordings were made.
        how: see `Writer`.

    Raises:
        UsageError: the path cannot be written, or holds a table that may not be replaced or gone on with.
    """

    def __init__(
        self,
        out: str | Path | None,
        by: Sequence[str],
        labels: tuple[str, ...],
        skip: Collection[str],
        calendar: Calendar,
        *,
        form: str | None = None,
        **how: Any,
    ):
        self.out = None if out is None else Path(out)
        self.out_form = form or form_of(self.out, TABLES, ".csv or .jsonl")
        parts = None if self.out is None else self.out.with_name(f"{self.out.stem}.recordings.csv")
        super().__init__(parts, labels, "csv", **how)
        self.by, self.calendar = by, calendar
        self.activity = Activity([label for label in labels if label not in skip])
        self._summed = 0
        self._rows_of: dict[str, list[dict[str, Any]]] = {}
        if self._resume:
            self._go_on(several=True, check=self._check)
            for name, rows in self._rows_of.items():
                if name in self.done:
                    self.activity.add(name, self._kept(rows))
            self._rows_of.clear()
        elif self.path is not None:
            self._refuse(self.path)
        self._table: Rows | None = None
        self._following: Following | None = None

    def _refuse(self, path: Path) -> None:
        out = self.out
        assert out is not None
        if out.is_file() and out.stat().st_size and not self._overwrite:
            if not self._resume:
                raise UsageError(
                    f"--out {out} is there already: go on with it (--resume), replace it (--overwrite), or give "
                    "another path"
                )
            if not path.is_file():
                raise UsageError(f"--out {out}: there is no {path.name} beside it to go on with; give another --out")
        super()._refuse(path)

    @property
    def places(self) -> list[Path]:
        return [place for place in (self.out, self.path) if place is not None]

    def _failures_table(self, path: Path) -> Path:
        assert self.out is not None
        return super()._failures_table(self.out)

    def columns(self) -> list[str]:
        return [*_COLUMNS]

    def _check(self, number: int, row: dict[str, Any]) -> None:
        try:
            figures = [float(row[name] or 0) for name in ("recorded", "seconds", "segments", "score")]
            right = row["label"] in self.activity.labels or (not row["label"] and bool(row["error"]))
        except ValueError:
            figures, right = [], False
        if not right or not np.isfinite(figures).all():
            raise UsageError(
                f"{self.path}, row {number}: {row['path']} has the label {row['label']!r}, or figures, that are not of "
                "this model; give another --out"
            )
        self._rows_of.setdefault(row["path"], []).append(row)

    def _kept(self, rows: list[dict[str, Any]]) -> list[Part]:
        """What a recording brought, from its rows; none for one that could not be heard."""
        cells: dict[Cell, list[dict[str, Any]]] = {}
        for row in rows:
            if row["label"]:
                cells.setdefault(Cell(row["site"], row["day"], row["hour"]), []).append(row)
        return [
            Part(cell, float(own[0]["recorded"]), *(self._column(own, c) for c in ("seconds", "segments", "score")))
            for cell, own in cells.items()
        ]

    def _column(self, rows: list[dict[str, Any]], name: str) -> np.ndarray:
        by_label = {row["label"]: float(row[name]) for row in rows}
        return np.array([by_label.get(label, 0.0) for label in self.activity.labels])

    def __enter__(self) -> ActivityWriter:
        super().__enter__()
        if self.path is not None:
            self._table = self._rows()
        return self

    def write(self, clip: Clip, step: Step) -> None:
        """Take a step of a recording."""
        if self._following is None:
            self._following = Following(self.calendar.of(clip), self.labels, self.activity.labels)
        self._following.take(step)
        if step.summary is None:
            return
        self.count += 1
        parts, self._following = self._following.parts(step.summary.seconds), None
        self.activity.add(clip.name, parts)
        error = step.summary.error
        if error is not None:
            self.failures.add(clip.name, error.reason)
        self._wrote(len(parts), ())
        if self._table is not None:
            last = {} if error is None else {"error": error.reason}
            rows = [{"path": clip.name, **row, **last} for part in parts for row in self._each(part)]
            self._table.add(rows or [{"path": clip.name, **last}])

    def _each(self, part: Part) -> list[dict[str, Any]]:
        """The cells of a part, a row a label."""
        figures = zip(
            self.activity.labels, part.seconds.tolist(), part.segments.tolist(), part.score.tolist(), strict=True
        )
        about = {**part.cell._asdict(), "recorded": part.recorded}
        return [
            {**about, "label": label, "seconds": seconds, "segments": int(segments), "score": score}
            for label, seconds, segments, score in figures
        ]

    def fail(self, failure: AudioError) -> None:
        """An input that led to no recording."""
        self.count += 1
        self.failures.add(failure.path, failure.reason)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        if kind is None and not self._forgotten and self.by:
            self._sum_up()

    def _sum_up(self) -> None:
        rows = self.activity.rows(self.by)
        for row in rows:
            self.labelled[row["label"]] += row["segments"]
        self._summed = len(rows)
        if self.out_form == "jsonl":
            text = "".join(json_row(row) for row in rows)
        else:
            columns = list(rows[0]) if rows else [*self.by, "label"]
            text = csv_tables.text([columns, *([spelled_cell(v) for v in row.values()] for row in rows)])
        if self.out is None:
            sys.stdout.write(text)
        else:
            write_text(self.out, text)

    def told(self) -> str:
        if self._forgotten:
            return f"nothing is written to {self.out}, as nothing could be labelled"
        most = ", ".join(f"{label} {counted(n, 'segment')}" for label, n in self.labelled.most_common(SHOWN) if n)
        said = f"{counted(self._summed, self.UNIT)} written to {self.out}" + (f": {most}" if most else "")
        return f"{said}{self._told_of_failures()}; what each recording brings is in {self.path}"
