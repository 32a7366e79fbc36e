"""Whether an exported model says what the model says that it was made of."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly import kept_sides, labelled_clips, reading, side_scores
from audioft.audio.sounds import Sound
from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.core.runtime import generator
from audioft.core.wording import counted
from audioft.data import targets as labelling
from audioft.data.windowed import clip_windows
from audioft.evaluation.intervals import Estimate, bootstrap
from audioft.evaluation.metrics import METRICS
from audioft.evaluation.paired import gaps
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.text import TITLES
from audioft.inference.listening import listening
from audioft.inference.predictor import Predictor
from audioft.tasks.export.asked import Measuring

SAME = 0.99  #: share of the labels that int8 gives alike, at least
LOST = 0.01  #: of the score, at most; the upper end of the paired interval
CLOSE = 1e-4  #: how far scores in float32 may be apart
NOISES = (0.11, 0.4, 1.0, 1.7, 2.9)  # seconds of what is heard where there are no clips


@dataclass(frozen=True)
class Agreement:
    """How alike two models are on the same clips.

    Attributes:
        clips: how many.
        labels: share of labels given alike: the best one, where there is one; of frames, of each.
        largest: by how much a score differs at most.
        metric: which score; None where none was taken, of models of frames and of clips without labels.
        score, other: of the one and of the other.
        change: the second less the first.
        low, high: its paired 95 % interval.
    """

    clips: int
    labels: float
    largest: float
    metric: str | None = None
    score: float | None = None
    other: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def told(self) -> dict[str, Any]:
        """As the file says it, without what is not known."""
        found: dict[str, Any] = {"agreement": {"clips": self.clips, "labels": self.labels, "largest": self.largest}}
        if self.change is not None:
            found["score"] = {"metric": self.metric, "value": self.other, "of_the_model": self.score}
            found["change"] = {"value": self.change, "low": self.low, "high": self.high}
        return found

    @property
    def wrong(self) -> str | None:
        """Why it is too little for int8; None where it is enough."""
        if self.labels < SAME:
            return f"{100 * self.labels:.1f} % of the labels are alike, at least {100 * SAME:.0f} % must be"
        if self.low is not None and not -self.low <= LOST:
            few = "; with fewer than 200 clips it cannot be less" if self.clips < 200 else ""
            name = TITLES.get(str(self.metric), self.metric)
            return (
                f"{name} may be {-100 * self.low:.1f} points lower (upper end of the paired interval), and "
                f"{100 * LOST:.0f} is the most{few}"
            )
        return None

    def __str__(self) -> str:
        text = f"{100 * self.labels:.1f} % of the labels alike on {counted(self.clips, 'clip')}"
        if self.change is None or self.low is None or self.high is None:
            return f"{text}, scores at most {self.largest:.1e} apart"
        name = TITLES.get(str(self.metric), self.metric)
        change = f"{100 * self.change:+.1f} points, {100 * self.low:+.1f} to {100 * self.high:+.1f}"
        return f"{text}, {name} {self.score:.3f} and {self.other:.3f} ({change})"


class Reference:
    """What a model says of clips, with which others are compared.

    Args:
        predictor: the model.
        clips: a `Clip` each, with its labels if `labelled`, or a `Sound`.
        several: whether the clips may have several labels.
        console: where progress goes.
    """

    def __init__(self, predictor: Predictor, clips: list[Any], labelled: bool, several: bool, console: Console):
        self.predictor, self.clips, self.labelled, self.several = predictor, clips, labelled, several
        self.console = console
        self.scores = self._of(predictor, "scoring")

    def compared(self, other: Predictor) -> Agreement:
        """How alike another model is, with the same labels in the same order."""
        theirs = self._of(other, "comparing")
        both = [(a, b) for a, b in zip(self.scores, theirs, strict=True) if a is not None and b is not None]
        ours, others = (np.concatenate([pair[i] for pair in both]) for i in (0, 1))
        limits = np.array(self.predictor.card.thresholds or [0.5] * ours.shape[1])
        if self.predictor.card.multilabel:
            same = (ours >= limits) == (others >= limits)
        else:
            same = ours.argmax(1) == others.argmax(1)
        found = Agreement(len(both), float(same.mean()), float(np.abs(ours - others).max()))
        if not self.labelled or self.predictor.labeller.frame_level:
            return found
        kept = [a is not None and b is not None for a, b in zip(self.scores, theirs, strict=True)]
        return self._scored(found, ours, others, [c for c, good in zip(self.clips, kept, strict=True) if good])

    @property
    def score(self) -> Estimate | None:
        """The model's own score with its interval; None where none is taken."""
        kept = [i for i, own in enumerate(self.scores) if own is not None]
        if not self.labelled or self.predictor.labeller.frame_level or not kept:
            return None
        scores = np.concatenate([own for own in self.scores if own is not None])
        found = self._predictions(scores, [self.clips[i] for i in kept])
        low, high = bootstrap(found, [self.metric], self.limits, 1000, 0)[self.metric]
        return Estimate(float(METRICS[self.metric](found, self.limits)), low, high)

    @property
    def metric(self) -> str:
        """Which score it is."""
        return "map" if self.predictor.card.multilabel else "accuracy"

    @property
    def limits(self) -> list[float] | None:
        """The thresholds of the labels."""
        return list(self.predictor.card.thresholds) if self.predictor.card.thresholds else None

    def distance(self, other: Predictor) -> float:
        """The mean difference of a score of another model."""
        pairs = zip(self.scores, self._of(other, ""), strict=True)
        return float(np.mean([np.abs(a - b).mean() for a, b in pairs if a is not None and b is not None]))

    def few(self, count: int) -> Reference:
        """The same of some of the clips, spread over all of them."""
        count = min(count, len(self.clips))
        chosen = np.linspace(0, len(self.clips) - 1, count).round().astype(int).tolist()
        found = copy.copy(self)
        found.clips, found.scores = [self.clips[i] for i in chosen], [self.scores[i] for i in chosen]
        found.console = Console(quiet=True)
        return found

    def _scored(self, found: Agreement, ours: np.ndarray, others: np.ndarray, clips: list[Any]) -> Agreement:
        each = [self._predictions(own, clips) for own in (ours, others)]
        metric = self.metric
        (gap,) = gaps.gaps(each, [self.limits] * 2, metric)
        first, change = float(METRICS[metric](each[0], self.limits)), gap.change
        return replace(
            found,
            metric=metric,
            score=first,
            other=first + change.value,
            change=change.value,
            low=change.low,
            high=change.high,
        )

    def _predictions(self, scores: np.ndarray, clips: list[Any]) -> Predictions:
        card = self.predictor.card
        wanted, known = labelling.targets(clips, card.labels, self.several)
        return Predictions(card.labels, card.multilabel, scores, wanted, known, side_scores.Descriptions(clips))

    def _of(self, model: Predictor, doing: str) -> list[np.ndarray | None]:
        """Of each clip its scores, `(1, C)` or of frames `(F, C)`; None where it could not be heard."""
        found: list[np.ndarray | None] = [None] * len(self.clips)
        heard = [] if self.console.quiet else self.clips
        with listening(self.console, doing, heard, checked=True) as progress:
            if model.labeller.frame_level:
                for i, rows in self._frames(model):
                    found[i] = rows
            else:
                for one in model.scores(self.clips, progress):
                    found[one.index] = None if one.scores is None else one.scores[None]
        return found

    def _frames(self, model: Predictor) -> Iterator[tuple[int, np.ndarray]]:
        own = model.labeller
        windows = (clip_windows(clip, own.prepare, model.window, dead=False) for clip in self.clips)
        held: list[np.ndarray] = []
        for one in own.scores(windows):
            if one.scores is not None:
                held.append(one.scores)
            if one.last and held:
                yield one.index, np.concatenate(held)
                held = []


