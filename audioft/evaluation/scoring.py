"""From a model and clips to probabilities: the one way that validation, evaluation and prediction share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audioft.data.batching import batches_of, pad
from audioft.data.clip import Clip
from audioft.data.dataset import Preparation, clip_windows
from audioft.errors import AudioError
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder

PENDING_BATCHES = 8  # windows of so many batches are looked at together, to put like lengths beside each other


@dataclass(frozen=True)
class ClipScore:
    """What a model says of one clip.

    Attributes:
        index: position of the clip in what was scored.
        scores: `(C,)` float64 probabilities, the mean over the clip's windows; None if it failed.
        windows: how many windows that were.
        seconds: the audio that went through the model.
        failure: why there are no scores.
    """

    index: int
    scores: np.ndarray | None
    windows: int
    seconds: float
    failure: AudioError | None = None


def preparation(model: AudioClassifier) -> Preparation:
    """What the model's encoder wants done to every clip."""
    return preparation_of(model.encoder)


def preparation_of(encoder: Encoder) -> Preparation:
    """What an encoder wants done to every clip."""
    return Preparation(encoder.sample_rate, encoder.preprocessing.normalise, encoder.min_samples)


def probabilities(logits: Tensor, multilabel: bool) -> Tensor:
    """Scores in float64: a softmax over the labels, or a sigmoid each if several may hold at once."""
    logits = logits.double()
    return torch.sigmoid(logits) if multilabel else torch.softmax(logits, dim=-1)


def score(
    model: AudioClassifier,
    clips: Sequence[Clip],
    *,
    multilabel: bool,
    window: float,
    batch_seconds: float = 60.0,
    precision: str = "fp32",
    progress: Callable[[int], None] | None = None,
) -> Iterator[ClipScore]:
    """Score clips, each as it is finished (not in their order).

    Args:
        model: its device is used, and its mode is restored afterwards.
        clips: what to score.
        multilabel: see `probabilities`.
        window: seconds; longer clips are scored in windows of this length.
        batch_seconds: how much audio goes through at once, padding included; it changes no score by more than
            rounding.
        precision: `fp32` or `bf16`.
        progress: told the number of clips finished, about.
    """
    prepare, device = preparation(model), next(model.parameters()).device
    most = max(1, round(batch_seconds * prepare.sample_rate))
    sums: dict[int, _Sum] = {}
    done = 0
    training = model.training
    model.eval()
    try:
        for group in _grouped(_windows(clips, prepare, window), most * PENDING_BATCHES):
            heard = [w for w in group if w.waveform is not None]
            clips_here, heard_so_far = sum(w.last for w in group), 0
            for batch in batches_of([w.waveform for w in heard if w.waveform is not None], most):
                with torch.inference_mode(), autocast(device, precision):
                    waveforms, lengths = pad([heard[i].waveform for i in batch])  # type: ignore[misc]
                    logits = model(waveforms.to(device), lengths.to(device))
                for i, p in zip(batch, probabilities(logits, multilabel).cpu().numpy(), strict=True):
                    sums.setdefault(heard[i].index, _Sum()).add(p, heard[i].seconds)
                heard_so_far += len(batch)
                if progress is not None:
                    progress(done + clips_here * heard_so_far // len(heard))
            for w in group:
                if w.last:
                    done += 1
                    yield sums.pop(w.index, _Sum()).result(w.index, w.failure)
            if progress is not None:
                progress(done)
    finally:
        model.train(training)


@contextlib.contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Compute in bfloat16 where it is safe if `precision` is `bf16`; in float32 otherwise."""
    if precision == "bf16":
        with torch.autocast(device.type, dtype=torch.bfloat16):
            yield
    else:
        yield


@dataclass(frozen=True)
class _Window:
    index: int
    waveform: Tensor | None
    seconds: float
    last: bool
    failure: AudioError | None = None


class _Sum:
    """The running mean of a clip's windows."""

    def __init__(self) -> None:
        self.total: np.ndarray | float = 0.0
        self.windows, self.seconds = 0, 0.0

    def add(self, p: np.ndarray, seconds: float) -> None:
        self.total = self.total + p
        self.windows, self.seconds = self.windows + 1, self.seconds + seconds

    def result(self, index: int, failure: AudioError | None) -> ClipScore:
        if failure is not None or not self.windows:
            return ClipScore(index, None, self.windows, self.seconds, failure)
        return ClipScore(index, np.asarray(self.total) / self.windows, self.windows, self.seconds)


def _windows(clips: Sequence[Clip], prepare: Preparation, window: float) -> Iterator[_Window]:
    """All windows of all clips; the last one of each clip, or its failure, is marked."""
    for index, clip in enumerate(clips):
        held: Tensor | None = None
        try:
            for waveform in clip_windows(clip, prepare, window):
                if held is not None:
                    yield _Window(index, held, len(held) / prepare.sample_rate, last=False)
                held = waveform
        except AudioError as e:
            yield _Window(index, None, 0.0, last=True, failure=e)
            continue
        assert held is not None
        yield _Window(index, held, len(held) / prepare.sample_rate, last=True)


def _grouped(windows: Iterable[_Window], most: int) -> Iterator[list[_Window]]:
    """Runs of windows that hold about `most` samples together."""
    group: list[_Window] = []
    held = 0
    for w in windows:
        group.append(w)
        held += 0 if w.waveform is None else len(w.waveform)
        if held >= most:
            yield group
            group, held = [], 0
    if group:
        yield group


def log_loss(scores: np.ndarray, targets: np.ndarray, known: np.ndarray, multilabel: bool) -> float:
    """The plain mean loss of probabilities: cross-entropy, or binary cross-entropy over the known targets.

    Args:
        scores: `(N, C)`.
        targets: `(N, C)`.
        known: `(N, C)` bool.
    """
    p = np.clip(scores, 1e-12, 1 - 1e-12 if multilabel else 1.0)
    if multilabel:
        terms = -(targets * np.log(p) + (1 - targets) * np.log(1 - p))
        return float(terms[known].mean()) if known.any() else float("nan")
    return float(-(targets * np.log(p)).sum(1).mean())
