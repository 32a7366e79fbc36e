"""A stream of blocks as a whole, and a long recording in windows: where they lie, and the windows themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


def joined(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Blocks that follow one another as one array `(T,)` float32; an empty one where there are none."""
    held = list(blocks)
    return np.concatenate(held) if held else np.zeros(0, np.float32)


def spans(samples: int, window: int, hop: int | None = None) -> list[tuple[int, int]]:
    """Where the windows of a recording lie.

    A recording of at most one window is one span, however short it is: whether 1 or 399 samples are enough is
    for the caller to say. A longer one has windows at 0, hop, 2 hop, ...; what the last of them would leave
    over at the end is covered by one more window that is moved back to end with the recording, so that every
    window is full.

    Args:
        samples: length of the recording, >= 0.
        window: length of a window in samples, >= 1.
        hop: distance of windows in samples, 1 to `window`; None is `window`.

    Returns:
        Pairs (start, stop) in samples, in order; none for a recording of 0 samples.

    Raises:
        ValueError: window or hop out of range (a hop over the window would leave samples out).

    >>> spans(0, 400), spans(1, 400), spans(399, 400), spans(400, 400)
    ([], [(0, 1)], [(0, 399)], [(0, 400)])
    >>> spans(1000, 400)
    [(0, 400), (400, 800), (600, 1000)]
    """
    hop = _checked(window, hop)
    if samples <= window:
        return [(0, samples)] if samples > 0 else []
    starts = list(range(0, samples - window + 1, hop))
    if starts[-1] + window < samples:
        starts.append(samples - window)
    return [(start, start + window) for start in starts]


def cut(blocks: Iterable[np.ndarray], window: int, hop: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """The windows of `spans` out of a stream of blocks; two windows and a block are held at a time.

    Args:
        blocks: arrays `(T_i,)` that follow one another; empty ones are allowed.
        window: length of a window in samples, >= 1.
        hop: distance of windows in samples, 1 to `window`; None is `window`.

    Yields:
        (start in samples, array `(window,)`, or shorter where the whole recording is).

    >>> [(start, list(w)) for start, w in cut([np.arange(3), np.arange(3, 5)], 2)]
    [(0, [np.int64(0), np.int64(1)]), (2, [np.int64(2), np.int64(3)]), (3, [np.int64(3), np.int64(4)])]
    """
    hop = _checked(window, hop)
    held: list[np.ndarray] = []
    offset, total, due = 0, 0, 0  # where `held` begins, what has arrived, the start of the next window
    for block in blocks:
        held.append(block)
        total += len(block)
        if total < due + window:
            continue
        whole = np.concatenate(held)
        while due + window <= total:
            yield due, whole[due - offset : due - offset + window].copy()
            due += hop
        # the last window may be moved back to anywhere behind the start of the one before
        keep = max(0, due - hop - offset)
        held, offset = [whole[keep:].copy()], offset + keep
    if total == 0:
        return
    whole = np.concatenate(held)
    if due == 0:
        yield 0, whole
    elif due - hop + window < total:
        yield total - window, whole[total - window - offset :]


def _checked(window: int, hop: int | None) -> int:
    if window < 1:
        raise ValueError(f"a window of {window} samples: expected at least 1")
    hop = window if hop is None else hop
    if not 1 <= hop <= window:
        raise ValueError(f"a hop of {hop} samples for windows of {window}: expected 1 to {window}")
    return hop
