"""Sound that a program holds: arrays with a rate, checked and brought to mono."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from audioft.audio import mixing, remarks
from audioft.audio.arriving import arriving
from audioft.audio.beyond import NOTHING
from audioft.audio.hearing import Heard, Hearing
from audioft.audio.silence import LOUDEST
from audioft.errors import UsageError

LOWEST, HIGHEST = 1000, 1_000_000  # Hz
SHAPES = "expected one recording: (T,), (1, T), (2, T), (T, 1) or (T, 2)"


@dataclass(frozen=True)
class Sound:
    """A recording in memory; wherever windows are cut it stands for a `Clip`.

    Attributes:
        samples: `(T,)` float32, mono, 1 is the full scale.
        rate: Hz.
        name: for messages and predictions.
    """

    samples: np.ndarray
    rate: int
    name: str

    @property
    def path(self) -> str:
        """What failures name."""
        return self.name

    def blocks(self, rate: Heard, seconds: float = 30.0) -> Iterator[np.ndarray]:
        """The samples at another rate, or as they reach an encoder, piece by piece as a file would be read."""
        size = max(1, round(seconds * self.rate))
        pieces = (self.samples[i : i + size] for i in range(0, len(self.samples), size))
        return arriving(self.name, pieces, self.rate, Hearing.of(rate), self._note)

    def _note(self, said: str) -> None:
        if said.startswith(NOTHING):  # no list of recordings is told at the end, as of files
            remarks.keep(self.name, said)


def sound(given: Any, rate: Any, name: str) -> Sound:
    """Check what is given as samples.

    Args:
        given: an array or a tensor of floats between -1 and 1, or of integers of 8, 16 or 32 bits as files have them.
        rate: Hz.
        name: in messages.

    Raises:
        UsageError: no rate, a shape that may be meant in two ways, or values that are no samples.
    """
    array = _array(given, name)
    if rate is None:
        raise UsageError(f"{name} has no rate: say how many samples a second it has, `predict(array, rate=16000)`")
    number = isinstance(rate, int | float | np.integer | np.floating) and not isinstance(rate, bool)
    if not number or not LOWEST <= rate <= HIGHEST or rate != int(rate):
        raise UsageError(f"{name}: rate {rate!r} is not a whole number of Hz from {LOWEST:,} to {HIGHEST:,}")
    samples = _mono(array, int(rate), name)
    with np.errstate(invalid="ignore"):
        peak = float(np.nanmax(np.abs(samples), initial=0.0, where=np.isfinite(samples)))
    if peak > LOUDEST:
        raise UsageError(
            f"{name}: samples up to {peak:,.0f}, where 1 is the full scale; divide them by it (32768 for 16 bits)"
        )
    return Sound(samples, int(rate), name)


def _array(given: Any, name: str) -> np.ndarray:
    if hasattr(given, "detach"):  # a tensor of torch
        given = given.detach().cpu()
        given = given.float() if given.is_floating_point() else given
    array = np.asarray(given)
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    if (
        array.dtype == np.int32
        and (peak := int(np.abs(array, dtype=np.int64).max(initial=0))) <= 32768
        and peak >= 1000
    ):
        said = f"{name}: int32 samples up to {peak:,}, of a full scale of 2,147,483,648"
        raise UsageError(f"{said}; give samples of 16 bits as int16")
    if array.dtype in (np.int16, np.int32):
        return (array / -float(np.iinfo(array.dtype).min)).astype(np.float32)
    if array.dtype == np.uint8:
        return ((array.astype(np.float32)) - 128) / 128
    raise UsageError(
        f"{name} is of {array.dtype}: expected floats between -1 and 1, or int16, int32 or uint8 as files have them"
    )


def _mono(array: np.ndarray, rate: int, path: str) -> np.ndarray:
    """One channel: two are mixed as those of a file."""
    if array.ndim == 1:
        return np.ascontiguousarray(array)
    if array.ndim != 2:
        raise UsageError(f"{path} has {array.ndim} dimensions, {array.shape}; {SHAPES}")
    least = min(array.shape)
    if least > 2 or array.shape == (2, 2):
        raise UsageError(f"{path} is {array.shape}; {SHAPES}; give several recordings as a list of arrays")
    frames = np.ascontiguousarray(array.T if array.shape[0] == least else array)
    mix = mixing.decided([frames[: mixing.look(rate, frames.shape[1])]])
    if mix.said:
        remarks.keep(path, mix.said)
    return np.ascontiguousarray(mix(frames))
