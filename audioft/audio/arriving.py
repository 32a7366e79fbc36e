"""A recording's samples on their way to an encoder, and what is to be said of what does not arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from audioft.audio.beyond import Beyond, differs
from audioft.audio.hearing import Hearing
from audioft.audio.silence import RESAMPLED


def arriving(
    path: object,
    pieces: Iterable[np.ndarray],
    source: int,
    how: Hearing,
    note: Callable[[str], None] | None = None,
) -> Iterator[np.ndarray]:
    """What reaches the encoder, see `Hearing.heard`.

    Args:
        path: what failures name.
        pieces: arrays `(T_i,)` float32 at `source` Hz that follow one another.
        source: Hz.
        how: they reach it.
        note: told at the end, where most of the energy, or all, has not arrived; None where it does not matter, as of
            a cut.

    Raises:
        AudioError: at stage `check`: `source` is below the band that is heard.
    """
    how.refuse(path, source)
    if note is None or (how.plain and not differs(source, how)):
        yield from how.heard(pieces, source)
        return
    if said := how.lacking(source):
        note(said)
    if not differs(source, how):
        yield from how.heard(pieces, source)
        return
    beyond, low, high = Beyond(source, how), np.inf, -np.inf
    for piece in how.heard(_weighed(pieces, beyond), source):
        low, high = min(low, float(piece.min())), max(high, float(piece.max()))
        yield piece
    if said := (beyond.nothing() if high - low <= RESAMPLED else "") or beyond.told():
        note(said)


def _weighed(pieces: Iterable[np.ndarray], beyond: Beyond) -> Iterator[np.ndarray]:
    for piece in pieces:
        beyond.take(piece)
        yield piece
