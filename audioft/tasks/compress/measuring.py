"""A model beside the original: what it costs, how good it is, and how far they agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly import side_scores
from audioft.assembly.side_scores import Scoring
from audioft.audio.sounds import Sound
from audioft.core.runtime import one_thread
from audioft.errors import DataError
from audioft.evaluation import metrics
from audioft.evaluation.intervals import Estimate, bootstrap
from audioft.evaluation.paired import gaps
from audioft.evaluation.predictions import Predictions
from audioft.inference import cost
from audioft.inference.predictor import Predictor
from audioft.tasks.compress.work import Work


@dataclass(frozen=True)
class Row:
    """A model as it was measured.

    Attributes:
        name: what was done to it, as `prune 1 + quantise`.
        said: the same in more words.
        size: bytes of its folder.
        seconds: of a processor for a minute of sound, by the original's and `speed`; nan where it was not measured.
        speed: how many times as fast as the original, in the same rounds.
        peak: bytes of memory that opening it and scoring takes; None where it cannot be told.
        score: on the side that decides.
        change: the score less the original's, with the interval of the pair.
        agree: the share of clips that both give the same labels.
        apart: the mean difference of probabilities.
        about: what its steps say for `audioft.json`.
    """

    name: str
    said: tuple[str, ...]
    size: int
    seconds: float
    speed: float
    peak: int | None
    score: Estimate
    change: Estimate
    agree: float
    apart: float
    about: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Row:
        """As `told` gave it, numbers that are not finite having become None.

        Raises:
            TypeError: it is none.
        """
        numbers = {k: _number(told[k]) for k in ("seconds", "speed", "agree", "apart")}
        pairs = {
            k: Estimate(*(_number(told[k][name]) for name in ("value", "low", "high"))) for k in ("score", "change")
        }
        return cls(**{**told, **numbers, **pairs, "said": tuple(told["said"])})


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


class Measuring:
    """Measures models beside the original, whose scores are computed once.

    Args:
        work: what is compressed.
        rounds: in which a model and the original are timed in turn; 0 measures neither time nor memory.
    """

    def __init__(self, work: Work, rounds: int):
        self.work, self.rounds = work, rounds
        self._said: dict[str, Predictions] = {}
        self._seconds: float | None = None  # of the original, for a minute
        self.sounds: tuple[Sound, ...] = (
            cost.some_sounds([work.data.manifest.clips[i] for i in work.rows]) if rounds else ()
        )

    def original(self, side: str | None = None) -> Predictions:
        """What the original says of a side; of that which decides if none is given."""
        side = side or self.work.side
        if side not in self._said:
            self._said[side] = self.said_by(self.work.original, side)
        return self._said[side]

    def said_by(self, predictor: Predictor, side: str) -> Predictions:
        """What a model says of a side."""
        data, work = self.work.data, self.work
        how = Scoring(work.multilabel, predictor.window, console=work.console)
        index, labels = work.rows if side == work.side else data.side(side), data.manifest.labels
        clips = [data.manifest.clips[i] for i in index]
        found = side_scores.score_clips(predictor.scoring, clips, data.targets[index], data.known[index], labels, how)
        if found.failures:
            raise DataError(f"{found.failures[0][0].key} could be read before, and cannot now: {found.failures[0][1]}")
        return found.predictions

    def of(self, place: Path) -> Predictor:
        """The model in a folder."""
        return self.work.original if place == self.work.original.folder else Predictor(place, device="cpu")

    def row(self, name: str, said: tuple[str, ...], place: Path, about: Mapping[str, Any] | None = None) -> Row:
        """The figures of the model in a folder."""
        predictor = self.of(place)
        found = self.said_by(predictor, self.work.side)
        seconds, speed, peak = self._cost(predictor)
        score, change = self.scores(found, self.work.side)
        agree, apart = self.agreement(found, self.original())
        size = cost.size_of(place)
        return Row(name, said, size, seconds, speed, peak, score, change, agree, apart, dict(about or {}))

    def scores(self, found: Predictions, side: str) -> tuple[Estimate, Estimate]:
        """The score of what a model says, and what it is more than the original's."""
        limits, main, seed = self.work.card.thresholds, self.work.metric, self.work.parts.config.seed
        low, high = bootstrap(found, [main], limits, seed=seed)[main]
        score = Estimate(float(metrics.METRICS[main](found, limits)), low, high)
        (gap,) = gaps.gaps([self.original(side), found], [limits, limits], main, seed=seed)
        return score, gap.change

    def agreement(self, found: Predictions, before: Predictions) -> tuple[float, float]:
        """The share of clips with the same labels, and the mean difference of probabilities."""
        limits = self.work.card.thresholds
        same = (found.decisions(limits) == before.decisions(limits)).all(1)
        return float(same.mean()), float(np.abs(found.scores - before.scores).mean())

    def _cost(self, predictor: Predictor) -> tuple[float, float, int | None]:
        """Seconds for a minute of sound, how many times as fast as the original, and memory."""
        if not self.sounds:
            return math.nan, math.nan, None
        original, minutes = self.work.original, sum(len(s.samples) / s.rate for s in self.sounds) / 60
        models = [original] if predictor is original else [original, predictor]
        with one_thread():  # threads that wait for one another count as work
            times = np.array(cost.timed(models, self.sounds, self.rounds, lambda done: None))
        order = cost.Order(predictor.folder, "cpu", "fp32", None, self.sounds)
        speed = float(np.median(times[0] / times[-1]))
        if self._seconds is None:
            self._seconds = float(np.median(times[0])) / minutes
        return self._seconds / speed, speed, cost.peak_of(order)
