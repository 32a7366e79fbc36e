"""A model under every kind and strength: the steps behind `audioft.robustness`."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audioft.assembly import labelled_clips
from audioft.assembly.reading import Reading
from audioft.assembly.side_scores import Descriptions
from audioft.core.progress import Console, Job, about
from audioft.core.wording import counted
from audioft.data import targets as labelling
from audioft.data.clip import Clip
from audioft.errors import AudioError, DataError, UsageError
from audioft.evaluation.caution import caution
from audioft.evaluation.intervals import units
from audioft.evaluation.labelling.window_scores import by_clip
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.scoring import preparation, score_windows
from audioft.evaluation.text import TITLES
from audioft.inference.predictor import Predictor
from audioft.tasks.robustness import suite
from audioft.tasks.robustness.attack import SNRS, Attack, Attacked
from audioft.tasks.robustness.card import RobustnessCard
from audioft.tasks.robustness.disturbed import Disturber, Row
from audioft.tasks.robustness.figures import Measure, RowFigures, mean_corruption_error, relative
from audioft.tasks.robustness.kept_rows import FOLDER, KeptRows, address_of
from audioft.tasks.robustness.surroundings import Surroundings

FEW = 3  # clips of which each kind is timed
FRAMES = (
    "this model labels frames, and a card is of clips: train one that labels clips (events.use=clips), or cut the "
    "recordings to clips"
)


@dataclass(frozen=True)
class CardRun:
    """What is tested, and how; see `audioft.robustness`.

    Attributes:
        predictor, model: the model, and its folder or that of its run.
        out: where results and finished rows go; None for nowhere.
        kinds, severities: of the suite.
        limit: clips at most; 0 for all.
        noise: folder of the user's noises; None for other clips.
        impulses: folder of the user's impulse responses; None for synthetic ones.
        resamples, seed: of the bootstrap; the seed also of the disturbances.
        console: where messages go.
        reference: another model whose errors are compared; None for none.
    """

    predictor: Predictor
    model: Path
    out: Path | None
    kinds: Sequence[str]
    severities: Sequence[int]
    limit: int
    noise: str | None
    impulses: str | None
    resamples: int
    seed: int
    console: Console
    reference: Predictor | None = None

    def on(self, data: Path, how: Reading, side: str | None) -> tuple[RobustnessCard, UnderTest]:
        """The card of data, read in this way, and what was tested."""
        from audioft.tasks.robustness import surroundings

        if self.predictor.model.frame_level:
            raise UsageError(FRAMES)
        noise, responses = surroundings.noises(self.noise), self._responses()
        clips, wanted, known, name, notes = self._clips(data, how, side)
        around = Surroundings(clips, self.predictor.model.encoder.hearing, noise, responses)
        rows, absent = suite.rows(self.kinds, self.severities, around)
        tested = UnderTest(self.predictor, clips, wanted, known, around, self.seed, self.console)
        kept = self._kept(tested, FOLDER)
        clean, measure = self._clean(tested, kept)
        tested = replace(tested, clips=clean[1], wanted=clean[0].targets, known=clean[0].known)
        if len(clean[1]) < len(clips):
            notes = [*notes, f"{len(clips) - len(clean[1])} clips could not be scored as they are and are left out"]
        score = measure.score(clean[0])
        self._foretell(tested, rows, kept)
        found = self._rows(tested, rows, measure, kept, "disturbing and scoring")
        compared = self._compared(tested, rows, found) if self.reference is not None and rows else {}
        member = units(clean[0])
        count = int(member[1].max()) + 1
        told = counted(len(clean[0]), "clip") + (f" in {counted(count, 'group')}" if member[0] == "groups" else "")
        support = [n for n in (clean[0].targets > 0).sum(0).tolist() if n]
        card = RobustnessCard(
            about={"model": str(self.model), "data": str(data), "side": name, "seed": self.seed, **self._about()},
            metric=measure.main,
            clean=score,
            clean_confidence=float(clean[0].scores.max(1).mean()),
            rows=found,
            relative=relative(found, score.value),
            clips=len(clean[0]),
            counted=told,
            absent=absent,
            caution=caution(TITLES[measure.main], score, told, count, member[0].removesuffix("s"), support),
            notes=[*notes, *_partly(found, len(clean[0]))],
            reference=compared,
        )
        return card, tested

    def _about(self) -> dict[str, Any]:
        own = {"noise": self.noise, "impulses": self.impulses}
        return {k: v for k, v in own.items() if v is not None}

    def _responses(self) -> Any:
        from audioft.tasks.robustness import surroundings

        return surroundings.impulses(self.impulses, self.predictor.model.encoder.hearing)

    def _clips(
        self, data: Path, how: Reading, side: str | None
    ) -> tuple[tuple[Clip, ...], np.ndarray, np.ndarray, str, list[str]]:
        """The clips to test with targets and which of them are known, what their side is called, and notes."""
        manifest, labels = how.clips(data), self.predictor.labels
        given: dict[str, Any] = {"limit": self.limit, "seed": self.seed, "writes": self.out}
        found = labelled_clips.chosen(
            manifest, self.predictor, self.model, side, self.console, renamed=how.choices.rename, **given
        )
        wanted, known = labelling.targets(found.clips, labels, manifest.multilabel)
        return found.clips, wanted, known, found.side, found.notes

    def _kept(self, tested: UnderTest, name: str) -> KeptRows:
        if self.out is None:
            return KeptRows(None, "")
        p, around = tested.predictor, self._about()
        where = address_of(p.model, tested.clips, self.seed, p.window, p.precision, around)
        return KeptRows(self.out / name, where)

    def _clean(self, tested: UnderTest, kept: KeptRows) -> tuple[tuple[Predictions, tuple[Clip, ...]], Measure]:
        """What the model says of the clips as they are, those clips, and the measure of all else."""
        card = self.predictor.card
        with self.console.job("scoring clips as they are", len(tested.clips)) as job:
            scores = tested.scores(None, job.at)
        good = np.flatnonzero(np.isfinite(scores).all(1))
        if not len(good):
            raise DataError(f"none of the {len(scores)} clips could be scored as they are")
        clips = tuple(tested.clips[i] for i in good)
        clean = Predictions(
            self.predictor.labels, card.multilabel, scores[good], tested.wanted[good], tested.known[good],
            Descriptions(clips),
        )  # fmt: skip
        main = "map" if card.multilabel else "accuracy"
        return (clean, clips), Measure(clean, main, card.thresholds, self.resamples, self.seed)

    def _foretell(self, tested: UnderTest, rows: Sequence[Row], kept: KeptRows) -> None:
        """Say how long it takes, by a few clips of each kind."""
        shape = (len(tested.clips), len(self.predictor.labels))
        left = [r for r in rows if kept.get(str(r), shape) is None]
        if len(left) < len(rows):
            self.console.say(f"{len(rows) - len(left)} of {len(rows)} rows are done already")
        if self.console.quiet or not left:
            return
        few = replace(tested, clips=tested.clips[:: max(1, len(tested.clips) // FEW)][:FEW])
        seconds = 0.0
        for _, own in itertools.groupby(left, key=lambda r: r.kind):
            strengths = list(own)
            began = time.perf_counter()
            few.scores(strengths[len(strengths) // 2], lambda done: None)
            seconds += (time.perf_counter() - began) * len(strengths) * len(tested.clips) / len(few.clips)
        seconds *= 1 if self.reference is None else 2
        self.console.say(
            f"{counted(len(left), 'row')} of {counted(len(tested.clips), 'clip')}: {about(seconds)}; "
            "--limit, --kinds and --severity make it less"
        )

    def _rows(
        self, tested: UnderTest, rows: Sequence[Row], measure: Measure, kept: KeptRows, what: str
    ) -> list[RowFigures]:
        shape, found = (len(tested.clips), len(measure.clean.labels)), []
        with self.console.job(what, len(rows) * len(tested.clips), unit=" clips") as job:
            for number, row in enumerate(rows):
                scores, before = kept.get(str(row), shape), number * len(tested.clips)
                if scores is None:
                    scores = tested.scores(row, functools.partial(_further, job, before, str(row)))
                    kept.put(str(row), scores)
                else:
                    job.resume_at(before + len(tested.clips))
                found.append(measure.row(row, scores))
        return found

    def _compared(self, tested: UnderTest, rows: Sequence[Row], found: Sequence[RowFigures]) -> Mapping[str, Any]:
        """The same rows of the reference model: its name, clean score and the mCE beside it."""
        assert self.reference is not None
        labelled_clips.refuse_unknown(self.reference.labels, ((x, c.name) for c in tested.clips for x in c.named), {})
        wanted, known = labelling.targets(tested.clips, self.reference.labels, self.reference.card.multilabel)
        around = replace(tested.around, hearing=self.reference.model.encoder.hearing)
        other = replace(tested, predictor=self.reference, wanted=wanted, known=known, around=around)
        run = replace(self, predictor=self.reference, reference=None)
        kept = run._kept(other, f"{FOLDER}-reference")
        (clean, clips), measure = run._clean(other, kept)
        if len(clips) < len(tested.clips):
            raise DataError(f"the reference {self.reference.folder} could not score all clips: mCE needs the same ones")
        theirs = run._rows(other, rows, measure, kept, "the reference, disturbed")
        score, name = measure.score(clean), str(self.reference.folder)
        return {"name": name, "clean": score.value, "mce": mean_corruption_error(found, theirs)}


@dataclass(frozen=True)
class UnderTest:
    """A model and the clips it is tested on.

    Attributes:
        predictor: the model.
        clips: those tested.
        wanted, known: `(N, C)`, see `data.targets`.
        around: other recordings.
        seed: of the disturbances.
        console: told of the first clip of a row that fails.
    """

    predictor: Predictor
    clips: tuple[Clip, ...]
    wanted: np.ndarray
    known: np.ndarray
    around: Surroundings
    seed: int
    console: Console = field(default_factory=lambda: Console(quiet=True))

    @property
    def disturber(self) -> Disturber:
        return Disturber(preparation(self.predictor.model), self.predictor.window, self.seed, self.around)

    def scores(self, row: Row | None, progress: Callable[[int], None]) -> np.ndarray:
        """`(N, C)` of the clips under a row, or as they are; nan of those that fail. Disturbed in threads."""
        p, disturber = self.predictor, self.disturber
        out = np.full((len(self.clips), len(p.labels)), np.nan)
        sources = (disturber.windows(clip, row) for clip in self.clips)
        how: Any = {"batch_seconds": p.batch_seconds, "precision": p.precision}
        failure: AudioError | None = None
        for one in by_clip(score_windows(p.scoring, sources, multilabel=p.card.multilabel, **how)):
            if one.failure is None:
                out[one.index] = one.scores
            failure = failure or one.failure
            progress(one.index + 1)
        if failure is not None:
            self.console.say(f"note: {row or 'as it is'}: {failure}")
        if not np.isfinite(out).any():
            raise DataError(f"none of the clips could be scored{f' under {row}' if row else ''}: {failure}")
        return out


def attacked(tested: UnderTest, most: int) -> Attacked:
    """What an attack on the beginnings of some of the clips comes to, see `attack`."""
    p = tested.predictor
    clips, _ = labelled_clips.evenly(tested.clips, most, tested.seed)
    rows = [tested.clips.index(c) for c in clips]
    longest = round(p.window * tested.disturber.prepare.per_second)
    waveforms = [torch.from_numpy(next(tested.disturber.blocks(c, None))[:longest].copy()) for c in clips]
    targets = torch.from_numpy(np.where(tested.known[rows], tested.wanted[rows], np.nan))
    groups = np.unique([c.group or c.key for c in clips], return_inverse=True)[1]
    cuts = torch.logit(torch.tensor(p.card.thresholds or [0.5] * len(p.labels)))
    with tested.console.job("attacking clips", len(clips) * len(SNRS)) as job:
        found = Attack(p.model, p.card.multilabel, cuts, tested.seed)
        return found.on(waveforms, targets, groups, lambda done: job.at(round(done)))


def _further(job: Job, before: int, row: str, done: int) -> None:
    job.at(before + done, row)


def _partly(rows: Sequence[RowFigures], clips: int) -> list[str]:
    """What to say of rows in which clips failed."""
    fewer = [r for r in rows if r.clips < clips]
    if not fewer:
        return []
    least = min(fewer, key=lambda r: r.clips)
    lost = f"{counted(clips - least.clips, 'clip')} in {least.row}"
    return [f"in {counted(len(fewer), 'row')} some clips could not be scored and are left out, as {lost}"]
