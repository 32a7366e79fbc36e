"""What a run is trained on: its clips, or windows with a target for each frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly import build
from audioft.assembly.fitting import decoded_cache
from audioft.assembly.recording_passes import decode_once
from audioft.data.clip import Clip
from audioft.data.dataset import TrainingClips
from audioft.data.decoded import within_long
from audioft.data.frames import FrameGrid, TrainingWindows
from audioft.evaluation.scoring import preparation


def clips_of(parts: build.Parts, place: Path) -> TrainingClips:
    """What is trained on: clips, or windows with a target for each frame; long recordings decoded into `place`."""
    cache = decoded_cache.filled(parts) if parts.config.cache.audio else None
    return of(parts, parts.data.clips("train") if cache else _within_long(parts, place), cache)


def of(
    parts: build.Parts,
    clips: Sequence[Clip],
    read: Callable[[Clip, int, float, float | None], np.ndarray] | None = None,
) -> TrainingClips:
    """The same of clips where they lie; `read` reads their samples."""
    config, data, model = parts.config, parts.data, parts.model
    index = data.side("train")
    how: dict[str, Any] = {
        "seconds": data.seconds("train"),
        "targets": data.targets[index],
        "known": data.known[index],
        "prepare": preparation(model),
        "max_seconds": parts.max_seconds,
        "seed": config.seed,
        "augment": build.chain(config.augment, model.encoder.hearing),
        "mixup": build.single("mixup", config.mixup),
        "multilabel": parts.multilabel,
        "read": read,
    }
    if not model.frame_level:
        return TrainingClips(clips, **how)
    assert data.manifest.events is not None
    grid = FrameGrid(model.encoder.convolutions, model.encoder.hearing.per_second)
    return TrainingWindows(clips, data.manifest.events, data.manifest.labels, grid, **how)


def _within_long(parts: build.Parts, place: Path) -> list[Clip]:
    clips, rate = parts.data.clips("train"), parts.model.encoder.hearing
    return decode_once(
        lambda at: within_long(clips, place, rate, at),
        len(clips),
        "decoding recordings",
        parts.processes,
        parts.console,
    )
