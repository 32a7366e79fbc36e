"""Recordings labelled by one process or shared out over several: the steps behind `audioft.predict`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from typing import Unpack

from audioft.core.progress import Console, Progress
from audioft.core.runtime import Processes
from audioft.data.clip import Clip
from audioft.data.inputs import unlabelled
from audioft.errors import DataError, Problem, grouped
from audioft.inference.listening import listening
from audioft.inference.prediction import Prediction
from audioft.inference.predictor import Predictor
from audioft.inference.window_grid import Grid

#: Recordings a process labels before what all of them found is brought together: so many rows are held, and at the end
#: of so many a process may wait for another.
ROUND = 1024


def label(
    predictor: Predictor,
    inputs: Sequence[str],
    *,
    console: Console,
    skip: Collection[str] = (),
    processes: Processes | None = None,
    **grid: Unpack[Grid],
) -> Iterator[Prediction]:
    """See `audioft.predict`; with `processes`, the first one is given all predictions and the others none.

    Raises:
        DataError: there are no inputs.
    """
    notes: list[str] = []
    clips, failures = unlabelled(inputs, notes)
    for note in notes:
        console.say(f"note: {note}")
    if not clips and not failures:
        raise DataError("nothing to label: no inputs were given")
    left_out = frozenset(skip)
    clips = [c for c in clips if c.name not in left_out]
    with listening(console, "labelling", clips) as progress:
        if processes is None or processes.count == 1:
            found = predictor.predict(clips, progress, **grid)
        else:
            found = _in_rounds(predictor, clips, processes, progress, **grid)
        heard = []
        for p in found:
            if p.note:
                heard.append(Problem(p.path, p.note))
            yield p
    for told in grouped(heard):
        console.say(f"note: {told}")
    if processes is None or processes.main:
        for failure in failures:
            yield Prediction(failure.path, None, float("nan"), error=failure)


def _in_rounds(
    predictor: Predictor, clips: Sequence[Clip], processes: Processes, progress: Progress, **grid: Unpack[Grid]
) -> Iterator[Prediction]:
    each = ROUND * processes.count
    heard = 0.0
    for start in range(0, len(clips), each):
        part = clips[start : start + each]
        mine = shares([_weight(clip) for clip in part], processes.count)[processes.rank]

        def told(seconds: float, before: float = heard) -> None:
            progress(before + seconds * processes.count)

        own = list(predictor.predict([part[i] for i in mine], told, **grid))
        found = processes.gather(list(zip(mine, own, strict=True)))
        heard += sum(p.seconds for _, p in found)
        if processes.main:
            yield from (p for _, p in sorted(found, key=lambda entry: entry[0]))


def _weight(clip: Clip) -> int:
    """What a recording takes to label: its bytes go with its seconds, and are known without opening it."""
    try:
        return os.stat(clip.path).st_size
    except OSError:
        return 0


def shares(weights: Sequence[int], count: int) -> list[list[int]]:
    """Positions shared out so that each of `count` shares has about the same weight; each in order.

    The heaviest first, each to the share that is lightest so far (Graham 1969): at most 4/3 of the best possible.

    >>> shares([5, 1, 1, 1, 2], 2)
    [[0], [1, 2, 3, 4]]
    """
    sums, found = [0] * count, [list[int]() for _ in range(count)]
    for i in sorted(range(len(weights)), key=lambda i: (-weights[i], i)):
        least = min(range(count), key=lambda k: (sums[k], len(found[k])))
        found[least].append(i)
        sums[least] += weights[i]
    return [sorted(share) for share in found]
