"""How well a system tells whether two recordings are of one speaker.

A trial is a pair of recordings, a target where both are of the same speaker. A system accepts a trial whose score
reaches a threshold; it misses a share of the targets and lets a share of the others pass (false alarms).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audioft.core.runtime import generator
from audioft.core.wording import counted
from audioft.errors import DataError
from audioft.evaluation.caution import caution, in_lines
from audioft.evaluation.effective_size import NONE, Basis, of_draws
from audioft.evaluation.intervals import Estimate, multiplicities

#: Shares of targets at which costs are told: of NIST's evaluations since 2010, and of VoxSRC.
PRIORS = (0.01, 0.05)


@dataclass(frozen=True)
class Rates:
    """Errors at every threshold at which they change.

    Attributes:
        scores: `(K,)`, all different scores, ascending; at the threshold `scores[k]` this score is still accepted.
        misses: `(K + 1,)`, the share of targets refused at each of them, and at last (1) where nothing is accepted.
        false_alarms: `(K + 1,)`, the share of the others accepted, from 1 down to 0.
    """

    scores: np.ndarray
    misses: np.ndarray
    false_alarms: np.ndarray

    def eer(self) -> tuple[float, float]:
        """The equal error rate, and a threshold at that point.

        Where the two curves cross between two thresholds, both are taken as straight lines there: what `brentq` on
        `interp1d` of scikit-learn's ROC curve finds, and NIST's scoring tools since the MSR Identity Toolbox
        (Sadjadi et al. 2013). It lies above the EER of the ROC's convex hull.
        """
        apart = self.misses - self.false_alarms
        if not np.isfinite(apart).all():
            return np.nan, np.nan
        after = int(np.argmax(apart >= 0))  # the first is -1, the last is 1
        share = -apart[after - 1] / (apart[after] - apart[after - 1])
        value = self.misses[after - 1] + share * (self.misses[after] - self.misses[after - 1])
        return float(value), self.threshold(after if share > 0.5 else after - 1)

    def min_dcf(self, prior: float) -> tuple[float, float]:
        """The lowest detection cost over all thresholds, and the threshold that has it.

        The cost is `prior * misses + (1 - prior) * false alarms` (a miss and a false alarm cost 1 each), divided by
        what is reached without listening, `min(prior, 1 - prior)` (NIST SRE 2016 evaluation plan, sec. 3.1).

        Args:
            prior: the share of targets among the trials of the application, above 0 and below 1.
        """
        costs = (prior * self.misses + (1 - prior) * self.false_alarms) / min(prior, 1 - prior)
        if not np.isfinite(costs).all():
            return np.nan, np.nan
        best = int(np.argmin(costs))
        return float(costs[best]), self.threshold(best)

    def threshold(self, place: int) -> float:
        """A threshold with the errors at `place`: halfway down to the next lower score."""
        if place == len(self.scores):
            return float(np.nextafter(self.scores[-1], np.inf))
        if place == 0:
            return float(self.scores[0])
        middle_of = (self.scores[place - 1] + self.scores[place]) / 2
        return float(middle_of if middle_of > self.scores[place - 1] else self.scores[place])


class Sorted:
    """Trials by their scores, so that errors can be counted again and again with other weights."""

    def __init__(self, scores: np.ndarray, target: np.ndarray):
        scores = np.asarray(scores, np.float64)
        if not np.isfinite(scores).all():
            raise ValueError("some scores are not finite")
        self.order = np.argsort(scores, kind="stable")
        self.scores, self.first = np.unique(scores[self.order], return_index=True)
        self.target = np.asarray(target, bool)[self.order]

    def rates(self, weights: np.ndarray | None = None) -> Rates:
        """Errors, each trial counted as often as `weights` `(T,)` says; nan where no target (or other) is left."""
        of = np.ones(len(self.order)) if weights is None else weights[self.order]
        with np.errstate(invalid="ignore", divide="ignore"):
            missed, refused = (self._below(of * side) for side in (self.target, ~self.target))
        return Rates(self.scores, missed, 1 - refused)

    def _below(self, weights: np.ndarray) -> np.ndarray:
        """`(K + 1,)`, the share of the weights that lies below each score."""
        upto = np.cumsum(np.add.reduceat(weights, self.first))
        return np.concatenate([[0.0], upto]) / upto[-1]


def rates(scores: np.ndarray, target: np.ndarray) -> Rates:
    """Errors of `(T,)` scores of trials, of which `target` `(T,)` says whether they are of one speaker.

    >>> found = rates(np.array([0.9, 0.6, 0.7, 0.1]), np.array([True, True, False, False]))
    >>> found.eer()[0], found.min_dcf(0.01)[0]
    (0.5, 0.5)

    Raises:
        DataError: there are no targets, or nothing but targets.
    """
    target = np.asarray(target, bool)
    if target.all() or not target.any():
        which = "different" if target.all() else "the same"
        raise DataError(f"the {len(target)} trials hold no pair of {which} speaker{'s' * bool(target.all())}")
    return Sorted(scores, target).rates()


@dataclass(frozen=True)
class Verification:
    """How well trials were told apart.

    Attributes:
        trials, targets, speakers: how many.
        eer: share.
        min_dcf: by prior, see `PRIORS`.
        threshold: at the EER.
        thresholds: by prior, at the lowest cost.
        normalised: whether the scores are normalised by a cohort.
        by_session: the EER of targets of the same session and of different ones (`same`, `different`), each with all
            trials that are no targets; empty where sessions are not known.
    """

    trials: int
    targets: int
    speakers: int
    eer: Estimate
    min_dcf: dict[float, Estimate]
    threshold: float
    thresholds: dict[float, float]
    normalised: bool = False
    by_session: dict[str, tuple[int, Estimate]] = field(default_factory=dict)

    def at(self, prior: float | None) -> float:
        """The threshold for a share of targets, or at the EER."""
        return self.threshold if prior is None else self.thresholds[prior]

    def __str__(self) -> str:
        lines = [
            *([in_lines(self.caution)] if self.caution else []),
            f"trials       {self.trials:,}: {self.targets:,} of the same speaker; {self.speakers:,} speakers",
            f"scores       {'cosine, normalised by a cohort (as-norm)' if self.normalised else 'cosine'}",
            f"EER          {_percent(self.eer)}, at the threshold {self.threshold:.4f}",
        ]
        for name, (count, found) in self.by_session.items():
            lines.append(f"  {name + ' session':<18} {_percent(found)}, {count:,} pairs of the same speaker")
        for prior, found in self.min_dcf.items():
            figures = f"{found.value:.4f}{_interval(found, '.4f')}"
            lines.append(f"minDCF {prior:<5g} {figures}, at the threshold {self.thresholds[prior]:.4f}")
        return "\n".join(lines)

    @property
    def caution(self) -> str:
        """That these are too few speakers to say much, in words; empty where they are not."""
        tested = counted(self.speakers, "speaker")
        return caution("EER", self.eer, tested, self.speakers, "speaker", shown=lambda x: f"{round(100 * x, 1):g} %")

    def as_dict(self) -> dict[str, Any]:
        """What a model card keeps, plain."""
        return {"eer": self.eer.value, "min_dcf": {f"{p:g}": e.value for p, e in self.min_dcf.items()}}


def measure(
    scores: np.ndarray,
    target: np.ndarray,
    speakers: tuple[Sequence[str], Sequence[str]],
    *,
    same_session: Sequence[bool | None] | None = None,
    priors: Sequence[float] = PRIORS,
    normalised: bool = False,
    resamples: int = 1000,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Measure scores of trials.

    The 95 % intervals come from drawing speakers anew, not trials: the trials of one speaker fail together, and a
    thousand speakers' million trials are no million pieces of evidence. As many speakers are drawn, with
    replacement, as there are; a pair of one speaker counts as often as that speaker was drawn, and a pair of two as
    often as the one times as often as the other, since each copy of the one meets each copy of the other (the vertex
    bootstrap of Snijders and Borgatti, "Non-Parametric Standard Errors and Tests for Network Statistics", 1999; that
    copies of one speaker would meet as different speakers is left out). A draw without targets, or with nothing else,
    is left out. How the figures vary is made into intervals by `evaluation.effective_size`: an EER of 0 has one, too.

    Args:
        scores: `(T,)`, higher where more alike.
        target: `(T,)` bool, of one speaker.
        speakers: `(T,)` names each, of the first recording of every trial and of the second.
        same_session: `(T,)`, None where it is not known.
        priors: for `min_dcf`.
        normalised: told in the result.
        resamples: draws; 0 for no intervals.
        seed: of the draws.
        progress: told how many draws are done.

    Raises:
        DataError: there are no targets, or nothing but targets.
    """
    target = np.asarray(target, bool)
    whole = rates(scores, target)
    subsets = {"": np.ones(len(target), bool)}
    if same_session is not None and any(s is not None for s, t in zip(same_session, target, strict=True) if t):
        for name, said in (("same", True), ("different", False)):
            inside = np.array([s is said for s in same_session])
            if (inside & target).any():
                subsets[name] = inside | ~target
    ordered = {name: Sorted(np.asarray(scores)[of], target[of]) for name, of in subsets.items()}
    drawn: dict[Any, list[float]] = {key: [] for key in (*ordered, *priors)}
    _, codes = np.unique(np.concatenate([np.asarray(s, str) for s in speakers]), return_inverse=True)
    first, second = codes[: len(target)], codes[len(target) :]
    count = int(codes.max()) + 1
    random = generator("speakers", seed)
    for done in range(resamples if count > 1 else 0):
        often = multiplicities(random, 1, count)[0]
        weights = np.where(first == second, often[first], often[first] * often[second])
        for name, trials in ordered.items():
            found = trials.rates(weights[subsets[name]])
            drawn[name].append(found.eer()[0])
            if not name:
                for p in priors:
                    drawn[p].append(found.min_dcf(p)[0])
        if progress is not None:
            progress(done + 1)

    def estimate(key: Any, value: float, prior: float = 0.5, of: np.ndarray = subsets[""]) -> Estimate:
        if not drawn[key]:
            return Estimate(value, *NONE)
        own, others = np.bincount(first[target & of], minlength=count), (~target & of).sum()
        # a false alarm costs as much as so many misses
        basis = Basis(min(float(own.sum()), float(others) * prior / (1 - prior)), own)
        return Estimate(value, *of_draws(value, np.array(drawn[key], np.float64), basis))

    return Verification(
        trials=len(target),
        targets=int(target.sum()),
        speakers=count,
        eer=estimate("", whole.eer()[0]),
        min_dcf={p: estimate(p, whole.min_dcf(p)[0], p) for p in priors},
        threshold=whole.eer()[1],
        thresholds={p: whole.min_dcf(p)[1] for p in priors},
        normalised=normalised,
        by_session={
            name: (int((subsets[name] & target).sum()), estimate(name, trials.rates().eer()[0], of=subsets[name]))
            for name, trials in ordered.items()
            if name
        },
    )


def _interval(found: Estimate, form: str, scale: float = 1) -> str:
    return f" ({scale * found.low:{form}} to {scale * found.high:{form}})" if np.isfinite(found.low) else ""


def _percent(found: Estimate) -> str:
    return f"{100 * found.value:.2f} %{_interval(found, '.2f', 100)}"
