"""Clips as the vectors that a model's head sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from audioft.data.batching import pad
from audioft.data.clip import Clip
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError
from audioft.evaluation.scoring import autocast, by_clip, over_windows, preparation
from audioft.models.classifier import AudioClassifier


def pooled(
    model: AudioClassifier,
    clips: Sequence[Clip],
    *,
    window: float,
    batch_seconds: float | None = None,
    precision: str = "fp32",
    progress: Callable[[float], None] | None = None,
) -> tuple[np.ndarray, dict[int, AudioError]]:
    """What the head of a model that labels clips sees of each, in the windows and the precision that it scores in.

    Args:
        model: its device is used, and its mode is restored afterwards.
        clips: N clips.
        window: seconds; longer clips go through in windows of this length, and have the mean of their vectors.
        batch_seconds: as for `scoring.score`.
        precision: `fp32` or `bf16`.
        progress: told how many seconds of the clips have been heard.

    Returns:
        `(N, D)` float32, nan for a clip that could not be read to its end; and by its position why it could not.
    """
    prepare, device = preparation(model), next(model.parameters()).device

    def compute(waveforms: Sequence[Tensor]) -> list[np.ndarray]:
        padded, lengths = pad(waveforms)
        with torch.inference_mode(), autocast(device, precision):
            vectors = model.embed(padded.to(device), lengths.to(device))
        return list(vectors.float().cpu().numpy()[:, None])

    sources = (clip_windows(clip, prepare, window) for clip in clips)
    found = np.full((len(clips), model.pooling.output_size), np.nan, np.float32)
    failures: dict[int, AudioError] = {}
    for one in by_clip(over_windows(model, sources, compute, batch_seconds), progress):
        if one.failure is not None:
            failures[one.index] = one.failure
        else:
            found[one.index] = one.scores
    return found, failures
