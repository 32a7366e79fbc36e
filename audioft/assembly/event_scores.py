"""Whole recordings heard by a model and compared, in time, with what is known to happen in them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audioft.annotations.event import Event
from audioft.annotations.frames import targets_of
from audioft.assembly.recordings import Data
from audioft.assembly.side_scores import Scoring
from audioft.audio.hearing import Hearing
from audioft.core import csv_tables
from audioft.data.annotated import Annotated
from audioft.data.clip import seconds as spelled
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError, DataError
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.event_report import make_event_report
from audioft.evaluation.events import event_metrics
from audioft.evaluation.mistakes import Mistakes, in_events
from audioft.evaluation.predictions import log_loss
from audioft.evaluation.ranking import frame_average_precision
from audioft.evaluation.report import Report
from audioft.evaluation.scoring import preparation, score_windows
from audioft.evaluation.thresholds import best_threshold
from audioft.inference.listening import listening
from audioft.inference.timeline import Averager, Rules, Scores, stretches
from audioft.models.classifier import AudioClassifier


@dataclasses.dataclass(frozen=True)
class Listened:
    """One recording, heard.

    Attributes:
        name: of the recording.
        events: what is known to happen.
        moments: scores that follow one another, to the end or to where it breaks off.
        failure: why it breaks off; None if it does not.
    """

    name: str
    events: tuple[Event, ...]
    moments: Scores
    failure: AudioError | None

    def targets(self, labels: Sequence[str]) -> np.ndarray:
        """`(F, C)`: what is true at each moment."""
        return targets_of(self.events, labels, self.moments.starts, self.moments.ends)

    def heard(self, labels: tuple[str, ...], rules: Rules) -> Heard:
        """What was found, beside what is true."""
        found = rules.segments(self.moments, labels)
        return Heard(self.name, float(self.moments.ends[-1]), self.events, found)


def side(data: Data, name: str) -> list[Annotated]:
    """The annotated recordings whose windows are one side of the data."""
    assert data.manifest.events is not None
    whole = {c.name: dataclasses.replace(c, start=0.0, end=None) for c in data.clips(name)}
    return [Annotated(clip, data.manifest.events[own], 0.0) for own, clip in whole.items()]


def listen(model: AudioClassifier, recordings: Sequence[Annotated], how: Scoring) -> list[Listened]:
    """Hear recordings over time.

    Raises:
        DataError: nothing of any of them could be heard.
    """
    rank, count = how.share
    mine = list(range(len(recordings)))[rank::count]
    prepare, labels = preparation(model), model.num_labels
    done, averager, parts = 0.0, Averager(), list[Scores]()
    out: list[tuple[int, Listened]] = []
    sources = (clip_windows(recordings[i].clip, prepare, how.window, how.hop) for i in mine)
    with listening(how.console, "listening", [recordings[i].clip for i in mine], checked=True) as progress:
        for w in score_windows(model, sources, **how.numerics):
            if not w.last:
                parts.append(averager.add(stretches(w, model.encoder.seconds_per_frame)))
                progress(done + w.end)
                continue
            moments = Scores.joined([p for p in [*parts, averager.finish()] if len(p)], labels)
            own = recordings[mine[w.index]]
            out.append((mine[w.index], Listened(own.clip.name, own.events, moments, w.failure)))
            done += float(moments.ends[-1]) if len(moments) else 0.0
            averager, parts = Averager(), []
    if how.processes is not None:
        out = how.processes.gather(out)
    heard = [x for _, x in sorted(out, key=lambda entry: entry[0])]
    if not any(len(x.moments) for x in heard):
        raise DataError(f"nothing of {len(heard)} recordings could be heard; the first says: {heard[0].failure}")
    return heard


def validate(
    model: AudioClassifier, recordings: Sequence[Annotated], labels: tuple[str, ...], how: Scoring
) -> dict[str, float]:
    """Loss and mean average precision over the frames of recordings."""
    found = [x for x in listen(model, recordings, how) if len(x.moments)]
    scores, targets = [x.moments.scores for x in found], [x.targets(labels) for x in found]
    s, t = np.concatenate(scores), np.concatenate(targets)
    return {
        "loss": log_loss(s, t, np.ones(t.shape, bool), multilabel=True),
        "map": frame_average_precision(scores, targets)[0],
    }


def thresholds(found: Sequence[Listened], labels: tuple[str, ...]) -> tuple[float, ...]:
    """Of each label the score from which on the F1 of its moments is best; see `choose_thresholds`."""
    heard = [x for x in found if len(x.moments)]
    scores = np.concatenate([x.moments.scores for x in heard])
    targets = np.concatenate([x.targets(labels) for x in heard])
    return tuple(best_threshold(scores[:, c], targets[:, c] > 0) for c in range(len(labels)))


def choose_rules(
    found: Sequence[Listened], labels: tuple[str, ...], limits: tuple[float, ...], expansion: float = 1.0
) -> dict[str, float]:
    """Which gaps to close and what to leave out, so that most events are found as one; by event-based F1.

    Of equally good rules the one that changes least is taken. As the thresholds, they fit what they are chosen on.
    Where recordings are heard slowed down by `expansion`, they are shorter by as much.
    """
    heard = [x for x in found if len(x.moments)]
    best: tuple[float, dict[str, float]] = (-1.0, {})
    for gap, least in itertools.product((0.0, 0.1, 0.2, 0.4, 0.8), (0.0, 0.1, 0.2, 0.4)):
        gap, least = gap / expansion, least / expansion
        rules = Rules(limits, min_seconds=least, close_gaps=gap)
        figures = event_metrics(labels, [x.heard(labels, rules) for x in heard], resamples=0)
        value = figures.metrics["event_f1"].value
        if value > best[0] + 1e-9:
            best = (value, {"min_seconds": least, "close_gaps": gap})
    return best[1]


def report(
    found: Sequence[Listened],
    labels: tuple[str, ...],
    rules: Rules,
    side: str,
    *,
    resamples: int,
    seed: int,
    notes: Sequence[str] = (),
) -> tuple[Report, list[Heard]]:
    """Measure what was heard; the labels that are no events (`rules.skip`) are left out."""
    kept = [c for c, label in enumerate(labels) if label not in rules.skip]
    events = tuple(labels[c] for c in kept)
    usable = [x for x in found if len(x.moments)]
    heard = [x.heard(labels, rules) for x in usable]
    frames = [(x.moments.scores[:, kept], x.targets(events)) for x in usable]
    failed = [x for x in found if x.failure is not None]
    told = [*notes, *([f"{len(failed)} recordings break off or could not be heard"] if failed else [])]
    limits = [rules.thresholds[c] for c in kept]
    return make_event_report(events, heard, frames, side, limits, resamples, seed, told), heard


def mistakes(report: Report, heard: Sequence[Heard], recordings: Sequence[Annotated], hearing: Hearing) -> Mistakes:
    """The events that were missed or made up; `hearing` is how recordings reach the encoder."""
    clips = {a.clip.name: a.clip for a in recordings}
    return in_events(report.labels, heard, [clips[h.name] for h in heard], hearing)


def write_events(path: Path, heard: Sequence[Heard]) -> None:
    """All events, true and found, as CSV `path,start,end,label,kind,score`; `kind` is `true` or `found`."""
    rows = [["path", "start", "end", "label", "kind", "score"]]
    for h in heard:
        entries = [(e, "true") for e in h.reference] + [(e, "found") for e in h.found]
        for e, kind in sorted(entries, key=lambda entry: (entry[0].start, entry[1])):
            score = "" if e.score is None else f"{e.score:.6f}"
            rows.append([h.name, spelled(e.start), spelled(e.end), e.label, kind, score])
    csv_tables.write(path, rows)
