"""What a model said about clips, beside what is true of them: the one input of every metric and report."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core import csv_tables
from audioft.errors import ModelError

_PLACE = ("path", "start", "end")
_REQUIRED = (*_PLACE, "group")
_ROUNDING = 1e-6  # how far a float32 softmax may leave [0, 1]


@dataclass(frozen=True)
class Predictions:
    """Scores of N clips for C labels, with the true targets.

    Args:
        labels: the C labels, in the model's order.
        multilabel: whether a clip may have any number of labels; else it has exactly one.
        scores: `(N, C)` probabilities in [0, 1], kept as float64.
        targets: `(N, C)`, 1 where the label is true of the clip and 0 where it is not; what stands at an
            unknown place does not matter and is kept as 0.
        known: `(N, C)` bool, whether that target is known. All true if `multilabel` is false.
        clips: for each clip a mapping with at least `path`, `start`, `end` (seconds, or None for a whole
            file) and `group`, and any further columns of the user's table.

    Raises:
        ValueError: shapes or targets do not fit one another.
        ModelError: a score is not finite or not a probability.

    >>> p = Predictions(("cat", "dog"), False, [[0.9, 0.1]], [[0, 1]], [[True, True]],
    ...                 [{"path": "a.wav", "start": None, "end": None, "group": "a.wav"}])
    >>> len(p), p.decisions().tolist()
    (1, [[True, False]])
    """

    labels: tuple[str, ...]
    multilabel: bool
    scores: np.ndarray
    targets: np.ndarray
    known: np.ndarray
    clips: Sequence[dict[str, Any]]

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "labels", tuple(self.labels))
        put(self, "clips", self.clips if isinstance(self.clips, Sequence) else list(self.clips))
        put(self, "scores", np.asarray(self.scores, dtype=np.float64))
        put(self, "known", np.asarray(self.known, dtype=bool))
        put(self, "targets", np.asarray(self.targets, dtype=np.float64))
        self._check_shapes()
        put(self, "targets", np.where(self.known, self.targets, 0.0))
        self._check_targets()
        self._check_scores()

    def __len__(self) -> int:
        return len(self.clips)

    def decisions(self, thresholds: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
        """Which labels the model gives each clip.

        Args:
            thresholds: for multi-label, the C scores from which on a label is given; 0.5 each if None. Not
                used for single-label, where the highest score wins and the first of equal ones.

        Returns:
            `(N, C)` bool.
        """
        if self.multilabel:
            limits = np.full(len(self.labels), 0.5) if thresholds is None else np.asarray(thresholds, float)
            if limits.shape != (len(self.labels),):
                raise ValueError(f"{len(self.labels)} labels need as many thresholds; found shape {limits.shape}")
            return self.scores >= limits
        given = np.zeros(self.scores.shape, dtype=bool)
        given[np.arange(len(self)), self.scores.argmax(axis=1)] = True
        return given

    def groups(self) -> list[Any]:
        """The group of each clip; a clip without one is a group of its own."""
        return [("clip", i) if c["group"] in (None, "") else c["group"] for i, c in enumerate(self.clips)]

    def write(self, path: str | Path, thresholds: Sequence[float] | np.ndarray | None = None) -> None:
        """Write a CSV with one row a clip.

        Columns: `path,start,end,label,predicted,score`, for partly known targets `unknown`, a column
        `score:LABEL` for each label, then `group` and the further columns of the user's table (as
        `table:NAME` where the name is taken). Several labels stand in one field separated by `;`, or as a
        JSON list where a label itself holds a `;`. `score` is that of the predicted label, the highest one
        where there are several or none.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        decisions = self.decisions(thresholds)
        partly = not self.known.all()
        head = [*_PLACE, "label", "predicted", "score", *(["unknown"] if partly else [])]
        head += [f"score:{label}" for label in self.labels]
        further = [*dict.fromkeys(k for clip in self.clips for k in clip if k not in _PLACE)]

        def rows() -> Iterator[list[Any]]:
            yield head + [f"table:{k}" if k in head else k for k in further]
            for i, clip in enumerate(self.clips):
                row = [clip[k] for k in _PLACE]
                row += [self._joined(self.targets[i] > 0), self._joined(decisions[i])]
                row += [_digits(self.scores[i, decisions[i] if decisions[i].any() else slice(None)].max())]
                row += [self._joined(~self.known[i])] if partly else []
                row += [_digits(s) for s in self.scores[i]]
                yield row + [clip.get(k) for k in further]

        csv_tables.write(path, rows())

    def _joined(self, chosen: np.ndarray) -> str:
        names = [self.labels[c] for c in np.flatnonzero(chosen)]
        if self.multilabel and any(";" in n or n.startswith("[") for n in names):
            return json.dumps(names, ensure_ascii=False)
        return ";".join(names)

    def _check_shapes(self) -> None:
        expected = (len(self.clips), len(self.labels))
        for name in ("scores", "targets", "known"):
            found = getattr(self, name).shape
            if found != expected:
                raise ValueError(
                    f"{name} has shape {found}; {expected[0]} clips and {expected[1]} labels need {expected}"
                )
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("a label is listed twice")
        for i, clip in enumerate(self.clips):
            missing = [k for k in _REQUIRED if k not in clip]
            if missing:
                raise ValueError(f"clip {i} has no {', '.join(missing)}; every clip needs {', '.join(_REQUIRED)}")

    def _check_targets(self) -> None:
        if not np.isin(self.targets, (0.0, 1.0)).all():
            raise ValueError("targets hold something other than 0 and 1 at a known place")
        if not self.multilabel:
            if not self.known.all():
                raise ValueError("a single-label clip has an unknown target; leave such clips out")
            wrong = np.flatnonzero(self.targets.sum(axis=1) != 1)
            if len(wrong):
                raise ValueError(f"single-label, but clip {wrong[0]} has {self.targets[wrong[0]].sum():.0f} labels")

    def _check_scores(self) -> None:
        # nan compares false, so this also finds what is not finite
        wrong = np.argwhere(~((self.scores >= -_ROUNDING) & (self.scores <= 1 + _ROUNDING)))
        if len(wrong):
            i, c = wrong[0]
            raise ModelError(
                f"{self.clips[i]['path']}: the model's score for {self.labels[c]!r} is {self.scores[i, c]}, "
                f"expected a probability between 0 and 1 ({len(wrong)} such scores); its weights may have "
                "diverged: train with a lower rate, or take an earlier checkpoint"
            )


