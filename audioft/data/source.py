"""Labelled clips from any source: a folder, a table, or recordings with labels that have times."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from audioft.annotations.event import Event
from audioft.data import annotated, event_clips, label_folders, manifest
from audioft.data.annotated import Annotated, Found
from audioft.data.manifest import Manifest
from audioft.data.reading import from_names, tidying
from audioft.data.reading.alike import spellings
from audioft.data.reading.choices import PLAIN, Choices
from audioft.data.reading.exclusion import Excluded, Span, at_times, excluded
from audioft.errors import DataError, UsageError


@dataclasses.dataclass(frozen=True, slots=True)
class EventUse:
    """What is made of labels with times, see the settings `events`.

    Attributes:
        use: `clips`, `frames`, or None: label files are cut to clips, a table's rows are clips as they are.
        context, background: see `event_clips.around_events`.
        point_width: seconds that an event without a length gets, see `event_clips.widened`.
    """

    use: Literal["clips", "frames"] | None = None
    context: float = 0.0
    background: str = "none"
    point_width: float | None = None

    @property
    def asked(self) -> bool:
        """Whether labels must have times."""
        return self != EventUse()


def load(
    source: str | Path,
    *,
    label: str | None = None,
    group: str | None = None,
    allow_outside: bool = False,
    events: EventUse | None = None,
    window: float = 10.0,
    seed: int = 0,
    least_labels: int = 2,
    choices: Choices = PLAIN,
) -> Manifest:
    """Read a source of labelled clips to train on; see `manifest.load` for the arguments that are not told here.

    Args:
        source: a folder or a table.
        events: what is made of labels with times.
        window: seconds of the windows that frames are learnt from, and of clips of background at most.
        seed: of what is drawn of the background.
        least_labels: how many classes a single-label source must have.
        choices: where the source can be meant in several ways.
    """
    events = events or EventUse()
    how: dict[str, Any] = {"label": label, "group": group, "allow_outside": allow_outside, "choices": choices}
    found = read_annotated(source, asked=events.asked, whole=events.use == "frames", **how)
    if found is None:
        return manifest.load(source, least_labels=least_labels, **how)
    if events.point_width is not None:
        found = event_clips.widened(found, events.point_width)
    if events.use == "frames":
        return event_clips.as_windows(found, window)
    how = {"context": events.context, "background": events.background, "most": window, "seed": seed}
    return event_clips.around_events(found, least_labels=least_labels, **how)


def read_annotated(
    source: str | Path,
    *,
    label: str | None,
    group: str | None,
    allow_outside: bool,
    asked: bool,
    choices: Choices = PLAIN,
    whole: bool = True,
) -> Found | None:
    """Recordings with their events; None where a source has none and none were `asked` for.

    Args:
        source, label, group, allow_outside, choices: see `manifest.load`.
        asked: whether labels must have times.
        whole: recordings are heard as a whole: one of which `choices.exclude` leaves out some times is left out.

    Raises:
        UsageError: no such path.
        DataError: events were asked for, and the source has neither times in a table nor label files; or what is wrong
            with them.
        ConfigError: settings name labels that are not there.
    """
    found = _read_annotated(Path(source), label, group, allow_outside, asked, choices)
    if found is None:
        return None
    found = _without_times(tidying.events(found, choices), choices, whole)
    alike = spellings({e.label for a in found.recordings for e in a.events}, choices.rename)
    return dataclasses.replace(found, notes=(*found.notes, *alike))


def _without_times(found: Found, choices: Choices, whole: bool) -> Found:
    """Recordings without the events in times that are left out; what lies there is no background."""
    own, notes = {a.clip.name: a for a in found.recordings}, list[str]()
    gone = Excluded()
    with contextlib.suppress(UsageError):  # that only other recordings are left out was told before
        gone = excluded(choices.exclude, own, found.root, [])
    if not gone.times:
        return found
    if whole:
        out = gone.as_whole(notes)
        kept = tuple(a for a in found.recordings if a.clip.name not in out)
        if not kept:
            raise DataError(f"{found.root}: data.exclude leaves out all of its recordings; {notes[0]}")
        return dataclasses.replace(found, recordings=kept, notes=(*found.notes, *notes))
    every = [(name, e) for name, a in own.items() for e in (*a.events, *a.negatives)]
    lost = at_times(gone.times, [(name, e.start, e.end) for name, e in every], notes)
    left_out = {name: list[Event]() for name in gone.times}
    for i in lost:
        left_out[every[i][0]].append(every[i][1])
    recordings = tuple(
        a if a.clip.name not in gone.times else _less(a, left_out[a.clip.name], gone.times[a.clip.name])
        for a in found.recordings
    )
    return dataclasses.replace(found, recordings=recordings, notes=(*found.notes, *notes))


def _less(a: Annotated, lost: Sequence[Event], spans: Sequence[Span]) -> Annotated:
    empty = (Event("", start, max(start, a.seconds) if end is None else end) for start, end in spans)
    return dataclasses.replace(
        a,
        events=tuple(e for e in a.events if e not in lost),
        negatives=tuple(e for e in a.negatives if e not in lost),
        dropped=(*a.dropped, *lost, *empty),
    )


def _read_annotated(
    path: Path, label: str | None, group: str | None, allow_outside: bool, asked: bool, choices: Choices
) -> Found | None:
    """As `read_annotated`, with labels as the source has them."""
    if "\0" not in str(path) and path.is_dir() and manifest.table_of(path, []) is None:
        asked = asked or choices.source_kind == "events"
        classes = choices.source_kind == "classes" or (not asked and from_names.asked(label, "data.label") is not None)
        if not classes and annotated.has_label_files(path):
            return label_folders.read(manifest.absolute(path), label, allow_outside, choices, asked, group)
        if asked:
            raise DataError(
                f"{path}: no labels with times: expected a metadata.csv with start and end (another table is given by "
                "its own path), or label files of Audacity, Raven, DCASE or RTTM beside the recordings"
            )
        return None
    if not asked:
        return None
    how: dict[str, Any] = {"label": label, "group": group, "allow_outside": allow_outside, "choices": choices}
    read = manifest.load(path, least_labels=1, as_events=True, **how)
    columns = {column for c in read.clips for column in c.columns}
    if not {"start", "end"} <= columns:
        raise DataError(
            f"{path}: its labels have no times: expected the columns start and end, in seconds; the columns are "
            f"{', '.join(sorted(columns))}"
        )
    found = annotated.from_clips(read.clips, read.grouping, read.root)
    return dataclasses.replace(found, notes=read.notes)
