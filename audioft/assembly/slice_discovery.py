"""Slices nobody named: the clips are gone over once more, and their sound is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioft.assembly.side_scores import Descriptions, Scoring
from audioft.audio.hearing import Hearing
from audioft.core.wording import counted
from audioft.data.check import headers
from audioft.data.clip import Clip
from audioft.data.dataset import beginning
from audioft.errors import AudioError
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.recording_embeddings import pooled
from audioft.evaluation.slices import discovery
from audioft.evaluation.slices.discovery import Heard
from audioft.evaluation.slices.measure import Part
from audioft.evaluation.slices.outcomes import of_predictions
from audioft.evaluation.slices.properties import PROPERTIES, measured
from audioft.inference.listening import listening
from audioft.models.classifier import AudioClassifier

SECONDS = 10.0  # of a clip by which its sound is measured
EVENTS = "no slices are discovered where it is measured what happens when: give columns to --by"


def discovered(
    model: AudioClassifier,
    found: Predictions,
    thresholds: Sequence[float] | np.ndarray | None,
    how: Scoring,
    seed: int,
) -> tuple[list[Part], list[str]]:
    """The slices that one half of the clips shows, to be confirmed by the other; and what is to be noted.

    Args:
        model: labels clips; hears them once more.
        found: what was predicted, as `side_scores` has made it.
        thresholds: see `Predictions.decisions`.
        how: as they were scored.
        seed: of what is drawn.
    """
    assert isinstance(found.clips, Descriptions)
    clips = found.clips.clips
    if len(clips) < discovery.LEAST:
        few = f"{counted(len(clips), 'clip')} are too few to discover slices in; it takes {discovery.LEAST}"
        return [], [few]
    outcomes = of_predictions(found, (c.name for c in clips), thresholds)
    chosen = discovery.some(outcomes, seed)
    looked_at = [clips[i] for i in chosen.tolist()]
    heard = Heard(
        [c.key for c in looked_at],
        _properties(looked_at, model.encoder.hearing, how),
        _embeddings(model, looked_at, how),
        found.targets[chosen] > 0,
        found.labels,
    )
    parts = discovery.discover(outcomes.some(chosen), heard, seed)
    drawn = f"slices were looked for in {len(chosen)} of {len(clips)} clips"
    return parts, [drawn] if len(chosen) < len(clips) else []


def _properties(clips: Sequence[Clip], hearing: Hearing, how: Scoring) -> np.ndarray:
    """`(N, 5)`, nan in rows of clips that cannot be read."""
    rank, count = how.share
    mine = clips[rank::count]
    seconds = [c.seconds for c in headers(mine, hearing)]
    own: list[np.ndarray] = []
    with listening(how.console, "measuring", mine, checked=True) as progress:
        done = 0.0
        for clip, length in zip(mine, seconds, strict=True):
            own.append(_measured(clip, length, hearing))
            done += length
            progress(done)
    return _joined(np.array(own).reshape(-1, len(PROPERTIES)), len(clips), how)


def _measured(clip: Clip, seconds: float, hearing: Hearing) -> np.ndarray:
    try:
        samples = beginning(clip, hearing, SECONDS)
    except AudioError:
        return np.full(len(PROPERTIES), np.nan)
    return measured(samples, hearing.per_second, seconds, hearing.range[0])


def _embeddings(model: AudioClassifier, clips: Sequence[Clip], how: Scoring) -> np.ndarray:
    """`(N, D)`, nan in rows of clips that cannot be read."""
    rank, count = how.share
    mine, plain = clips[rank::count], {"batch_seconds": how.batch_seconds, "precision": how.precision}
    with listening(how.console, "embedding", mine, checked=True) as progress:
        own, _ = pooled(model, mine, window=how.window, progress=progress, **plain)
    return _joined(own, len(clips), how)


def _joined(own: np.ndarray, count: int, how: Scoring) -> np.ndarray:
    """The rows of all processes, in the order of the clips."""
    if how.processes is None:
        return own
    parts = how.processes.gather([own])
    found = np.empty((count, own.shape[1]), own.dtype)
    for i, part in enumerate(parts):
        found[i :: len(parts)] = part
    return found
