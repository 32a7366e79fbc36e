"""Resampling of a stream of pieces, to the same samples as of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from audioft.errors import AudioError


def resampled(pieces: Iterable[np.ndarray], source: float, target: float, channels: int = 1) -> Iterator[np.ndarray]:
    """Change the sample rate of what follows one another (soxr, quality HQ).

    Where the pieces end does not show in the result. Where `pieces` breaks off with an AudioError, what came before
    it is given to its last sample, then the error is raised.

    Args:
        pieces: arrays `(T_i,)` float32 at `source` Hz, or `(T_i, channels)` of several channels.
        source, target: sample rates, Hz.
        channels: how many there are.

    Yields:
        Arrays `(T,)` float32 at `target` Hz, or `(T, channels)`, none of them empty.
    """
    stream = soxr.ResampleStream(source, target, channels, dtype="float32", quality="HQ")
    failure = None
    try:
        for piece in pieces:
            out = stream.resample_chunk(np.ascontiguousarray(piece))
            if len(out):
                yield out
    except AudioError as e:
        failure = e
    out = stream.resample_chunk(np.zeros(0 if channels == 1 else (0, channels), np.float32), last=True)
    if len(out):
        yield out
    if failure is not None:
        raise failure
