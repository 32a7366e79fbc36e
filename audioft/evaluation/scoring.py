"""From a model and recordings to probabilities: the one way that validation, evaluation and prediction share."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from audioft.audio.sounds import Sound
from audioft.core.runtime import evaluating
from audioft.data.batching import pad
from audioft.data.clip import Clip
from audioft.data.windowed import Preparation, Window, clip_windows
from audioft.evaluation.labelling import window_scores
from audioft.evaluation.labelling.window_scores import Batching, ClipScore, WindowScores, by_clip
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder
from audioft.models.log_mel import LogMel


def preparation(model: AudioClassifier) -> Preparation:
    """What the model's encoder wants done to every clip."""
    return preparation_of(model.encoder)


def preparation_of(encoder: Encoder | LogMel) -> Preparation:
    """What an encoder wants done to every clip."""
    return Preparation(encoder.preprocessing.hearing, encoder.preprocessing.normalise, encoder.min_samples)


def probabilities(logits: Tensor, multilabel: bool) -> Tensor:
    """Scores in float64: a softmax over the labels, or a sigmoid each if several may hold at once."""
    logits = logits.double()
    return torch.sigmoid(logits) if multilabel else torch.softmax(logits, dim=-1)


def score(
    model: AudioClassifier,
    clips: Sequence[Clip | Sound],
    *,
    window: float,
    hop: float | None = None,
    dead: bool = True,
    progress: Callable[[float], None] | None = None,
    **how: Any,
) -> Iterator[ClipScore]:
    """Score clips, each as one; in their order.

    Args:
        model: its device is used, and its mode is restored afterwards.
        clips: what to score.
        window: seconds; longer clips are scored in windows of this length.
        hop: seconds between two windows; None is `window`.
        dead: whether recordings without any sound are scored, too.
        progress: told how many seconds of the clips have been heard.
        how: see `score_windows`.
    """
    prepare = preparation(model)
    sources = (clip_windows(clip, prepare, window, hop, dead=dead) for clip in clips)
    return by_clip(score_windows(model, sources, **how), progress)


def score_windows(
    model: AudioClassifier,
    sources: Iterable[Iterator[Window]],
    *,
    multilabel: bool,
    batch_seconds: float | None = None,
    precision: str = "fp32",
    at_once: bool = False,
) -> Iterator[WindowScores]:
    """Score recordings window by window, batched across windows and recordings; in the memory of a few batches.

    Args:
        model: its device is used, and its mode is restored afterwards.
        sources: of each recording its windows; an AudioError ends a recording.
        multilabel: see `probabilities`.
        batch_seconds: how much audio, as the encoder hears it, goes through at once, padding and its canvas included;
            None is what suits the device, see `BATCH_SECONDS`. It changes no score by more than rounding.
        precision: `fp32` or `bf16`.
        at_once: score each window as it comes, for what arrives live; otherwise several batches are waited for.

    Yields:
        The windows in order, and after the last one of each recording its end.
    """
    device = next(model.parameters()).device

    def compute(waveforms: Sequence[Tensor]) -> list[np.ndarray]:
        with torch.inference_mode(), autocast(device, precision):
            padded, lengths = pad(waveforms)
            logits = model(padded.to(device), lengths.to(device))
        found = probabilities(logits, multilabel).cpu().numpy()
        if not model.frame_level:
            return list(found[:, None])
        return [p[:count] for p, count in zip(found, model.encoder.frame_lengths(lengths).tolist(), strict=True)]

    return over_windows(model, sources, compute, batch_seconds, at_once)


def over_windows(
    model: AudioClassifier,
    sources: Iterable[Iterator[Window]],
    compute: Callable[[Sequence[Tensor]], list[np.ndarray]],
    batch_seconds: float | None = None,
    at_once: bool = False,
) -> Iterator[WindowScores]:
    """As `score_windows`, with `compute` to say what the model finds in a batch: `(K, C)` of each waveform `(T_i,)`."""
    prepare, device = preparation(model), next(model.parameters()).device
    batching = Batching.of(prepare.sample_rate, device.type, batch_seconds, model.encoder.canvas_samples)
    with evaluating(model):
        yield from window_scores.over_windows(sources, compute, batching, prepare.per_second, at_once)


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """Compute in bfloat16 where it is safe if `precision` is `bf16`; in float32 otherwise."""
    bf16 = precision == "bf16"
    return torch.autocast(device.type, dtype=torch.bfloat16) if bf16 else contextlib.nullcontext()


def cast_products(model: AudioClassifier) -> AudioClassifier:
    """The model with the weights of its linear layers and convolutions in bfloat16, all others shared with it.

    `autocast` casts them to the same numbers again for every batch: 90 million take as long as a tenth of the batch
    where bfloat16 is fast. A convolution of one channel keeps its own: they are few, and over samples it computes in
    float32.
    """
    weights = {id(t): t for t in (*model.parameters(), *model.buffers())}
    cast = copy.deepcopy(model, weights)
    for module in cast.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d) and getattr(module, "in_channels", 0) != 1:
            for name, weight in list(module.named_parameters(recurse=False)):
                if weight.dtype == torch.float32:
                    setattr(module, name, nn.Parameter(weight.detach().bfloat16(), requires_grad=False))
    return cast
