"""Predictions as a table, written row by row as they come."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.inference.prediction import Prediction


class PredictionWriter:
    """Writes a CSV or JSONL table, one row an input; inputs that failed go to a table beside it.

    Args:
        path: `.csv` or `.jsonl`; None for CSV on standard output.
        labels: of the model, in order.
        multilabel: adds the column `labels`, those that reach their thresholds, separated by `;`.
        top_k: how many labels with their scores.
        all_scores: a column `score:LABEL` for every label.

    Raises:
        UsageError: the path has another extension, or cannot be written.
    """

    def __init__(
        self,
        path: str | Path | None,
        labels: tuple[str, ...],
        multilabel: bool,
        *,
        top_k: int = 1,
        all_scores: bool = False,
    ):
        self.path = None if path is None else Path(path)
        if self.path is not None and self.path.suffix not in (".csv", ".jsonl"):
            raise UsageError(f"--out {path}: expected a file ending in .csv or .jsonl")
        self.labels, self.multilabel, self.all_scores = labels, multilabel, all_scores
        self.top_k = min(top_k, len(labels))
        self.failures: list[tuple[str, str]] = []
        self.failures_path: Path | None = None
        self.count = 0
        self._file: IO[str] = sys.stdout
        self._csv: Any = None

    def __enter__(self) -> PredictionWriter:
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self.path, "w", newline="", encoding="utf-8")
            except OSError as e:
                reason = f"{self.path.parent} is not a folder" if self.path.parent.is_file() else e.strerror
                raise UsageError(f"--out {self.path} cannot be written: {reason}") from e
        if self.path is None or self.path.suffix == ".csv":
            self._csv = csv.writer(self._file, lineterminator="\n")
            self._csv.writerow(self.header())
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.flush()
        if self.path is None:
            return
        self._file.close()
        beside = self.path.with_name(f"{self.path.stem}.failures.csv")
        beside.unlink(missing_ok=True)
        if self.failures:
            self.failures_path = beside
            with open(beside, "w", newline="", encoding="utf-8", errors="backslashreplace") as f:
                csv.writer(f, lineterminator="\n").writerows([("path", "reason"), *self.failures])

    def header(self) -> list[str]:
        """The names of the columns."""
        names = ["path", "label", "score"]
        for k in range(2, self.top_k + 1):
            names += [f"label_{k}", f"score_{k}"]
        if self.multilabel:
            names.append("labels")
        return names + ([f"score:{x}" for x in self.labels] if self.all_scores else [])

    def write(self, p: Prediction) -> None:
        """Add a row, or a failure; both for a recording that breaks off after a while."""
        self.count += 1
        if p.error is not None:
            self.failures.append((p.path, p.error.reason))
        if p.label is None:
            return
        top = p.top(self.top_k)
        if self._csv is not None:
            row: list[Any] = [p.path]
            for label, score in top:
                row += [label, _digits(score)]
            if self.multilabel:
                row.append(";".join(p.labels))
            self._csv.writerow(row + ([_digits(p.scores[x]) for x in self.labels] if self.all_scores else []))
        else:
            entry: dict[str, Any] = {"path": p.path, "label": p.label, "score": round(p.score, 6)}
            if self.top_k > 1:
                entry["top"] = [{"label": x, "score": round(s, 6)} for x, s in top]
            if self.multilabel:
                entry["labels"] = list(p.labels)
            if self.all_scores:
                entry["scores"] = {x: round(s, 6) for x, s in p.scores.items()}
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()


def _digits(score: float) -> str:
    return f"{score:.6f}"