def reference(predictor: Predictor, model: PathLike, how: Measuring, console: Console) -> Reference | None:
    """What the model says of the clips that it is to be measured on; None where there are none."""
    chosen: labelled_clips.Clips
    if how.data is not None:
        why = "an export is measured on data as it is"
        read = reading.as_learnt(predictor.card.reading, how.overrides, why, console)
        manifest = read.clips(Path(how.data))
        picked = labelled_clips.chosen(
            manifest, predictor, Path(os.fspath(model)), how.side, console, limit=how.limit, renamed=read.choices.rename
        )
        for note in picked.notes:
            console.say(f"note: {note}")
        chosen, several = picked.clips, manifest.multilabel
    elif kept_sides.there(Path(os.fspath(model))):
        manifest = kept_sides.of(Path(os.fspath(model)))
        own = tuple(c for c in manifest.clips if c.split == (how.side or "valid") and c.path.is_file())
        chosen, notes = labelled_clips.evenly(own, how.limit, 0)
        for note in notes:
            console.say(f"note: {note}")
        several = manifest.multilabel
    else:
        return None
    return Reference(predictor, list(chosen), True, several, console) if chosen else None


def noises(predictor: Predictor) -> Reference:
    """What the model says of noise: whether numbers are the same is seen of that, too."""
    hearing = predictor.hearing
    rng = generator("export", "noises")
    sounds = []
    for seconds in NOISES:
        count = max(2, round(min(seconds, predictor.window) * hearing.per_second))
        samples = (rng.standard_normal(count) * rng.uniform(0.01, 0.2)).astype(np.float32)
        sounds.append(Sound(samples, hearing.per_second, f"noise of {seconds} s"))
    return Reference(predictor, sounds, False, False, Console(quiet=True))
