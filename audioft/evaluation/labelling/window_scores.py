"""Windows of recordings put into batches for a model, whatever computes it, and what it says of them put together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from audioft.data.buckets import batches_of
from audioft.data.prefetch import ahead
from audioft.data.windowed import Window
from audioft.errors import AudioError

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


@dataclass(frozen=True)
class Batching:
    """How windows are put into batches.

    Attributes:
        most: samples of a batch, padding and canvas included.
        apart: what a batch costs besides its samples, in samples.
        canvas: samples that a shorter window counts for, as the encoder computes them for every one.
    """

    most: int
    apart: int
    canvas: int

    @classmethod
    def of(cls, sample_rate: int, device: str, seconds: float | None, canvas: int) -> Batching:
        """What suits a device, `cpu` or `cuda`; with `seconds` of audio in a batch if given."""
        most = (seconds or BATCH_SECONDS.get(device, 60.0)) * sample_rate
        return cls(max(1, round(most)), round(APART_SECONDS.get(device, 5.0) * sample_rate), canvas)


def over_windows(
    sources: Iterable[Iterator[Window]],
    compute: Callable[[list[Any]], list[np.ndarray]],
    batching: Batching,
    per_second: int,
    at_once: bool = False,
) -> Iterator[WindowScores]:
    """What is computed of recordings window by window, batched across windows and recordings; in the memory of a few
    batches.

    Args:
        sources: of each recording its windows; an AudioError ends a recording.
        compute: `(K, C)` of each of the waveforms of a batch, `(T_i,)`.
        batching: how much goes through at once.
        per_second: samples of a second of a recording.
        at_once: compute each window as it comes, for what arrives live; otherwise several batches are waited for.

    Yields:
        The windows in order, and after the last one of each recording its end.
    """
    most = batching.most
    entries = flat(sources) if at_once else flat_ahead(sources, most * PENDING_BATCHES)
    with contextlib.closing(entries):  # so that nothing is read any more
        # a few at first, so that the model need not wait until many are read
        for group in grouped(entries, 1 if at_once else most * PENDING_BATCHES, first=2 * most):
            heard = [i for i, (_, w, _) in enumerate(group) if w is not None]
            waveforms = [group[i][1].waveform for i in heard]  # type: ignore[union-attr]
            scores: dict[int, np.ndarray] = {}
            due = 0
            for batch in [*batches_of(waveforms, most, batching.apart, batching.canvas), []]:
                if batch:
                    found = compute([waveforms[i] for i in batch])
                    scores.update(zip((heard[i] for i in batch), found, strict=True))
                # each is given as soon as its turn has come
                while due < len(group) and (group[due][1] is None or due in scores):
                    yield _scored(group[due], scores.pop(due, None), per_second)
                    due += 1


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
