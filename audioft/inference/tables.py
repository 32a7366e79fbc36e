"""Predictions as a table, written row by row as they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.errors import UsageError
from audioft.inference.table_writer import TABLES, Rows, Writer, best, form_of

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
        threshold: where a recording has one label, the score below which its cell stays empty; the score is written.
        how: see `Writer`.

    Attributes:
        again: of the recordings that have a row already the last one, which is not among `done`: it is to be labelled
            once more, since its row tells whether the table is of this model; None if there is none.

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
        threshold: float | None = None,
        **how: Any,
    ):
        place = None if path is None else Path(path)
        super().__init__(place, labels, form_of(place, TABLES, ".csv or .jsonl"), **how)
        self.multilabel = multilabel
        self._least = 0.0 if multilabel or threshold is None else threshold
        if self._resume:
            self._go_on(several=False, check=self._check)
        elif place is not None:
            self._refuse(place)
        last = self._begun.last
        self.again: str | None = None if last is None else last["path"]
        self.done -= {self.again}
        self._table: Rows | None = None

    def __enter__(self) -> PredictionWriter:
        super().__enter__()
        self._table = self._rows()
        return self

    def columns(self) -> list[str]:
        labels = ["labels"] if self.multilabel else []
        each = [f"score:{x}" for x in self.labels] if self.all_scores else []
        return ["path", *best([("", 0.0)] * self.top_k), *labels, *each]

    def write(self, p: Prediction) -> None:
        """Add a row, or a failure; both for a recording that breaks off after a while."""
        assert self._table is not None
        self.count += 1
        if p.error is not None:
            self.failures.add(p.path, p.error.reason)
        if p.path == self.again:
            self._compare(p)
        elif p.label is not None:
            given = (p.labels if self.multilabel else [self._sure(p.label, p.score)]) or [None]
            self._wrote(1, given)
            self._table.add([self._cells(p) if self.form == "csv" else self._entry(p)])

    def _sure(self, label: str, score: float) -> str | None:
        return label if score >= self._least else None

    def _top(self, p: Prediction) -> list[tuple[str | None, float]]:
        return [(self._sure(label, score), score) for label, score in p.top(self.top_k)]

    def _cells(self, p: Prediction) -> dict[str, Any]:
        cells = {"path": p.path, **best(self._top(p))}
        if self.multilabel:
            cells["labels"] = ";".join(p.labels)
        return cells | ({f"score:{x}": score for x, score in p.scores.items()} if self.all_scores else {})

    def _entry(self, p: Prediction) -> dict[str, Any]:
        entry: dict[str, Any] = {"path": p.path, "label": self._sure(str(p.label), p.score), "score": p.score}
        if self.top_k > 1:
            entry["top"] = [{"label": x, "score": score} for x, score in self._top(p)]
        if self.multilabel:
            entry["labels"] = list(p.labels)
        return entry | ({"scores": p.scores} if self.all_scores else {})

    def _check(self, number: int, row: dict[str, Any]) -> None:
        """Whether a row that is there could be of this model."""
        label, score = row.get("label"), row.get("score")
        try:
            known = label in self.labels or (not label and _number(score) < self._least)
            right = known and 0 <= _number(score) <= 1
        except (TypeError, ValueError):
            right = False
        if not right:
            raise UsageError(
                f"{self.path}, row {number}: {row['path']} has the label {label!r} with the score {score!r}, which are "
                "not of this model; give another --out"
            )

    def _compare(self, p: Prediction) -> None:
        """Whether the last row of a table that is gone on with is what this model says."""
        row = self._begun.last
        assert row is not None
        label, score = row.get("label"), _number(row.get("score"))
        ours = p.score if not label else p.scores.get(str(label), float("nan"))
        if p.label is None or not abs(ours - score) <= SAME_SCORE:
            found = "nothing" if p.label is None else f"{p.label!r} at {p.score:.3f}"
            raise UsageError(
                f"{self.path} says {label!r} at {score:.3f} of {p.path}, and this model {found}: the table is of "
                "another model, or the recording was changed; give another --out"
            )


def _number(score: Any) -> float:
    """A score that was read: 0 in JSON lines is one, nothing is NaN."""
    return float("nan" if score in (None, "") else score)
