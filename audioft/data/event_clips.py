"""Annotated recordings as clips: cut out around each event, or as windows that cover the recording."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from audioft.annotations.event import Event
from audioft.audio.windows import spans
from audioft.core.runtime import generator
from audioft.data.annotated import Annotated, Found, order, overhanging
from audioft.data.check import SHORTEST
from audioft.data.clip import Clip
from audioft.data.manifest import Manifest
from audioft.data.reading.tidying import BACKGROUND
from audioft.errors import DataError, Problem

TICK = 1e-3  # seconds: the grid of windows, so that times are written short and are the same when read again


def around_events(
    found: Found, *, context: float, background: str, most: float, seed: int, least_labels: int = 2
) -> Manifest:
    """A clip around each event.

    Args:
        found: recordings with their events.
        context: seconds of the recording kept before and after each event.
        background: what lies between events, and those that say that nothing happens (`Annotated.negatives`, which are
            a class with `none`, too): `none`; `class`, clips of the label `background`, as many as the commonest
            label has; `negatives`, clips without a label, as many as there are events, and every clip carries all the
            labels that fill half of it, or half of whose event lies in it.
        most: seconds of a clip of background at most; they are as long as the median event with its context.
        seed: which stretches of background are taken, if there are more.
        least_labels: how many labels there must be.

    Returns:
        A manifest with several labels a clip for `negatives`, else with one.

    Raises:
        DataError: events of no length without context; of several labels with the same times, where a clip has one; no
            events at all.
    """
    several = background == "negatives"
    problems: list[str] = []
    clips: list[Clip] = []
    for a in found.recordings:
        seen: dict[tuple[float, float], str] = {}
        nothing = tuple(dataclasses.replace(e, label=BACKGROUND) for e in a.negatives)
        for event in (*a.events, *nothing):
            start, end = max(0.0, event.start - context), min(a.seconds, event.end + context)
            if end - start <= 0:
                said = (
                    f"{event.label!r} at {event.start:g} s has no length; give it an end, or cut clips with "
                    "events.point_width=SECONDS or events.context=SECONDS"
                )
                problems.append(Problem(a.clip.name, said))
                continue
            times = (round(start, 6), round(end, 6))
            if times in seen:
                if seen[times] != event.label and not several:
                    said = (
                        f"{seen[times]!r} and {event.label!r} both from {event.start:g} to {event.end:g} s; clips of "
                        "several labels need events.background=negatives"
                    )
                    problems.append(Problem(a.clip.name, said))
                continue
            seen[times] = event.label
            labels = _inside(a.events, start, end) if several else ()
            own = () if several and event in nothing else (event.label,)
            clips.append(_cut(a, start, end, tuple(sorted({*own, *labels}))))
    if problems:
        raise DataError(problems)
    if not clips:
        raise DataError(f"{found.root}: no event in its {len(found.recordings)} recordings; there is nothing to learn")
    notes = [*found.notes, *overhanging(found.recordings)]
    if background != "none":
        size = float(np.clip(np.median([(c.end or 0) - c.start for c in clips]), SHORTEST, most))
        each = Counter(label for c in clips for label in c.labels if label != BACKGROUND)
        wanted = len(clips) if several else max(each.values(), default=0)
        between = _between(found.recordings, context, size)
        kept = sorted(generator(seed, "background").permutation(len(between))[:wanted].tolist())
        for a, start, end in (between[i] for i in kept):
            clips.append(_cut(a, start, end, () if several else (BACKGROUND,)))
        notes.append(f"{len(kept)} clips of {size:.2f} s of what lies between events, of {len(between)} possible ones")
    labels = tuple(sorted({label for c in clips for label in c.labels}))
    if len(labels) < least_labels and not several:
        raise DataError(
            f"{found.root}: all events have the one label {labels[0]!r}; learn what lies between them as well, with "
            "events.background=class, or add events of another label"
        )
    return Manifest(found.root, tuple(clips), labels, several, "events", tuple(notes), found.grouping)


def widened(found: Found, seconds: float) -> Found:
    """Recordings whose points, events without a length, last so many seconds, half of them before the point.

    What would reach beyond the recording's beginning or end is cut off there.
    """

    def wide(event: Event, end: float) -> Event:
        if event.seconds > 0:
            return event
        last = event.end + seconds / 2
        start = max(0.0, event.start - seconds / 2)
        return dataclasses.replace(event, start=round(start, 9), end=round(min(last, end) if end else last, 9))

    def all_wide(events: Sequence[Event], a: Annotated) -> tuple[Event, ...]:
        return tuple(wide(e, a.seconds) for e in events)

    points = sum(e.seconds <= 0 for a in found.recordings for e in a.events)
    recordings = tuple(
        dataclasses.replace(
            a, events=all_wide(a.events, a), dropped=all_wide(a.dropped, a), negatives=all_wide(a.negatives, a)
        )
        for a in found.recordings
    )
    note = f"{points} points last {seconds:g} s (events.point_width)"
    return dataclasses.replace(found, recordings=recordings, notes=(*found.notes, *[note] * bool(points)))


def as_windows(found: Found, window: float) -> Manifest:
    """Windows that cover each recording, several labels each: those of the events that reach into it.

    Args:
        found: recordings with their events.
        window: seconds.

    Returns:
        A manifest whose `events` hold each recording's events, so that frames can be labelled.

    Raises:
        DataError: events of no length, which no frame could show; no events at all.
    """
    clips: list[Clip] = []
    said = "{!r} at {:g} s has no length, and no frame would show it; give it an end, or set events.point_width=SECONDS"
    points = [
        Problem(a.clip.name, said.format(e.label, e.start))
        for a in found.recordings
        for e in a.events
        if e.seconds <= 0
    ]
    if points:
        raise DataError(points)
    for a in found.recordings:
        if a.seconds <= window:
            clips.append(dataclasses.replace(a.clip, labels=_touching(a.events, 0.0, a.seconds)))
            continue
        for first, last in spans(int(a.seconds / TICK), max(1, round(window / TICK))):
            start, end = round(first * TICK, 6), round(last * TICK, 6)
            clips.append(_cut(a, start, end, _touching(a.events, start, end)))
    labels = tuple(sorted({e.label for a in found.recordings for e in a.events}))
    if not labels:
        raise DataError(f"{found.root}: no event in its {len(found.recordings)} recordings; there is nothing to learn")
    events = {a.clip.name: a.events for a in found.recordings}
    notes = (*found.notes, *overhanging(found.recordings))
    return Manifest(found.root, tuple(clips), labels, True, "events", notes, found.grouping, events)


def _cut(a: Annotated, start: float, end: float, labels: tuple[str, ...]) -> Clip:
    return dataclasses.replace(a.clip, start=round(start, 6), end=round(end, 6), labels=labels)


def _touching(events: Sequence[Event], start: float, end: float) -> tuple[str, ...]:
    return tuple(sorted({e.label for e in events if e.start < end and e.end > start}))


def _inside(events: Sequence[Event], start: float, end: float) -> tuple[str, ...]:
    """Labels that fill half of a stretch, or half of whose event lies in it."""
    common = ((e.label, min(e.end, end) - max(e.start, start), e.seconds) for e in events)
    return tuple(sorted({label for label, both, own in common if both > 0 and both >= min(own, end - start) / 2}))


def _between(found: Sequence[Annotated], context: float, size: float) -> list[tuple[Annotated, float, float]]:
    """Stretches of `size` seconds that lie between events with their context."""
    out = []
    for a in found:
        at = 0.0
        events = sorted((*a.events, *a.dropped, *a.negatives), key=order)
        for start, end in [*((e.start - context, e.end + context) for e in events), (a.seconds, a.seconds)]:
            while at + size <= start + 1e-9:
                out.append((a, at, at + size))
                at += size
            at = max(at, end)
    return out
