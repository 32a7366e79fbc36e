"""Clips as the vectors that a model's head sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from audioft.data.batching import batches_of, pad
from audioft.data.clip import Clip
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError
from audioft.evaluation.scoring import BATCH_SECONDS, PENDING_BATCHES, autocast, flat, grouped, preparation
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
    most = max(1, round((batch_seconds or BATCH_SECONDS.get(device.type, 60.0)) * prepare.sample_rate))
    sums = np.zeros((len(clips), model.pooling.output_size))
    windows = np.zeros(len(clips))
    failures: dict[int, AudioError] = {}
    heard, training = 0, model.training
    model.eval()
    try:
        for group in grouped(flat(clip_windows(c, prepare, window) for c in clips), most * PENDING_BATCHES):
            failures |= {i: failure for i, _, failure in group if failure is not None}
            own = [(i, w) for i, w, _ in group if w is not None]
            for batch in batches_of([w.waveform for _, w in own], most):
                rows = _embed(model, [own[k][1].waveform for k in batch], device, precision)
                for k, row in zip(batch, rows, strict=True):
                    sums[own[k][0]] += row
                    windows[own[k][0]] += 1
                    heard += own[k][1].samples
                if progress is not None:
                    progress(heard / prepare.sample_rate)
    finally:
        model.train(training)
    found = (sums / np.maximum(windows, 1)[:, None]).astype(np.float32)
    found[list(failures)] = np.nan
    return found, failures


def _embed(model: AudioClassifier, waveforms: Sequence[Tensor], device: torch.device, precision: str) -> np.ndarray:
    padded, lengths = pad(waveforms)
    with torch.inference_mode(), autocast(device, precision):
        return model.embed(padded.to(device), lengths.to(device)).float().cpu().numpy()
