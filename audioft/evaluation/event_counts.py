"""What was found in recordings held against what happens in them, segment by segment and event by event: counts.

Both ways to count are sed_eval's (Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection",
Applied Sciences 6(6), 162, 2016), with its rounding: times are compared as the floats they are, so that of two pairs of
events that are said to lie exactly a collar apart one may be near enough and the other not. Counts add up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audioft.annotations.event import Event
from audioft.annotations.frames import times_by_label
from audioft.evaluation.ratios import ratio


@dataclass(frozen=True)
class Heard:
    """What is compared for one recording.

    Attributes:
        name: what messages call the recording.
        seconds: how much of it was heard, from its beginning; what lies beyond is in no segment.
        reference: what happens, in any order.
        found: what a model found, in any order.
    """

    name: str
    seconds: float
    reference: Sequence[Event]
    found: Sequence[Event]


@dataclass(frozen=True, eq=False)
class Counts:
    """How much was found, missed and made up, for each label; counts of several recordings add up.

    The figures are nan where there is nothing to divide by.

    Attributes:
        true: `(C,)`, what was found and is there; `(R, C)` for R weightings of recordings at once.
        missed: of that shape, what is there and was not found.
        false: of that shape, what was found and is not there.
        swapped: `()` or `(R,)`, of segments: how often one label was found in place of another in the same segment,
            S in sed_eval. 0 of events, for which it would depend on which of several best matchings is taken.

    >>> both = Counts(np.array([3, 0]), np.array([1, 2]), np.array([1, 0]), np.array(0))
    >>> both.f1.tolist(), both.precision.tolist(), both.overall.recall.tolist()
    ([0.75, 0.0], [0.75, nan], 0.5)
    """

    true: np.ndarray
    missed: np.ndarray
    false: np.ndarray
    swapped: np.ndarray

    @property
    def reference(self) -> np.ndarray:
        """How much there is, N_ref in sed_eval."""
        return self.true + self.missed

    @property
    def found(self) -> np.ndarray:
        """How much was found, N_sys in sed_eval."""
        return self.true + self.false

    @property
    def precision(self) -> np.ndarray:
        return ratio(self.true, self.found)

    @property
    def recall(self) -> np.ndarray:
        return ratio(self.true, self.reference)

    @property
    def f1(self) -> np.ndarray:
        """2 true / (reference + found): 0 for a label that is there and never found, or found and never there."""
        return ratio(2 * self.true, self.reference + self.found)

    @property
    def overall(self) -> Counts:
        """All labels as one, arrays of shape `()` or `(R,)`: what micro averages are of."""
        return Counts(self.true.sum(axis=-1), self.missed.sum(axis=-1), self.false.sum(axis=-1), self.swapped)

    @staticmethod
    def total(parts: Sequence[Counts], weights: np.ndarray | None = None) -> Counts:
        """The counts of N recordings together.

        Args:
            parts: N counts of C labels, at least one.
            weights: `(R, N)`, how often each recording counts; once if None.

        Returns:
            Counts of shape `(R, C)`; `(C,)` without weights.
        """
        once = np.ones(len(parts)) if weights is None else weights
        names = ("true", "missed", "false", "swapped")
        return Counts(*(once @ np.stack([getattr(p, name) for p in parts]) for name in names))


def segment_counts(labels: Sequence[str], recording: Heard, resolution: float = 1.0) -> Counts:
    """Count segments: a label is active in a segment if any of its events reaches into it.

    The last segment may be shorter. Segment k begins at `k * resolution`; an event is active from the floor of
    `start / resolution` to the ceiling of `end / resolution`, exclusive, however little it reaches into them.

    Args:
        labels: the C labels counted.
        recording: what is compared.
        resolution: seconds a segment lasts, above 0.

    Raises:
        ValueError: an event has another label, or `resolution` is out of range.

    >>> from audioft.annotations.event import Event
    >>> heard = Heard("a.wav", 4.0, [Event("dog", 0.5, 2.5)], [Event("dog", 1.0, 2.0), Event("cat", 2.5, 3.5)])
    >>> counts = segment_counts(("cat", "dog"), heard)
    >>> counts.true.tolist(), counts.missed.tolist(), counts.false.tolist(), counts.swapped.tolist()
    ([0, 1], [0, 2], [2, 0], 1)
    """
    if not resolution > 0:
        raise ValueError(f"resolution is {resolution}; expected a length in seconds above 0")
    reference = times_by_label(labels, recording.reference, recording.name)
    found = times_by_label(labels, recording.found, recording.name)
    used = sorted({*reference, *found})
    shape = len(used), math.ceil(recording.seconds / resolution)
    active = np.zeros((2, *shape), dtype=bool)
    for side, times in zip(active, (reference, found), strict=True):
        for row, c in enumerate(used):
            for start, end in times.get(c, ()):
                side[row, math.floor(start / resolution) : math.ceil(end / resolution)] = True
    there, heard = active
    missed, false = there & ~heard, heard & ~there
    sums = np.zeros((3, len(labels)), dtype=np.int64)
    sums[:, used] = [cells.sum(axis=1) for cells in (there & heard, missed, false)]
    swapped = np.minimum(missed.sum(axis=0), false.sum(axis=0)).sum()
    return Counts(sums[0], sums[1], sums[2], swapped)


def event_counts(
    labels: Sequence[str],
    recording: Heard,
    collar: float = 0.2,
    offset_share: float = 0.5,
    with_offset: bool = True,
) -> Counts:
    """Count events: one is found if one of the same label begins, and ends, at about the same time.

    Each event is matched with one at most, in such a way that as many as possible are (a maximum bipartite matching,
    sed_eval's `optimal`).

    Args:
        labels: the C labels counted.
        recording: what is compared; all its events, those beyond `seconds` too.
        collar: seconds by which the beginnings may differ, and the ends in any case; at least 0.
        offset_share: share of the reference's length by which the ends may differ, if it is more; 0 to 1.
        with_offset: whether the ends are compared at all.

    Raises:
        ValueError: an event has another label, or an argument is out of range.

    >>> from audioft.annotations.event import Event
    >>> heard = Heard("a.wav", 9.0, [Event("dog", 1.0, 3.0), Event("dog", 5.0, 5.2)], [Event("dog", 1.1, 3.9)])
    >>> event_counts(("cat", "dog"), heard).true.tolist(), event_counts(("cat", "dog"), heard).missed.tolist()
    ([0, 1], [0, 1])
    """
    if not collar >= 0 or not 0 <= offset_share <= 1:
        raise ValueError(
            f"collar is {collar} and offset_share {offset_share}; expected at least 0 seconds and a share of 0 to 1"
        )
    reference = times_by_label(labels, recording.reference, recording.name)
    found = times_by_label(labels, recording.found, recording.name)
    true, there, heard = np.zeros((3, len(labels)), dtype=np.int64)
    for column, times in ((there, reference), (heard, found)):
        column[list(times)] = [len(t) for t in times.values()]
    for c in reference.keys() & found.keys():
        true[c] = _matched(reference[c], found[c], collar, offset_share if with_offset else None)
    return Counts(true, there - true, heard - true, np.array(0))


def _matched(reference: np.ndarray, found: np.ndarray, collar: float, share: float | None) -> int:
    """The size of a maximum matching of events, `(K, 2)` and `(M, 2)`; the ends count for nothing if `share` is None.

    Only pairs that begin near each other are looked at, so thousands of events are no trouble.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    found = found[np.argsort(found[:, 0], kind="stable")]
    reach = collar + 1e-6  # a little too far, so that the comparison below decides and not the rounding here
    first = np.searchsorted(found[:, 0], reference[:, 0] - reach)
    last = np.searchsorted(found[:, 0], reference[:, 0] + reach)
    near = last - first
    i = np.repeat(np.arange(len(reference)), near)
    j = np.arange(len(i)) - np.repeat(np.cumsum(near) - last, near)  # first[k], ..., last[k] - 1 for each k
    apart = np.abs(reference[i] - found[j])
    fits = apart[:, 0] <= collar
    if share is not None:
        fits &= apart[:, 1] <= np.maximum(collar, share * (reference[i, 1] - reference[i, 0]))
    i, j = i[fits], j[fits]
    if max(np.bincount(i, minlength=1).max(), np.bincount(j, minlength=1).max()) <= 1:
        return len(i)  # no event has a choice, as is usual
    pairs = csr_array((np.ones(len(i), dtype=bool), (i, j)), shape=(len(reference), len(found)))
    return int((maximum_bipartite_matching(pairs, perm_type="column") >= 0).sum())
