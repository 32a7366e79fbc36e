"""From a model and recordings to embeddings: the vectors by which two recordings are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audioft.data.batching import pad
from audioft.data.clip import Clip
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError, UsageError
from audioft.evaluation.scoring import autocast, by_clip, over_windows, preparation
from audioft.models.classifier import AudioClassifier


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of the recordings that could be heard to their end.

    Attributes:
        vectors: `(K, E)` float64, each the mean over the recording's windows of their embeddings of length 1.
        kept: `(K,)`, the positions of these recordings among those that were given, ascending.
        seconds: `(K,)`, the audio that went through the model, overlaps of windows counted twice.
        failures: of the other recordings, by position, why they were not heard, or not to their end.
    """

    vectors: np.ndarray
    kept: np.ndarray
    seconds: np.ndarray
    failures: dict[int, AudioError]


def embedding_of(model: AudioClassifier, waveforms: Tensor, lengths: Tensor) -> Tensor:
    """Embeddings `(B, E)` of a batch: of a head that embeds, what it makes of the pooled vector; else that vector."""
    pooled = model.embed(waveforms, lengths)
    own = getattr(model.head, "embed", None)
    return pooled if own is None else own(pooled)


def embed(
    model: AudioClassifier,
    clips: Sequence[Clip],
    *,
    window: float,
    batch_seconds: float | None = None,
    precision: str = "fp32",
    progress: Callable[[float], None] | None = None,
) -> Embeddings:
    """Embed clips.

    Args:
        model: its device is used, and its mode is restored afterwards.
        clips: what to embed.
        window: seconds; of longer clips the windows of this length are embedded.
        batch_seconds, precision: as for `scoring.score`.
        progress: told how many seconds of the clips have been heard.

    Raises:
        UsageError: the model labels frames, so that it has no embedding of a clip.
    """
    if model.frame_level:
        raise UsageError(
            "this model labels frames and has no embedding of a whole recording; take one trained with a pooling, as "
            "model.pooling=attentive_stats"
        )
    prepare, device = preparation(model), next(model.parameters()).device

    def compute(waveforms: Sequence[Tensor]) -> list[np.ndarray]:
        with torch.inference_mode(), autocast(device, precision):
            padded, lengths = pad(waveforms)
            found = embedding_of(model, padded.to(device), lengths.to(device))
        return list(F.normalize(found.double(), dim=-1).cpu().numpy()[:, None])

    sources = (clip_windows(clip, prepare, window) for clip in clips)
    found = list(by_clip(over_windows(model, sources, compute, batch_seconds), progress))
    good = [one for one in found if one.failure is None and one.scores is not None]
    return Embeddings(
        vectors=np.stack([np.asarray(one.scores) for one in good]) if good else np.zeros((0, 0)),
        kept=np.array([one.index for one in good], int),
        seconds=np.array([one.seconds for one in good]),
        failures={one.index: one.failure for one in found if one.failure is not None},
    )
