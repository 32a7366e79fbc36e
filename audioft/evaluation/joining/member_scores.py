"""What every member of an ensemble says of clips, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audioft.data.batching import pad
from audioft.data.clip import Clip
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError
from audioft.evaluation.labelling.window_scores import by_clip
from audioft.evaluation.scoring import autocast, over_windows, preparation
from audioft.models.ensembles.combining import Combination
from audioft.models.ensembles.ensemble import Ensemble


def member_scores(
    model: Ensemble,
    clips: Sequence[Clip],
    *,
    window: float,
    batch_seconds: float | None = None,
    precision: str = "fp32",
    progress: Callable[[float], None] | None = None,
    **_: Any,
) -> tuple[np.ndarray, dict[int, AudioError]]:
    """Probabilities `(N, M, C)` of M members that label clips, each the mean over a clip's windows.

    Args:
        model: its device is used, and its mode is restored afterwards.
        clips: N clips.
        window: seconds; longer clips are scored in windows of this length.
        batch_seconds, precision: see `scoring.score_windows`.
        progress: told how many seconds of the clips have been heard.

    Returns:
        nan for a clip that could not be read to its end; and by its position why it could not.
    """
    combination = model.head.combination
    members, labels = combination.known.shape
    device = next(model.parameters()).device

    def compute(waveforms: Sequence[Tensor]) -> list[np.ndarray]:
        with torch.inference_mode(), autocast(device, precision):
            padded, lengths = pad(waveforms)
            logits = model.members_logits(padded.to(device), lengths.to(device))
        return list(combination.scores(logits).flatten(1).cpu().numpy()[:, None])

    found, failures = np.full((len(clips), members * labels), np.nan), dict[int, AudioError]()
    prepare = preparation(model)
    sources = (clip_windows(clip, prepare, window) for clip in clips)
    for one in by_clip(over_windows(model, sources, compute, batch_seconds), progress):
        if one.failure is not None:
            failures[one.index] = one.failure
        else:
            found[one.index] = one.scores
    return found.reshape(len(clips), members, labels), failures


def combined(combination: Combination, scores: np.ndarray) -> np.ndarray:
    """What a combination makes of members' probabilities `(N, M, C)`: `(N, C)`."""
    with torch.inference_mode():
        given = combination.logits_of(torch.from_numpy(scores).double().to(combination.known.device))
        return combination.scores(combination(given)).cpu().numpy()
