"""Whole recordings as vectors: what a classifier's head sees of them, and what two of them are compared by.

Longer ones go through in windows, and have the mean of their windows' vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audioft.data.batching import pad
from audioft.data.clip import Clip
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError, UsageError
from audioft.evaluation.labelling.recording_vectors import NO_EMBEDDING, Embeddings
from audioft.evaluation.labelling.window_scores import ClipScore, by_clip
from audioft.evaluation.scoring import autocast, over_windows, preparation
from audioft.models.classifier import AudioClassifier


def embed(model: AudioClassifier, clips: Sequence[Clip], **how: Any) -> Embeddings:
    """Embed clips: by what a head that embeds makes of the pooled vector; by that vector where it does not.

    Args:
        model: its device is used, and its mode is restored afterwards.
        clips: what to embed.
        how: see `pooled`.

    Raises:
        UsageError: the model labels frames, so that it has no embedding of a clip.
    """
    if model.frame_level:
        raise UsageError(NO_EMBEDDING)
    own = getattr(model.head, "embed", lambda pooled: pooled)
    found = _heard(model, clips, own, lambda x: F.normalize(x.double(), dim=-1), dead=False, **how)
    return Embeddings.of(found)


def pooled(model: AudioClassifier, clips: Sequence[Clip], **how: Any) -> tuple[np.ndarray, dict[int, AudioError]]:
    """What the head of a model that labels clips sees of each, in the windows and the precision that it scores in.

    Args:
        model: its device is used, and its mode is restored afterwards.
        clips: N clips.
        how: `window`, seconds, the length of the windows of longer clips; `batch_seconds` and `precision`, see
            `scoring.score_windows`; and `progress`, told how many seconds of the clips have been heard.

    Returns:
        `(N, D)` float32, nan for a clip that could not be read to its end; and by its position why it could not.
    """
    found = np.full((len(clips), model.pooling.output_size), np.nan, np.float32)
    failures: dict[int, AudioError] = {}
    for one in _heard(model, clips, lambda pooled: pooled, Tensor.float, **how):
        if one.failure is not None:
            failures[one.index] = one.failure
        else:
            found[one.index] = one.scores
    return found, failures


def _heard(
    model: AudioClassifier,
    clips: Sequence[Clip],
    own: Callable[[Tensor], Tensor],
    finished: Callable[[Tensor], Tensor],
    *,
    window: float,
    dead: bool = True,
    batch_seconds: float | None = None,
    precision: str = "fp32",
    progress: Callable[[float], None] | None = None,
) -> Iterator[ClipScore]:
    """The mean over each clip's windows of `finished(own(pooled vector))`; `own` computes in `precision`."""
    prepare, device = preparation(model), next(model.parameters()).device

    def compute(waveforms: Sequence[Tensor]) -> list[np.ndarray]:
        with torch.inference_mode(), autocast(device, precision):
            padded, lengths = pad(waveforms)
            vectors = own(model.embed(padded.to(device), lengths.to(device)))
        return list(finished(vectors).cpu().numpy()[:, None])

    sources = (clip_windows(clip, prepare, window, dead=dead) for clip in clips)
    return by_clip(over_windows(model, sources, compute, batch_seconds), progress)
