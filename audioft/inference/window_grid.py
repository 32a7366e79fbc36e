"""Which windows a recording is heard in."""

from __future__ import annotations

from typing import TypedDict

from audioft.audio.hearing import Hearing
from audioft.data.check import SHORTEST
from audioft.errors import UsageError
from audioft.evaluation.labelling.labeller import Labeller


class Grid(TypedDict, total=False):
    """Which windows a recording is heard in: seconds, see `Predictor.grid`."""

    window: float | None
    hop: float | None


def windows_in(model: Labeller, window: float, hop: float | None, overlap: float) -> tuple[float, float]:
    """Window and hop in seconds of the recording, as `Predictor.grid` says.

    Raises:
        UsageError: as there.
    """
    hop = hop or window * (1 - overlap)
    hearing = Hearing.of(model.prepare.hearing)
    if window < (shortest := SHORTEST / hearing.expansion):
        raise UsageError(f"a window of {window:g} s is too short to hear anything; give at least {shortest:.2g} s")
    if window > model.max_seconds:
        told = "" if hearing.plain else f", {hearing},"
        raise UsageError(
            f"a window of {window:g} s is longer than the {model.max_seconds:g} s that {model.family}{told} "
            "takes at once; shorten it"
        )
    if hop > window:
        raise UsageError(f"a hop of {hop:g} s leaves out what lies between windows of {window:g} s; shorten it")
    if model.frame_level:
        hop = max(1, round(hop / model.seconds_per_frame)) * model.seconds_per_frame
    return window, min(hop, window)
