"""Predictions as a table, written row by row as they come."""

from __future__ import annotations

import csv
import functools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from audioft.errors import UsageError
from audioft.inference.resumable_rows import Begun, RowFile, Writer, begun
from audioft.inference.table_provenance import keep, refuse

if TYPE_CHECKING:
    from audioft.inference.prediction import Prediction


#: By how much a score may differ from that of a row that is there before it is called another model's.
SAME_SCORE = 0.05


class PredictionWriter(Writer):
    """Writes a CSV or JSONL table, one row an input; inputs that failed go to a table beside it.

    Args:
        path: `.csv` or `.jsonl`; None for CSV on standard output.
        labels: of the model, in order.
        multilabel: adds the column `labels`, those that reach their thresholds, separated by `;`.
        top_k: how many labels with their scores.
        all_scores: a column `score:LABEL` for every label.
        resume: keep the rows that are there, and add to them.
        overwrite: replace a table that is there.
        made: what with, see `made_with`; what a table is gone on with must be the same.

    Attributes:
        done: names of the recordings that have a row already.
        again: of these the last one. It is to be labelled once more, since its row tells whether the table is of this
            model; None if there is none.

    Raises:
        UsageError: the path has another extension, cannot be written, or holds a table that may not be replaced or gone
            on with.
    """

    def __init__(
        self,
        path: str | Path | None,
        labels: tuple[str, ...],
        multilabel: bool,
        *,
        top_k: int = 1,
        all_scores: bool = False,
        resume: bool = False,
        overwrite: bool = False,
        made: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.path = None if path is None else Path(path)
        if self.path is not None and self.path.suffix not in (".csv", ".jsonl"):
            raise UsageError(f"--out {path}: expected a file ending in .csv or .jsonl")
        if self.path is None and resume:
            raise UsageError("--resume goes on with a table: name it with --out")
        self.labels, self.multilabel, self.all_scores = labels, multilabel, all_scores
        self.top_k = min(top_k, len(labels))
        self.count = 0
        self._as_csv = self.path is None or self.path.suffix == ".csv"
        self._begun, self._made = Begun(), dict(made or {})
        if self.path is not None:
            refuse(self.path, self._made, resume=resume, overwrite=overwrite)
        if resume and self.path is not None:
            check = functools.partial(self._checked, self.path)
            self._begun = begun(self.path, self.header() if self._as_csv else None, several=False, check=check)
        last = self._begun.last
        self.again: str | None = None if last is None else last["path"]
        self.done = self._begun.done - {self.again}
        self._file: IO[str] | RowFile = sys.stdout

    def __enter__(self) -> PredictionWriter:
        if self.path is not None:
            self._file = RowFile(self.path, self._begun.keep)
            keep(self.path, self._made)
            self._fail_beside(self.path)
        if self._as_csv and not self._begun.keep:
            self._csv.writerow(self.header())
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.flush()
        self._failures.close()
        if self.path is not None:
            self._file.close()

    @property
    def _csv(self) -> Any:
        return csv.writer(self._file, lineterminator="\n")

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
            self._failures.add(p.path, p.error.reason)
        if p.path == self.again:
            self._compare(p)
            return
        if p.label is None:
            return
        top = p.top(self.top_k)
        if self._as_csv:
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

    def _checked(self, path: Path, number: int, row: dict[str, Any]) -> None:
        """Whether a row that is there could be of this model."""
        label, score = row.get("label"), row.get("score")
        try:
            right = label in self.labels and 0 <= _number(score) <= 1
        except (TypeError, ValueError):
            right = False
        if not right:
            raise UsageError(
                f"{path}, row {number}: {row['path']} has the label {label!r} with the score {score!r}, which are not "
                "of this model; give another --out"
            )

    def _compare(self, p: Prediction) -> None:
        """Whether the last row of a table that is gone on with is what this model says."""
        row = self._begun.last
        assert row is not None
        label, score = row.get("label"), _number(row.get("score"))
        if p.label is None or label not in self.labels or not abs(p.scores[str(label)] - score) <= SAME_SCORE:
            found = "nothing" if p.label is None else f"{p.label!r} at {p.score:.3f}"
            raise UsageError(
                f"{self.path} says {label!r} at {score:.3f} of {p.path}, and this model {found}: the table is of "
                "another model, or the recording was changed; give another --out"
            )


def _number(score: Any) -> float:
    """A score that was read: 0 in JSON lines is one, nothing is NaN."""
    return float("nan" if score in (None, "") else score)


def _digits(score: float) -> str:
    return f"{score:.6f}"
