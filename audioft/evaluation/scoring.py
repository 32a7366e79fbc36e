"""From a model and recordings to probabilities: the one way that validation, evaluation and prediction share."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from audioft.audio.sounds import Sound
from audioft.core.runtime import evaluating
from audioft.data.batching import batches_of, pad
from audioft.data.clip import Clip
from audioft.data.dataset import Preparation
from audioft.data.prefetch import ahead
from audioft.data.windowed import Window, clip_windows
from audioft.errors import AudioError
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder
from audioft.models.log_mel import LogMel

# On a processor, larger batches are no quicker and take more memory.
BATCH_SECONDS = {"cpu": 20.0, "cuda": 60.0}
#: What a batch costs besides its seconds, in seconds: on a processor a clip alone is nearly as quick as in a batch.
APART_SECONDS = {"cpu": 0.5, "cuda": 5.0}
#: Windows of so many batches are looked at together, to put like lengths beside each other. Of recordings of 0.5 to
#: 12 s 1 % is padding then; of twice as many it would be as much, and they are held in memory.
PENDING_BATCHES = 8


@dataclass(frozen=True)
class WindowScores:
    """What a model says of one window; or, with `last`, that a recording has come to its end.

    Attributes:
        index: position of the recording in what was scored.
        start, end: the window, in seconds from the beginning of the clip.
        scores: `(K, C)` float64 probabilities: one row for the window, or of a model that labels frames one row a
            frame; None where `last`.
        last: nothing more comes of this recording.
        failure: where `last`, why it broke off; None if it did not.
    """

    index: int
    start: float = 0.0
    end: float = 0.0
    scores: np.ndarray | None = None
    last: bool = False
    failure: AudioError | None = None


@dataclass(frozen=True)
class ClipScore:
    """What a model says of one clip.

    Attributes:
        index: position of the clip in what was scored.
        scores: `(C,)` float64 probabilities, the mean over the clip's windows; None if nothing of it could be scored.
        windows: how many windows that were.
        seconds: the audio that went through the model, overlaps counted each time.
        failure: why the clip could not be scored, or only up to where it breaks off.
    """

    index: int
    scores: np.ndarray | None
    windows: int
    seconds: float
    failure: AudioError | None = None


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


def by_clip(found: Iterable[WindowScores], progress: Callable[[float], None] | None = None) -> Iterator[ClipScore]:
    """The means over each clip's windows; `progress` is told how many seconds of the clips have been heard."""
    total: np.ndarray | float = 0.0
    windows, seconds, before, reached = 0, 0.0, 0.0, 0.0
    for one in found:
        if one.scores is not None:
            total = total + one.scores.mean(0)
            windows, seconds, reached = windows + 1, seconds + one.end - one.start, before + one.end
            if progress is not None:
                progress(reached)
        if one.last:
            mean = np.asarray(total) / windows if windows else None
            yield ClipScore(one.index, mean, windows, seconds, one.failure)
            total, windows, seconds, before = 0.0, 0, 0.0, reached


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
    batch_seconds = batch_seconds or BATCH_SECONDS.get(device.type, 60.0)
    most = max(1, round(batch_seconds * prepare.sample_rate))
    apart = round(APART_SECONDS.get(device.type, 5.0) * prepare.sample_rate)
    entries = flat(sources) if at_once else flat_ahead(sources, most * PENDING_BATCHES)
    with evaluating(model), contextlib.closing(entries):  # so that nothing is read any more
        # a few at first, so that the model need not wait until many are read
        for group in grouped(entries, 1 if at_once else most * PENDING_BATCHES, first=2 * most):
            heard = [i for i, (_, w, _) in enumerate(group) if w is not None]
            waveforms = [group[i][1].waveform for i in heard]  # type: ignore[union-attr]
            scores: dict[int, np.ndarray] = {}
            due = 0
            for batch in [*batches_of(waveforms, most, apart, model.encoder.canvas_samples), []]:
                if batch:
                    found = compute([waveforms[i] for i in batch])
                    scores.update(zip((heard[i] for i in batch), found, strict=True))
                # each is given as soon as its turn has come
                while due < len(group) and (group[due][1] is None or due in scores):
                    yield _scored(group[due], scores.pop(due, None), prepare.per_second)
                    due += 1


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


Entry = tuple[int, Window | None, AudioError | None]  # which recording, its window, or at its end why it broke off


def _scored(entry: Entry, scores: np.ndarray | None, rate: int) -> WindowScores:
    index, window, failure = entry
    if window is None:
        return WindowScores(index, last=True, failure=failure)
    return WindowScores(index, window.start / rate, (window.start + window.samples) / rate, scores)


def flat(sources: Iterable[Iterator[Window]]) -> Generator[Entry]:
    """All windows of all recordings, and an entry without a window at the end of each."""
    for index, source in enumerate(sources):
        failure = None
        try:
            for window in source:
                yield index, window, None
        except AudioError as e:
            failure = e
        yield index, None, failure


def flat_ahead(sources: Iterable[Iterator[Window]], most: int) -> Generator[Entry]:
    """As `flat`, read by threads so that up to `most` samples are there before they are asked for."""
    with contextlib.closing(ahead(sources, lambda window: len(window.waveform), most)) as read:
        yield from flat(read)


def grouped(entries: Iterable[Entry], most: int, first: int | None = None) -> Iterator[list[Entry]]:
    """Runs of entries whose windows hold about `most` samples together; `first` at first, then twice as many each."""
    group: list[Entry] = []
    held, enough = 0, min(first or most, most)
    for entry in entries:
        group.append(entry)
        held += 0 if entry[1] is None else len(entry[1].waveform)
        if held >= enough:
            yield group
            group, held, enough = [], 0, min(2 * enough, most)
    if group:
        yield group