def _digits(score: float) -> str:
    return f"{score:.9g}"  # nine digits tell any two float32 numbers apart


def log_loss(scores: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> float:
    """The plain mean loss of probabilities: cross-entropy, or binary cross-entropy over the known targets.

    Args:
        scores: `(N, C)`.
        targets: `(N, C)`.
        known: `(N, C)` bool.
    """
    p = np.clip(scores, 1e-12, 1 - 1e-12 if multilabel else 1.0)
    if multilabel:
        terms = -(targets * np.log(p) + (1 - targets) * np.log(1 - p))
        return float(terms[known].mean()) if known.any() else float("nan")
    return float(-(targets * np.log(p)).sum(1).mean())


def refined_loss(scores: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> tuple[float, float]:
    """The log loss after the temperature that makes it least: how well clips are told apart, however sure it is said.

    An epoch that is only surer than the one before is not taken for a worse one (Berta, Holzmüller, Jordan and Bach
    2025, "Rethinking Early Stopping: Refine, Then Calibrate").

    Args:
        scores, targets, known, multilabel: as of `log_loss`.

    Returns:
        The loss, and its standard error over clips, 0 of a single one.
    """
    scored = tempered(scores, targets, known, multilabel)
    rows = losses(scored, targets, known, multilabel)
    rows = rows[np.isfinite(rows)]
    whole = log_loss(scored, targets, known, multilabel)
    return whole, float(np.std(rows, ddof=1) / math.sqrt(len(rows))) if math.isfinite(whole) and len(rows) > 1 else 0.0


def losses(scores: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> np.ndarray:
    """The log loss of each clip, `(N,)`; nan where nothing is known of it."""
    rows = zip(scores, targets, known, strict=True)
    return np.array([log_loss(s[None], t[None], k[None], multilabel) if k.any() else np.nan for s, t, k in rows])


def tempered(scores: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> np.ndarray:
    """Scores `(N, C)` after the temperature, from 1/20 to 20, that makes their log loss least; as they are if none.

    Args:
        scores, targets, known, multilabel: as of `log_loss`.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import expit, logit, softmax

    p = np.clip(scores.astype(np.float64), 1e-12, 1 - 1e-12 if multilabel else 1.0)
    logits = logit(p) if multilabel else np.log(p)

    def at(log_temperature: float) -> np.ndarray:
        scaled = logits / np.exp(log_temperature)
        return expit(scaled) if multilabel else softmax(scaled, axis=1)

    def loss(log_temperature: float) -> float:
        return log_loss(at(log_temperature), targets, known, multilabel)

    if not math.isfinite(loss(0.0)):
        return scores
    found = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    return at(found.x if found.fun < loss(0.0) else 0.0)
