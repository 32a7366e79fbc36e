"""Labelled clips from any source: a folder, a table, or recordings with labels that have times."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

from audioft.data import annotated, event_clips, manifest
from audioft.data.annotated import Found
from audioft.data.manifest import Manifest
from audioft.errors import DataError


@dataclasses.dataclass(frozen=True, slots=True)
class EventUse:
    """What is made of labels with times, see the settings `events`.

    Attributes:
        use: `clips`, `frames`, or None: label files are cut to clips, a table's rows are clips as they are.
        context, background: see `event_clips.around_events`.
    """

    use: Literal["clips", "frames"] | None = None
    context: float = 0.0
    background: str = "none"

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
) -> Manifest:
    """Read a source of labelled clips to train on; see `manifest.load` for the arguments that are not told here.

    Args:
        source: a folder or a table.
        events: what is made of labels with times.
        window: seconds of the windows that frames are learnt from, and of clips of background at most.
        seed: of what is drawn of the background.
    """
    events = events or EventUse()
    found = read_annotated(source, label=label, group=group, allow_outside=allow_outside, asked=events.asked)
    if found is None:
        return manifest.load(source, label=label, group=group, allow_outside=allow_outside)
    if events.use == "frames":
        return event_clips.as_windows(found, window)
    return event_clips.around_events(
        found, context=events.context, background=events.background, most=window, seed=seed
    )


def read_annotated(
    source: str | Path, *, label: str | None, group: str | None, allow_outside: bool, asked: bool
) -> Found | None:
    """Recordings with their events; None where a source has none and none were `asked` for.

    Raises:
        UsageError: no such path.
        DataError: events were asked for, and the source has neither times in a table nor label files; or what is wrong
            with them.
    """
    path = Path(source)
    if "\0" not in str(path) and path.is_dir() and manifest.table_of(path, []) is None:
        if annotated.has_label_files(path):
            return annotated.from_folder(manifest.absolute(path), label, allow_outside)
        if asked:
            raise DataError(
                f"{path}: no labels with times: expected a metadata.csv with start and end (another table is given by "
                "its own path), or label files of Audacity, Raven or RTTM beside the recordings"
            )
        return None
    if not asked:
        return None
    read = manifest.load(source, label=label, group=group, allow_outside=allow_outside, least_labels=1, as_events=True)
    columns = {column for c in read.clips for column in c.columns}
    if not {"start", "end"} <= columns:
        raise DataError(
            f"{source}: its labels have no times: expected the columns start and end, in seconds; the columns are "
            f"{', '.join(sorted(columns))}"
        )
    found = annotated.from_clips(read.clips, read.grouping, read.root)
    return dataclasses.replace(found, notes=read.notes)
