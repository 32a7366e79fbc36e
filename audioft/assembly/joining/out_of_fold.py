"""`out_of_fold.csv` of a run in folds: what was said of each clip by the model that was not trained on it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.evaluation.linear import Labels
from audioft.evaluation.predictions import Predictions

FILE = "out_of_fold.csv"
_COLUMN = "score:"


@dataclass(frozen=True)
class Held:
    """What members say of clips that none of them was trained on.

    Attributes:
        scores: `(N, M, C)` probabilities.
        labels: of the N clips.
        groups: of the N clips.
        what: the clips are, in words.
    """

    scores: np.ndarray
    labels: Labels
    groups: Sequence[str]
    what: str

    def predictions(self, scores: np.ndarray, names: tuple[str, ...]) -> Predictions:
        """Other scores `(N, C)` of the same clips, of labels so named."""
        clips = [{"path": str(i), "start": None, "end": None, "group": g} for i, g in enumerate(self.groups)]
        return Predictions(names, self.labels.multilabel, scores, self.labels.targets, self.labels.known, clips)


def of_runs(runs: Sequence[Path], names: tuple[str, ...], multilabel: bool) -> Held:
    """The tables of several runs, as far as they are of the same clips.

    Args:
        runs: folders with a `FILE` each.
        names: the labels, in the order wanted.
        multilabel: whether clips may have several.

    Raises:
        UsageError: a table is not there or damaged, or they have no clip in common.
    """
    tables = [_read(run / FILE, names) for run in runs]
    common = [key for key in tables[0] if all(key in t for t in tables[1:])]
    if len(common) < 2:
        raise UsageError(
            f"{runs[0]} and {runs[-1]} have no clips in common in {FILE}: train them on the same data with --folds"
        )
    truths = [[t[key][1] for key in common] for t in tables]
    for run, truth in zip(runs[1:], truths[1:], strict=True):
        if truth != truths[0]:
            raise UsageError(
                f"{run / FILE} and {runs[0] / FILE} tell clips of other labels; train them on the same data"
            )
    rows = [tables[0][key] for key in common]
    targets = np.array([[x in row[1][0] for x in names] for row in rows], float)
    unknown = np.array([[x in row[1][1] for x in names] for row in rows])
    scores = np.stack([[t[key][0] for key in common] for t in tables], 1)
    what = f"{counted(len(common), 'clip')} that their models were not trained on ({FILE})"
    return Held(scores, Labels(targets, ~unknown, multilabel), [r[2] for r in rows], what)


Row = tuple[list[float], tuple[frozenset[str], frozenset[str]], str]  # scores, labels and unknown ones, group


def _read(path: Path, names: tuple[str, ...]) -> dict[tuple[str, str, str], Row]:
    if not path.is_file():
        raise UsageError(
            f"{path.parent} has no {FILE}: to stack models takes what each said of clips that it was not trained on; "
            "train it with `audioft train DATA --folds 5`"
        )
    found: dict[tuple[str, str, str], Row] = {}
    try:
        with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
            for row in csv.DictReader(file):
                scores = [float(row[f"{_COLUMN}{name}"]) for name in names]
                truth = _parted(row["label"], names), _parted(row.get("unknown") or "", names)
                found[row["path"], row["start"], row["end"]] = scores, truth, row.get("group") or row["path"]
    except (KeyError, ValueError, TypeError, csv.Error) as e:
        raise UsageError(f"{path} is damaged, or of other labels: {e}; train with --folds again") from e
    return found


def _parted(cell: str, names: tuple[str, ...]) -> frozenset[str]:
    """The labels in a cell as `Predictions.write` makes it."""
    if cell in names or not cell:
        return frozenset([cell] if cell else [])
    return frozenset(json.loads(cell) if cell.startswith("[") else cell.split(";"))
