"""Labelled clips that are explained: of a folder, of a table, or the sides that a run keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audioft.assembly import kept_sides, labelled_clips, reading
from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.data.manifest import Manifest
from audioft.errors import UsageError
from audioft.inference.predictor import Predictor

WHY = "explain takes a model as it is"


def clips(
    predictor: Predictor,
    data: PathLike | None,
    side: str | None,
    limit: int,
    rename: Mapping[str, str] | None,
    overrides: Mapping[str, Any] | Sequence[str],
    console: Console,
) -> labelled_clips.Clips:
    """Those to explain; arguments as of `audioft.explain_side`, errors too."""
    labelled_clips.refuse_side(side)
    run = predictor.folder.parent if data is None else Path(data)
    if kept_sides.there(run):
        if rename or overrides:
            raise UsageError(
                f"{run} keeps its clips with the labels it learnt: leave out --rename and how data is read"
            )
        manifest, renamed = kept_sides.of(run), {}
    elif data is None:
        raise UsageError(
            f"{predictor.folder} does not lie in the folder of its run, so its clips are not known: name labelled data "
            "(--data DATA)"
        )
    else:
        how = reading.as_learnt(predictor.card.reading, overrides, WHY, console, rename=rename)
        manifest, renamed = how.clips(Path(data)), dict(how.choices.rename)
    return _chosen(manifest, predictor, side, limit, renamed, console)


def _chosen(
    manifest: Manifest,
    predictor: Predictor,
    side: str | None,
    limit: int,
    renamed: Mapping[str, str],
    console: Console,
) -> labelled_clips.Clips:
    found = labelled_clips.chosen(manifest, predictor, predictor.folder, side, console, limit=limit, renamed=renamed)
    for note in found.notes:
        console.say(f"note: {note}")
    return found.clips
