"""What was found in a recording held against what happens in it: segment by segment, and event by event.

Both are sed_eval's (Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences
6(6), 162, 2016), with its rounding: times are compared as the floats they are, so that of two pairs of events that are
said to lie exactly a collar apart one may be near enough and the other not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from audioft.annotations.frames import times_by_label
from audioft.evaluation.event_counts import Counts, Heard


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
