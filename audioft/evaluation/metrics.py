"""The metrics, by name, each a function of predictions; numpy only.

Every metric is written for weighted clips and for R weightings at once, as a weighting is what a bootstrap
resample
is: the figure and its interval come from the same lines.

Conventions, which are scikit-learn's where it has one:

- Precision, recall and F1 of a class with nothing to divide by are 0 (`zero_division=0`), and macro means go
  over all labels of the model, so a label that is absent from the targets pulls `f1_macro` down.
- Balanced accuracy is the mean recall over the classes that occur in the targets.
- ROC AUC and average precision of a class without positives (AUC: or without negatives) are nan and are left
  out of `roc_auc` and `map`; where no class is left the mean is nan.
- What is not known of a clip counts nowhere; subset accuracy asks that all known labels be right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from audioft.core.registry import suggest
from audioft.errors import ConfigError, DataError
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.ranking import ranked
from audioft.evaluation.ratios import mean_of_defined, ratio

_over = partial(ratio, otherwise=0.0)


class Tally:
    """What the metrics count in predictions of N clips and C labels, each thing counted when first asked for.

    Args:
        predictions: what to count in.
        weights: `(R, N)`, how often each clip counts; once each, R = 1, if None.
        thresholds: C decision thresholds for multi-label, see `Predictions.decisions`.

    Raises:
        DataError: there are no clips.
    """

    def __init__(
        self,
        predictions: Predictions,
        weights: np.ndarray | None = None,
        thresholds: Sequence[float] | np.ndarray | None = None,
    ):
        if not len(predictions):
            raise DataError("no clips to evaluate: every clip was left out, or this side of the split is empty")
        self.predictions = predictions
        self.weights = np.ones((1, len(predictions))) if weights is None else np.asarray(weights, dtype=float)
        self._known = predictions.known
        self._true = predictions.targets > 0  # never where it is not known
        self._given = predictions.decisions(thresholds)
        self._thresholds = thresholds

    @cached_property
    def hits(self) -> np.ndarray:
        """`(R, C)`, clips given the label that have it."""
        return self.weights @ (self._given & self._true)

    @cached_property
    def given(self) -> np.ndarray:
        """`(R, C)`, clips given the label, of those for which it is known."""
        return self.weights @ (self._given & self._known)

    @cached_property
    def positives(self) -> np.ndarray:
        """`(R, C)`, clips that have the label."""
        return self.weights @ self._true

    @cached_property
    def once(self) -> Tally:
        """The same with every clip counted once."""
        return Tally(self.predictions, None, self._thresholds)

    @cached_property
    def precision(self) -> np.ndarray:
        return _over(self.hits, self.given)

    @cached_property
    def recall(self) -> np.ndarray:
        return _over(self.hits, self.positives)

    @cached_property
    def f1(self) -> np.ndarray:
        return _over(2 * self.hits, self.given + self.positives)

    @cached_property
    def roc_auc(self) -> np.ndarray:
        return self._rankings[0]

    @cached_property
    def average_precision(self) -> np.ndarray:
        return self._rankings[1]

    @cached_property
    def correct(self) -> np.ndarray:
        """`(R,)`, share of the clips with anything known about them of which all that is known was said."""
        counted = self._known.any(axis=1)
        return _over(self.weights @ (self.right & counted), self.weights @ counted)

    @property
    def right(self) -> np.ndarray:
        """`(N,)` bool, whether all that is known of a clip was said."""
        return ((self._given == self._true) | ~self._known).all(axis=1)

    @cached_property
    def _rankings(self) -> tuple[np.ndarray, np.ndarray]:
        p = self.predictions
        auc = np.full((len(self.weights), len(p.labels)), np.nan)
        precision = auc.copy()
        for c in range(len(p.labels)):
            k = p.known[:, c]
            if k.any():
                auc[:, c], precision[:, c] = ranked(p.scores[k, c], p.targets[k, c], self.weights[:, k])
        return auc, precision


@dataclass(frozen=True)
class Metric:
    """One figure for a set of predictions.

    Args:
        name: what configs, tables and `metrics.jsonl` call it.
        of: Tally -> `(R,)` float64.
        counts: Tally -> `(1, K)`, of how many clips each of the K shares is that it is the mean of; 0 if left out.
        single, multi: whether it is defined for one label a clip, and for several.
        higher_is_better: which of two models it prefers.
        all_labels: whether labels count as 0 in it that no clip has or, but for recall, gets.
    """

    name: str
    of: Callable[[Tally], np.ndarray]
    counts: Callable[[Tally], np.ndarray]
    single: bool = True
    multi: bool = True
    higher_is_better: bool = True
    all_labels: bool = False

    def __call__(self, predictions: Predictions, thresholds: Sequence[float] | np.ndarray | None = None) -> float:
        return float(self.of(Tally(predictions, thresholds=thresholds))[0])

    def size(self, tally: Tally) -> float:
        """How many clips it rests on, at most all: K shares of n_k clips vary as one of K² / sum(1 / n_k)."""
        counts = self.counts(tally.once)[0]
        counts = counts[counts > 0]
        return min(float(len(counts) ** 2 / (1 / counts).sum()), len(tally.predictions)) if len(counts) else 0.0

    def unseen(self, tally: Tally) -> float:
        """The share of labels of which nothing is known and that count as 0 in it."""
        return float((self.counts(tally.once)[0] == 0).mean()) if self.all_labels else 0.0

    def fits(self, multilabel: bool) -> bool:
        return self.multi if multilabel else self.single


METRICS: dict[str, Metric] = {}


def rises(name: str | None) -> bool:
    """Whether more of a figure is better; losses, which are no metrics, fall."""
    return name in METRICS and METRICS[name].higher_is_better


def metric(name: str, multilabel: bool) -> Metric:
    """The metric of that name, if it is defined for this kind of data.

    Raises:
        ConfigError: no such metric, or one of the other kind; the message names those that fit.

    >>> metric("accuracy", multilabel=False).higher_is_better
    True
    """
    fitting = [m.name for m in METRICS.values() if m.fits(multilabel)]
    if name not in METRICS:
        raise ConfigError(f"unknown metric {name!r}{suggest(name, fitting)}")
    if name not in fitting:
        kind = "several labels" if multilabel else "one label"
        raise ConfigError(f"metric {name!r} is not defined for {kind} a clip; take one of {', '.join(fitting)}")
    return METRICS[name]


def compute(predictions: Predictions, thresholds: Sequence[float] | np.ndarray | None = None) -> dict[str, float]:
    """Every metric that is defined for these predictions, by name.

    Args:
        predictions: what to measure.
        thresholds: C decision thresholds for multi-label; 0.5 each if None.

    Returns:
        Numbers between 0 and 1; nan where there is nothing to measure.

    Raises:
        DataError: there are no clips.
    """
    tally = Tally(predictions, thresholds=thresholds)
    return {m.name: float(m.of(tally)[0]) for m in METRICS.values() if m.fits(predictions.multilabel)}


def per_class(
    predictions: Predictions, thresholds: Sequence[float] | np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """For each label `precision`, `recall`, `f1`, `roc_auc`, `average_precision`, and counts of clips:
    `support` (that have it), `predicted` (that were given it) and `known` (for which it is known); `(C,)`
    each.
    """
    t = Tally(predictions, thresholds=thresholds)
    columns = {k: getattr(t, k)[0] for k in ("precision", "recall", "f1", "roc_auc", "average_precision")}
    counts = {"support": t.positives[0], "predicted": t.given[0], "known": predictions.known.sum(axis=0)}
    return {**columns, **{k: v.astype(int) for k, v in counts.items()}}


def confusion(predictions: Predictions) -> np.ndarray:
    """Clips by true label (row) and given label (column), `(C, C)` int; single-label only."""
    if predictions.multilabel:
        raise ValueError("a confusion matrix needs exactly one label a clip")
    return (predictions.targets.T @ predictions.decisions()).astype(int)


def _balanced_accuracy(t: Tally) -> np.ndarray:
    return mean_of_defined(np.where(t.positives > 0, t.recall, np.nan))


def _weighted(name: str) -> Callable[[Tally], np.ndarray]:
    return lambda t: _over((getattr(t, name) * t.positives).sum(axis=1), t.positives.sum(axis=1))


def _macro(name: str) -> Callable[[Tally], np.ndarray]:
    """The mean over the labels, a label that no clip has or gets counting as 0, as in scikit-learn.

    A label that is only missing from a resample has no figure in it and is left out there: counted as 0 it would draw
    the interval of even a perfect model down.
    """

    def of(t: Tally) -> np.ndarray:
        seen = t.positives if name == "recall" else t.positives + t.given
        once = t.once.positives if name == "recall" else t.once.positives + t.once.given
        return mean_of_defined(np.where((seen == 0) & (once > 0), np.nan, getattr(t, name)))

    return of


def _total(counts: Callable[[Tally], np.ndarray]) -> Callable[[Tally], np.ndarray]:
    return lambda t: counts(t).sum(axis=1, keepdims=True)


def _either(t: Tally) -> np.ndarray:
    """`(R, C)`, what F1 divides by: half of the clips that have the label and of those given it."""
    return (t.positives + t.given) / 2


def _positives(t: Tally) -> np.ndarray:
    return t.positives


def _given(t: Tally) -> np.ndarray:
    return t.given


def _clips(t: Tally) -> np.ndarray:
    return t.weights @ t.predictions.known.any(axis=1, keepdims=True)


def _rarer(t: Tally) -> np.ndarray:
    """`(R, C)`, the fewer of the clips with a label and without it: AUC varies no more than a share of so many."""
    return np.minimum(t.positives, t.weights @ t.predictions.known - t.positives)


METRICS |= {
    m.name: m
    for m in (
        Metric("accuracy", lambda t: t.correct, _clips, multi=False),
        Metric("subset_accuracy", lambda t: t.correct, _clips, single=False),
        Metric("balanced_accuracy", _balanced_accuracy, _positives, multi=False),
        *(
            mean
            for name, counts in (("precision", _either), ("recall", _positives), ("f1", _either))
            for mean in (
                Metric(f"{name}_macro", _macro(name), counts, all_labels=True),
                Metric(f"{name}_weighted", _weighted(name), _total(_positives)),
            )
        ),
        Metric("precision_micro", lambda t: _over(t.hits.sum(axis=1), t.given.sum(axis=1)), _total(_given)),
        Metric("recall_micro", lambda t: _over(t.hits.sum(axis=1), t.positives.sum(axis=1)), _total(_positives)),
        Metric(
            "f1_micro",
            lambda t: _over(2 * t.hits.sum(axis=1), (t.given + t.positives).sum(axis=1)),
            _total(_either),
        ),
        Metric("roc_auc", lambda t: mean_of_defined(t.roc_auc), _rarer),
        Metric("map", lambda t: mean_of_defined(t.average_precision), _positives),
    )
}
