"""Clips of like length put together, so that little of what a model computes is padding."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized

import numpy as np

POOL = 32  # batches whose clips are sorted together: more pad less, and leave a clip the same neighbours more often
_ROUNDING = 1e-6  # seconds


def buckets(seconds: np.ndarray, budget: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Positions in batches of at most `budget` seconds after padding, like lengths together, in a random order.

    What comes in a random order is cut into pools of some 32 batches, at least two where there are four batches. Each
    is sorted by length, one falling and the next rising, so that neighbours across a border are alike too and only
    the last batch of all is not full. Who lies beside whom thus depends on the order that is given; which batch comes
    when, on `rng`.

    Args:
        seconds: `(N,)`, the length of each clip, above 0, in the order in which they were drawn.
        budget: seconds; a longer clip is a batch of its own.
        rng: is drawn from once.

    >>> [b.tolist() for b in buckets(np.array([5.0, 1.0, 4.0, 2.0]), 8.0, np.random.default_rng(0))]
    [[1], [0], [2, 3]]
    """
    batches = float(seconds.sum()) / budget
    pools = max(1 if batches < 4 else 2, math.ceil(batches / POOL))
    order = np.concatenate(
        [
            chunk[np.argsort(seconds[chunk] if i % 2 else -seconds[chunk], kind="stable")]
            for i, chunk in enumerate(np.array_split(np.arange(len(seconds)), pools))
        ]
    )
    found = np.split(order, ends(seconds[order], budget)[:-1])
    return [found[i] for i in rng.permutation(len(found))]


def ends(seconds: np.ndarray, budget: float) -> list[int]:
    """Where to cut a sequence of N clips so that each part, padded, is as large as fits; the last one is N.

    >>> ends(np.array([4.0, 3.0, 1.0, 1.0, 9.0]), 8.0)
    [2, 4, 5]
    """
    found, count, longest = [], 0, 0.0
    for i, length in enumerate(seconds.tolist()):  # faster than arrays as short as a batch
        longest = max(longest, length)
        if count and longest * (count + 1) > budget + _ROUNDING:
            found.append(i)
            count, longest = 0, length
        count += 1
    return [*found, len(seconds)]


def padding(batches: list[np.ndarray], canvas: float = 0.0) -> float:
    """The share, 0 to 1, of what goes through a model that is padding, of batches of clips of these seconds.

    A clip goes through as long as the longest of its batch, and for at least the seconds of the `canvas`.

    >>> padding([np.array([4.0, 2.0]), np.array([1.0])]), padding([np.array([4.0, 2.0])], canvas=30)
    (0.2222222222222222, 0.9)
    """
    whole = sum(len(b) * max(canvas, float(b.max())) for b in batches if len(b))
    return 1 - sum(float(b.sum()) for b in batches) / whole if whole else 0.0


def batches_of(waveforms: Sequence[Sized], most: int, apart: int = 8000, canvas: int = 0) -> list[list[int]]:
    """Positions in batches of at most `most` samples after padding, long ones first, like lengths together.

    Of all ways to cut the clips in the order of their lengths it is the one that costs least, found from the last cut
    back (dynamic programming).

    Args:
        waveforms: clips `(T_i,)`.
        most: samples; a longer clip is alone.
        apart: what a batch costs besides its samples, padding included, in samples; half a second at 16 kHz if not
            given.
        canvas: samples that a shorter clip counts for, as an encoder computes them for every clip.

    >>> clips = [np.zeros(n) for n in (5, 1, 4, 2)]
    >>> batches_of(clips, most=8, apart=1), batches_of(clips, most=8, apart=1, canvas=4)
    ([[0], [2], [3, 1]], [[0], [1], [2, 3]])
    """
    lengths = np.array([max(len(w), canvas) for w in waveforms], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    cost = np.full(len(order) + 1, np.inf)  # of the clips before each cut
    cost[0], last = 0, np.zeros(len(order) + 1, dtype=np.int64)  # and where the cut before it is
    for begin, length in enumerate(lengths[order].tolist()):
        count = max(1, min(most // max(1, length), len(order) - begin))
        ends = slice(begin + 1, begin + count + 1)
        reached = cost[begin] + apart + length * np.arange(1, count + 1)
        better = reached < cost[ends]
        cost[ends][better], last[ends][better] = reached[better], begin
    batches, end = [], len(order)
    while end > 0:
        batches.append(order[last[end] : end].tolist())
        end = int(last[end])
    return batches[::-1]
