"""Models on the same clips: the steps behind `audioft.compare`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly.reading import Reading
from audioft.core.progress import Console
from audioft.core.wording import counted
from audioft.errors import DataError
from audioft.evaluation import metrics
from audioft.evaluation.calibration import figures
from audioft.evaluation.caution import caution
from audioft.evaluation.intervals import Estimate, bootstrap, units
from audioft.evaluation.paired import folds, gaps
from audioft.evaluation.paired.gaps import FOLDS, Gap
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.text import TITLES
from audioft.inference import cost
from audioft.tasks.compare import candidates, robustness, scores, shared_clips
from audioft.tasks.compare.candidates import Candidate
from audioft.tasks.compare.comparison import Comparison
from audioft.tasks.compare.robustness import Robustness
from audioft.tasks.compare.row import Row
from audioft.tasks.compare.shared_clips import SharedClips


@dataclass(frozen=True, eq=False)
class ComparisonRun:
    """What is compared, and how; see `audioft.compare`.

    Attributes:
        found: the models.
        out: where results go; None for nowhere.
        metric: the score; None for the usual one.
        rounds: how often times are taken; 0 for never.
        resamples, seed: of the bootstrap.
        console: where messages go.
    """

    found: Sequence[Candidate]
    out: Path | None
    metric: str | None
    rounds: int
    resamples: int
    seed: int
    console: Console

    def on(self, data: Path, how: Reading, side: str | None) -> Comparison:
        """The comparison on data, read in this way."""
        several = self.found[0].predictor.card.multilabel
        main = metrics.metric(self.metric or ("map" if several else "accuracy"), several).name
        labels, notes = candidates.labels(self.found)
        clips = shared_clips.read(self.found, data, how, side, self.console)
        predicted, reused, clips, more = self._predicted(clips, labels)
        limits = [self._limits(c, labels) for c in self.found]
        measured = [self._score(p, main, own) for p, own in zip(predicted, limits, strict=True)]
        if not all(math.isfinite(score.value) for score in measured):
            raise DataError(
                f"{TITLES.get(main, main)} cannot be measured on these clips, as none has a label that others lack; "
                "give others, or another --metric"
            )
        pairs = gaps.gaps(predicted, limits, main, self.resamples, self.seed)
        pairs = self._over_folds(pairs, predicted, clips, main)
        cards = [robustness.of(c) for c in self.found]
        rows = self._rows(predicted, measured, clips, cards, reused)
        unit, member = units(predicted[0])
        groups = int(member.max()) + 1
        told = counted(len(clips.clips), "clip") + (f" in {counted(groups, 'group')}" if unit == "groups" else "")
        support = [n for n in (predicted[0].targets > 0).sum(0).tolist() if n]
        best = max(measured, key=lambda e: e.value)
        return Comparison(
            rows=tuple(rows),
            gaps=tuple(pairs),
            metric=main,
            about={"data": str(data), "side": clips.side, "seed": self.seed, **self._clock()},
            counted=told,
            clips=len(clips.clips),
            groups=groups,
            caution=caution(TITLES.get(main, main), best, told, groups, unit.removesuffix("s"), support),
            notes=(*notes, *clips.notes, *more, *robustness.notes(cards)),
        )

    def _rows(
        self,
        predicted: Sequence[Predictions],
        measured: Sequence[Estimate],
        clips: SharedClips,
        cards: Sequence[Robustness | None],
        reused: Sequence[int],
    ) -> list[Row]:
        """The figures of each model, and what it costs."""
        took = cost.costs([c.predictor for c in self.found], clips.clips, self.rounds, self.console)
        names = candidates.called([c.name for c in self.found])
        return [
            Row(
                name=c.name,
                score=measured[k],
                roc_auc=float(metrics.METRICS["roc_auc"](predicted[k])),
                calibration=figures.measure(predicted[k]),
                cost=took[k],
                robustness=cards[k],
                reused=reused[k],
                models=len(c.members),
                trained_on=c.name in clips.trained_on,
                called=names[k],
            )
            for k, c in enumerate(self.found)
        ]

    def _predicted(
        self, clips: SharedClips, labels: tuple[str, ...]
    ) -> tuple[list[Predictions], list[int], SharedClips, list[str]]:
        """What each model says of the clips that all of them could score, of how many that was kept, and notes."""
        each, reused = [], []
        for c, fold in zip(self.found, clips.folds, strict=True):
            if len(self.found) > 1:
                self.console.say(f"scoring with {c.name}")
            found = np.full((len(clips.clips), len(c.predictor.labels)), np.nan)
            kept = 0
            for number, p in enumerate(c.members):
                mine = np.ones(len(found), bool) if fold is None else fold == number
                if mine.any():
                    given = p.folder.parent if c.folds else Path(c.name)
                    own = scores.of(p, given, clips.only(mine), self.out, self.console)
                    found[mine], kept = own.scores, kept + own.reused
            each.append(found)
            reused.append(kept)
        good = np.all([np.isfinite(s).all(1) for s in each], axis=0)
        if not good.any():
            raise DataError(f"none of the {len(good)} clips could be scored by all models")
        lost = int((~good).sum())
        notes = [f"{counted(lost, 'clip')} could not be scored by every model and are left out"] if lost else []
        several, clips = self.found[0].predictor.card.multilabel, clips.only(good)
        predicted = [
            scores.predictions(clips.clips, s[good], c.predictor.labels, labels, several, clips.multilabel)
            for c, s in zip(self.found, each, strict=True)
        ]
        return predicted, reused, clips, notes

    def _limits(self, candidate: Candidate, labels: tuple[str, ...]) -> Any:
        if not candidate.predictor.card.multilabel:
            return None
        return scores.limits(candidate.predictor.labels, candidate.thresholds, labels)

    def _score(self, found: Predictions, main: str, limits: Any) -> Estimate:
        low, high = bootstrap(found, [main], limits, self.resamples, self.seed)[main]
        return Estimate(float(metrics.METRICS[main](found, limits)), low, high)

    def _clock(self) -> dict[str, str]:
        device = next(self.found[0].predictor.model.parameters()).device
        return {"device": str(device), "clock": "s of the clock" if device.type == "cuda" else "s of a processor"}

    def _over_folds(
        self, pairs: list[Gap], predicted: Sequence[Predictions], clips: SharedClips, main: str
    ) -> list[Gap]:
        """Pairs of which both are several models of the same folds, compared fold by fold."""
        found = []
        for pair in pairs:
            a, b = clips.folds[pair.first], clips.folds[pair.second]
            learnt = [clips.learnt[k] or 0.0 for k in (pair.first, pair.second)]
            if a is not None and b is not None and min(learnt) > 0 and _same_folds(a, b):
                parts = [np.flatnonzero(a == k) for k in np.unique(a)]
                two = [predicted[k] for k in (pair.first, pair.second)]
                limits = [self._limits(self.found[k], two[0].labels) for k in (pair.first, pair.second)]
                one, other = (
                    np.array([metrics.METRICS[main](_part(p, rows), own) for rows in parts])
                    for p, own in zip(two, limits, strict=True)
                )
                own = folds.corrected(other - one, float(np.mean(learnt)), len(a) / len(parts))
                change = Estimate(own.change, own.low, own.high)
                pair = dataclasses.replace(pair, change=change, test=FOLDS, p=own.p)
            found.append(pair)
        return gaps.holm(found)


def _same_folds(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two divisions of the clips, `(N,)` int each, are the same but for the numbers."""
    return len(np.unique(np.stack([a, b]), axis=1).T) == len(np.unique(a)) == len(np.unique(b)) > 1


def _part(found: Predictions, rows: np.ndarray) -> Predictions:
    clips = [found.clips[i] for i in rows.tolist()]
    cut = {name: getattr(found, name)[rows] for name in ("scores", "targets", "known")}
    return dataclasses.replace(found, clips=clips, **cut)
