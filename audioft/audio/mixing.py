"""Channels made into one.

They are mixed by their mean. Where they cancel each other in it, as a cable with two wires swapped makes them, the
loudest channel is taken; and channels that are dead do not make the others quieter. That is decided once a recording,
by its first seconds, so every part of it is mixed in the same way whoever reads it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

#: Seconds from a recording's beginning that decide, and the most values of all channels that are held for it.
LOOK, _MOST = 10.0, 2**23
_LOOKED_AT = 4_000  # of these frames, evenly spread
_DEAD = 1e-6  # of the loudest channel's power: -60 dB
_CANCELLED = 1e-2  # of the loudest channel's power that is left in the mean: -20 dB


@dataclasses.dataclass(frozen=True, slots=True)
class Mix:
    """How channels become one: their mean times `gain`, or the channel `only`; `said` of it, if it is no plain mean."""

    gain: float = 1.0
    only: int | None = None
    said: str = ""

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """`(T, channels)` as `(T,)`."""
        if self.only is not None:
            return np.ascontiguousarray(samples[:, self.only])
        mean = _mean(samples)
        return mean if self.gain == 1.0 else mean * np.float32(self.gain)


PLAIN = Mix()


def look(rate: int, channels: int) -> int:
    """How many frames from the beginning decide."""
    return 0 if channels < 2 else max(1, min(round(LOOK * rate), _MOST // channels))


def decided(pieces: Sequence[np.ndarray]) -> Mix:
    """The mix of a recording that begins with `(T_i, channels)`."""
    if not pieces or pieces[0].shape[1] < 2:
        return PLAIN
    step = max(1, sum(map(len, pieces)) // _LOOKED_AT)
    found = _mix(np.concatenate([piece[::step] for piece in pieces], dtype=np.float64))
    if found is None:  # between what was looked at there may have been something
        changing = [piece for piece in pieces if (piece != piece[0]).any()]
        found = _mix(np.concatenate(changing, dtype=np.float64)) if changing else None
    return found or PLAIN


def _mix(samples: np.ndarray) -> Mix | None:
    """The mix that `(T, channels)` ask for; None where there is no sound in any."""
    if not np.isfinite(samples).all():
        return PLAIN
    rows = np.ascontiguousarray(samples.T)  # sums along rows are ten times as fast
    channels, count = rows.shape
    # from sums of products alone: how channels vary, and how their mean does
    rows = rows - rows.mean(1, keepdims=True)
    products = rows @ rows.T / count
    powers = np.diag(products)
    loudest = int((powers >= 0.99 * powers.max()).argmax())  # of equal ones the first
    if powers[loudest] <= 1e-12:
        return None
    alive = powers > _DEAD * powers[loudest]
    gain = channels / int(alive.sum())
    left = products.sum() / channels**2 * gain**2
    if left < min(_CANCELLED, 8 * _CANCELLED / int(alive.sum())) * powers[loudest]:
        said = f"its {channels} channels cancel each other in their mean: channel {loudest + 1}, the loudest, is taken"
        return Mix(only=loudest, said=said)
    if gain > 1:
        dead = [str(i + 1) for i in np.flatnonzero(~alive)]
        which = f"channel {dead[0]} is" if len(dead) == 1 else f"channels {', '.join(dead)} are"
        return Mix(gain, said=f"{which} dead: the others alone make the level")
    return PLAIN


def _mean(samples: np.ndarray) -> np.ndarray:
    """The mean of the channels of `(T, channels)`, `(T,)`."""
    with np.errstate(invalid="ignore", over="ignore"):
        if samples.shape[1] == 2:  # to the same bits, and ten times as fast as a sum along rows of two
            return (samples[:, 0] + samples[:, 1]) / np.float32(2)
        return samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]
