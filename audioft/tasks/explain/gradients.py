"""Integrated gradients (Sundararajan et al. 2017) along the way from a sound's background to the sound, by captum.

The attributions add up to what the sound changes against its background: completeness, which is checked. The way is
walked in pieces, and where the sum misses the difference, the piece that misses most is halved: an encoder that brings
every clip to one level changes most close to the background, where steps of one length would see nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from audioft.errors import UsageError
from audioft.tasks.explain.evidence import Evidence, share
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.stft import Spectrum

COMPLETE = 0.01  # the largest share of the difference that may be missed
STEPS = 8  # of a piece of the way, at the nodes of Gauss and Legendre
BEGUN = (0.0, 0.01, 0.1, 0.4, 1.0)  # pieces to begin with
MOST = 16  # pieces
_BACK = 3  # what a pass forward and back takes, in passes forward

Inputs = Callable[[Tensor], Tensor]  # what is attributed to, to sounds `(M, N)`


def passes(places: int) -> int:
    """How many passes so many places on the way have taken: each beyond the first ones has halved a piece.

    >>> passes(len(BEGUN)), MOST_PASSES
    (101, 689)
    """
    halved = places - len(BEGUN)
    return places + _BACK * STEPS * (len(BEGUN) - 1 + 2 * halved)


MOST_PASSES = passes(MOST + 1)


def over_spectrum(spectrum: Spectrum, log_odds: LogOdds) -> Evidence:
    """Attributed to real and imaginary parts of the transform, which are summed in cells."""
    ends = torch.view_as_real(spectrum.background), torch.view_as_real(spectrum.own)

    def sounds(parts: Tensor) -> Tensor:
        return spectrum.sound(torch.view_as_complex(parts.contiguous()))

    found, whole, background, passes, gap = _along(ends, sounds, spectrum, log_odds)
    return Evidence(spectrum.gathered(found.sum(-1)).double().cpu().numpy(), whole, background, passes, gap)


def over_samples(spectrum: Spectrum, log_odds: LogOdds) -> Evidence:
    """Attributed to samples, which are summed in moments: one band of all pitches, `(T, 1)`.

    No method of `audioft explain`: deletion by it is no better than at random, see docs/explain.md.
    """
    ends = spectrum.sound(spectrum.background), spectrum.sound(spectrum.own)
    found, whole, background, passes, gap = _along(ends, lambda samples: samples, spectrum, log_odds)
    at = np.arange(len(found)) / spectrum.rate
    moments = np.clip(np.searchsorted(spectrum.cells.times, at, side="right") - 1, 0, spectrum.cells.shape[0] - 1)
    values = np.bincount(moments, weights=found.double().cpu().numpy(), minlength=spectrum.cells.shape[0])
    return Evidence(values[:, None], whole, background, passes, gap)


def captum_there() -> bool:
    """Whether captum is installed; nothing is imported for it."""
    import importlib.util

    return importlib.util.find_spec("captum") is not None


def refuse_without_captum(method: str) -> None:
    """Raise a UsageError where the method needs captum and it is not there."""
    if not captum_there():
        raise UsageError(
            f"method {method} needs captum: `pip install 'audioft[explain]'`, or take method occlusion, which needs "
            "nothing"
        )


def _along(
    ends: tuple[Tensor, Tensor], sounds: Inputs, spectrum: Spectrum, log_odds: LogOdds
) -> tuple[Tensor, float, float, int, float]:
    """Attributions of the shape of an end, log-odds at the end and at the beginning, passes, and the gap."""
    from captum.attr import IntegratedGradients

    first, last = ends

    def at(place: float) -> Tensor:
        return (first + place * (last - first))[None]

    def value(place: float) -> float:
        with torch.no_grad():
            return float(log_odds(sounds(at(place)))[0])

    attributed = IntegratedGradients(lambda parts: log_odds(sounds(parts)))
    batch = log_odds.at_once(len(spectrum.samples))

    def piece(low: float, high: float) -> Tensor:
        how = {"n_steps": STEPS, "method": "gausslegendre", "internal_batch_size": batch}
        return attributed.attribute(at(high), baselines=at(low), **how)[0].detach()

    values = {place: value(place) for place in BEGUN}
    pieces = {ends: piece(*ends) for ends in itertools.pairwise(BEGUN)}
    total = values[1.0] - values[0.0]
    while True:
        gaps = {(a, b): values[b] - values[a] - float(p.double().sum()) for (a, b), p in pieces.items()}
        gap = share(sum(map(abs, gaps.values())), total)
        if gap <= COMPLETE or len(pieces) >= MOST:
            break
        low, high = max(gaps, key=lambda ends: abs(gaps[ends]))
        middle = math.sqrt(low * high) if low else high / 10
        values[middle] = value(middle)
        del pieces[low, high]
        pieces |= {(low, middle): piece(low, middle), (middle, high): piece(middle, high)}
    missed = share(sum(gaps.values()), total)
    return torch.stack(list(pieces.values())).sum(0), values[1.0], values[0.0], passes(len(values)), missed
