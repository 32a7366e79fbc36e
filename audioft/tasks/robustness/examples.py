"""A clip to hear under every strength, as far as a page has room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioft.data.clip import Clip
from audioft.errors import AudioError
from audioft.evaluation.page.sounds import heard
from audioft.tasks.robustness.disturbed import Disturber, Row

SECONDS = 3.0  # of the clip, as the encoder hears it
ROOM = 12_000_000  # characters of the page


def players(disturber: Disturber, clip: Clip, rows: Sequence[Row], room: int = ROOM) -> dict[str, str]:
    """Players of a clip's beginning by row, and as it is by `clean`; the hardest strengths first, if not all fit."""
    rate, found = disturber.prepare.sample_rate, {}
    ordered: list[Row | None] = [None, *sorted(rows, key=lambda r: -r.severity)]
    for row in ordered:
        try:
            samples = next(disturber.blocks(clip, row), np.zeros(0, np.float32))[: round(SECONDS * rate)]
        except AudioError:
            continue
        peak = float(np.abs(samples).max(initial=0))
        told = clip.name if row is None else f"{clip.name}, {row.kind} at {row.told}"
        player = heard(samples / max(1.0, peak), rate, told).player
        room -= len(player)
        if room < 0:
            break
        found["clean" if row is None else str(row)] = player
    return found
