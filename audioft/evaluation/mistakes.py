"""What a model got wrong, one by one: which clip, what is true, what was given, and how sure the model was."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from audioft.annotations.event import Event
from audioft.audio.hearing import Hearing
from audioft.data.clip import Clip
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.predictions import Predictions

LISTED = 1000  # of how many a page tells one by one
LONG = 10.0  # seconds of a missed event that weigh as much as a certain mistake
AROUND = 1.0  # seconds before and after an event that are heard with it

#: Which label is true and which was given, by their positions; -1 for none of them.
Pair = tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake.

    Attributes:
        clip: what was labelled; of an event, the event with a little of what lies around it.
        pair: the true label and the given one; of several labels a clip, one of them is -1: a label that was missed,
            or one that is not true.
        score: of the given label, or of the missed one; None where there is none.
        truth: the score of the true label, where another was given; else None.
        sure: how sure the model was, 0 to 1.
        times: of an event, in seconds of its recording; else None.
    """

    clip: Clip
    pair: Pair
    score: float | None
    truth: float | None
    sure: float
    times: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class Mistakes:
    """All mistakes of an evaluation.

    Attributes:
        labels: the C labels.
        kind: `one` label a clip, `several`, or `events`.
        listed: at most `LISTED`, those of the commonest pairs and the surest; the surest first.
        counts: how many there are of each pair of labels.
        hearing: how recordings reach the encoder.
    """

    labels: tuple[str, ...]
    kind: Literal["one", "several", "events"]
    listed: list[Mistake]
    counts: dict[Pair, int]
    hearing: Hearing

    @property
    def total(self) -> int:
        """How many mistakes there are, listed or not."""
        return sum(self.counts.values())


def in_clips(
    predictions: Predictions,
    clips: Sequence[Clip],
    thresholds: Sequence[float] | np.ndarray | None,
    hearing: Hearing | int,
) -> Mistakes:
    """The mistakes among predictions.

    Of one label a clip, the model is as sure as its score; of several, as far as the score is from the threshold, 1
    being as far as it can be.

    Args:
        predictions: of N clips.
        clips: the N clips.
        thresholds: C, see `Predictions.decisions`.
        hearing: how recordings reach the encoder.
    """
    given = predictions.decisions(thresholds)
    true = predictions.targets > 0
    if predictions.multilabel:
        where, pairs, sure = _several(predictions, given, true, thresholds)
    else:
        where = np.flatnonzero(~(given & true).any(axis=1))
        pairs = np.stack([true[where].argmax(axis=1), given[where].argmax(axis=1)], axis=1)
        sure = predictions.scores[where, pairs[:, 1]]
    listed = []
    counts = _counted(map(tuple, pairs.tolist()))
    for k in _told([(of, to) for of, to in pairs.tolist()], sure, counts):
        i, (of, to) = int(where[k]), pairs[k].tolist()
        score = float(predictions.scores[i, to if to >= 0 else of])
        truth = float(predictions.scores[i, of]) if of >= 0 and to >= 0 else None
        listed.append(Mistake(clips[i], (of, to), score, truth, float(sure[k])))
    kind: Literal["one", "several"] = "several" if predictions.multilabel else "one"
    return Mistakes(predictions.labels, kind, listed, counts, Hearing.of(hearing))


def in_events(
    labels: tuple[str, ...], recordings: Sequence[Heard], clips: Sequence[Clip], hearing: Hearing | int
) -> Mistakes:
    """Events of which nothing was found, and found ones of which nothing is true; one that overlaps is neither.

    Args:
        labels: the C labels.
        recordings: what is true and what was found in R recordings.
        clips: the R recordings.
        hearing: how recordings reach the encoder.
    """
    listed: list[Mistake] = []
    for heard, clip in zip(recordings, clips, strict=True):
        sides = ((heard.reference, heard.found, True), (heard.found, heard.reference, False))
        for own, others, missed in sides:
            for event in _alone([e for e in own if e.start < heard.seconds], others):
                c = labels.index(event.label)
                # what was missed has no score: the longer it lasts, the more was missed
                sure = min(1.0, event.seconds / LONG) if missed else event.score or 0.0
                cut = dataclasses.replace(clip, start=max(0.0, event.start - AROUND), end=event.end + AROUND)
                cut = dataclasses.replace(cut, end=min(cut.end or 0.0, heard.seconds))
                pair = (c, -1) if missed else (-1, c)
                times = (event.start, event.end)
                listed.append(Mistake(cut, pair, None if missed else event.score, None, float(sure), times))
    counts = _counted(m.pair for m in listed)
    told = _told([m.pair for m in listed], np.array([m.sure for m in listed]), counts)
    return Mistakes(labels, "events", [listed[k] for k in told], counts, Hearing.of(hearing))


def _told(pairs: Sequence[Pair], sure: np.ndarray, counts: dict[Pair, int]) -> list[int]:
    """Which mistakes are listed, the surest first: half of the places are for the pairs of which there are most."""
    order = np.argsort(-sure, kind="stable").tolist()
    if len(order) <= LISTED:
        return order
    commonest = sorted(order, key=lambda k: (-counts[pairs[k]], pairs[k]))[: LISTED // 2]
    chosen = set(commonest)
    for k in order:
        if len(chosen) == LISTED:
            break
        chosen.add(k)
    return [k for k in order if k in chosen]


def _counted(pairs: Iterable[tuple[int, ...]]) -> dict[Pair, int]:
    return {(of, to): n for (of, to), n in Counter(pairs).items()}


def _several(
    p: Predictions, given: np.ndarray, true: np.ndarray, thresholds: Sequence[float] | np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clips `(K,)`, pairs `(K, 2)` and how sure `(K,)`, one for each label of a clip that is wrong."""
    limits = np.full(len(p.labels), 0.5) if thresholds is None else np.asarray(thresholds, float)
    where, label = np.nonzero((given != true) & p.known)
    far = p.scores[where, label] - limits[label]
    room = np.where(far >= 0, 1 - limits[label], limits[label])
    none = np.full_like(label, -1)
    made_up = given[where, label]
    pairs = np.stack([np.where(made_up, none, label), np.where(made_up, label, none)], axis=1)
    return where, pairs, np.abs(far) / np.maximum(room, 1e-9)


def _alone(events: Sequence[Event], others: Sequence[Event]) -> list[Event]:
    """The events that none of the others of their label overlaps."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for e in others:
        spans.setdefault(e.label, []).append((e.start, e.end))
    ends = {label: _merged(own) for label, own in spans.items()}
    return [e for e in events if not _touched(ends.get(e.label), e)]


def _merged(spans: list[tuple[float, float]]) -> np.ndarray:
    """Spans sorted by start `(K, 2)`, those that overlap made one."""
    out: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return np.array(out)


def _touched(spans: np.ndarray | None, event: Event) -> bool:
    if spans is None:
        return False
    last = int(np.searchsorted(spans[:, 0], max(event.end, event.start + 1e-9))) - 1  # begins before the event ends
    return last >= 0 and bool(spans[last, 1] > event.start)
