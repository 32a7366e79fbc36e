"""A saved model against labelled recordings: the steps behind `audioft.evaluate`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audioft.assembly import event_scores, labelled_clips, side_scores, slice_discovery, slices
from audioft.assembly.labelled_clips import Clips
from audioft.assembly.reading import Reading
from audioft.assembly.side_scores import Scoring
from audioft.audio.hearing import Hearing
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.data import targets as labelling
from audioft.data.annotated import Found
from audioft.data.manifest import Manifest
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import PLAYERS, Beside, write_html
from audioft.evaluation.mistakes import Mistakes
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.report import Report
from audioft.evaluation.slices.found import Slices
from audioft.inference.predictor import Predictor
from audioft.models import heard

FILES = ("report.json", "report.html", "predictions.csv")


@dataclass(frozen=True)
class Evaluation:
    """A model that is measured, on what and how; see `audioft.evaluate`.

    Attributes:
        predictor, model: the model, and its folder or that of its run.
        out: where results go; None for nowhere.
        side: which side of the data; None for what the data suggests.
        resamples, seed: of the bootstrap.
        console: where messages go.
        processes: each hears a share.
        players: mistakes that can be heard in the page, at most.
        by: columns whose slices are compared; None for all, empty for none.
        discover: whether slices are looked for that nobody named.
    """

    predictor: Predictor
    model: Path
    out: Path | None
    side: str | None
    resamples: int
    seed: int
    console: Console
    processes: Processes | None = None
    players: int = PLAYERS
    by: Sequence[str] | None = None
    discover: bool = False

    def on(self, data: Path, how: Reading, events: bool, window: float | None, hop: float | None) -> Report:
        """The report on data, read in this way and written where it is to go; see `audioft.evaluate`."""
        labelled_clips.refuse_side(self.side)
        asked = events or self.predictor.model.frame_level
        found = how.in_time(data, asked=asked)
        if found is not None:
            report, mistakes = self._in_time(found, how.choices.rename, *self.predictor.grid(window, hop))
        else:
            report, mistakes = self._of_clips(how.whole_clips(data), how.choices.rename)
        if self.writes is not None:
            about = {"title": f"audioft: {self.model} on {data}", "model": str(self.model), "data": str(data)}
            report.save(self.writes / "report.json")
            beside = Beside(mistakes, self.players, side_scores.bad_files(self.writes / "bad_files.csv"))
            write_html(self.writes / "report.html", report, [], about, beside)
        return report

    @property
    def writes(self) -> Path | None:
        """Where this process writes: the first one does."""
        return self.out if self.processes is None or self.processes.main else None

    @property
    def _hearing(self) -> Hearing:
        return self.predictor.model.encoder.hearing

    def _of_clips(self, manifest: Manifest, renamed: Mapping[str, str]) -> tuple[Report, Mistakes | None]:
        """Each clip has its labels, whatever happens when in it."""
        predictor, card = self.predictor, self.predictor.card

        named = functools.partial(labelled_clips.named, several=manifest.multilabel, may=card.multilabel)
        clips, side, notes = self._usable(manifest, manifest.clips, named, renamed)
        wanted, known = labelling.targets(clips, predictor.labels, manifest.multilabel)
        how = self._scoring(predictor.window)
        found = side_scores.score_clips(predictor.scoring, clips, wanted, known, predictor.labels, how)
        if found.failures:
            notes.append(f"{len(found.failures)} recordings could not be scored and are left out")
        report = make_report(found.predictions, side, card.thresholds, self.resamples, self.seed, notes)
        report = replace(report, slices=self._slices(found.predictions, how))
        if self.writes is not None:
            found.predictions.write(self.writes / "predictions.csv", card.thresholds)
            bad = [(c.key, e.stage, e.reason) for c, e in found.failures]
            side_scores.append_bad_files(self.writes / "bad_files.csv", bad)
            return report, side_scores.mistakes(found.predictions, card.thresholds, self._hearing)
        return report, None

    def _in_time(
        self, found: Found, renamed: Mapping[str, str], window: float, hop: float
    ) -> tuple[Report, Mistakes | None]:
        """What happens when in whole recordings."""
        predictor, own = self.predictor, {a.clip.name: a for a in found.recordings}
        clips, side, notes = self._usable(
            found,
            tuple(a.clip for a in found.recordings),
            lambda clips: ((e.label, c.name) for c in clips for e in own[c.name].events),
            renamed,
        )
        heard = event_scores.listen(predictor.scoring, [own[c.name] for c in clips], self._scoring(window, hop))
        how = {"resamples": self.resamples, "seed": self.seed}
        notes += [slice_discovery.EVENTS] if self.discover else []
        report, compared = event_scores.report(heard, predictor.labels, predictor.rules(), side, notes=notes, **how)
        own_slices = slices.in_events(report.labels, compared, found.recordings, self.by, self.seed)
        report = replace(report, slices=own_slices)
        if self.writes is not None:
            event_scores.write_events(self.writes / "predictions.csv", compared)
            return report, event_scores.mistakes(report, compared, found.recordings, self._hearing)
        return report, None

    def _slices(self, found: Predictions, how: Scoring) -> Slices | None:
        limits, parts, notes = self.predictor.card.thresholds, None, list[str]()
        if self.discover:
            parts, notes = slice_discovery.discovered(self.predictor.scoring, found, limits, how, self.seed)
        return slices.in_clips(found, limits, self.by, self.seed, parts, notes)

    def _scoring(self, window: float, hop: float | None = None) -> Scoring:
        p = self.predictor
        return Scoring(p.card.multilabel, window, hop, p.batch_seconds, p.precision, self.processes, self.console)

    def _usable(
        self,
        found: Manifest | Found,
        clips: Clips,
        named: Callable[[Clips], Iterable[tuple[str, str]]],
        renamed: Mapping[str, str],
    ) -> tuple[Clips, str, list[str]]:
        """The clips to measure on, what their side is called, and notes; `named` are labels with their files."""
        for note in found.notes:
            self.console.say(f"note: {note}")
        clips, side = labelled_clips.side(found.root, clips, self.side, heard.of_folder(self.predictor.folder))
        slices.check(clips, self.by)
        labelled_clips.refuse_unknown(self.predictor.labels, named(clips), renamed)
        clips, notes = labelled_clips.readable(
            clips, self.predictor, self.model, found.grouping, self.console, self.writes, side
        )
        return clips, side, notes
