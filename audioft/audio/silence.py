"""Whether there is sound in a recording: whether anything changes in it by more than its own last bits.

A dither of one step, as sox adds it to silence of 16 bits, is none; in a recording of 24 bits or of floats the same
level may be a bird far away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

#: A signal whose extremes differ by no more is silent: a dither of one step around zeros, of 16 and of 24 bits. Floats
#: have no step of their own; no converter has more than 24 bits.
FLAT, FINE = 2.5 / 2**15, 2.5 / 2**23
#: As FLAT, of what has been resampled: a dither of one step reaches further than one step then.
RESAMPLED = 1.8 * FLAT
#: What lies above this is no sound of which 1 is the full scale.
LOUDEST = 100.0
#: What is said of a recording that has sound.
QUIET = "very quiet: it changes by no more than the last of 16 bits"
LOUD = (
    "its samples lie far beyond 1, the full scale of floats, as if written in the scale of integers; divide them by it"
)
#: What is said of a recording without sound.
SILENT = "silent: nothing in it changes by more than the last of its bits"
_HALF_STEP = 2**16  # to one: what is left of 16 bits in the mean of two channels
_MORE_BITS = re.compile(r"PCM_24|PCM_32|FLOAT|DOUBLE|ALAC_(?:20|24|32)|pcm_[sf](?:24|32|64)")


def resolves(form: str) -> bool:
    """Whether a format, as `Info` names it, holds more than 16 bits; what is lossy does not."""
    return bool(_MORE_BITS.search(form))


class Changes:
    """By how much samples change, as they pass by at their own rate.

    Args:
        form: their format; None where it is not known.
    """

    __slots__ = ("coarse", "high", "low")  # a recording may have thousands of clips

    def __init__(self, form: str | None = None):
        self.low, self.high = np.inf, -np.inf
        self.coarse = True if form is None or resolves(form) else None  # all were steps of 16 bits; None: they are

    def take(self, samples: np.ndarray) -> None:
        """Look at `(T,)` finite samples."""
        self.low, self.high = min(self.low, float(samples.min())), max(self.high, float(samples.max()))
        if self.coarse and self.high - self.low <= FLAT:
            steps = samples * np.float32(_HALF_STEP)
            self.coarse = bool((steps == np.rint(steps)).all())

    def seen(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same blocks, each looked at before it goes on."""
        for block in blocks:
            good = block[np.isfinite(block)]
            if len(good):
                self.take(good)
            yield block

    def sound(self) -> bool:
        return self.high - self.low > (FINE if self.coarse is False else FLAT)

    def quiet(self) -> bool:
        """Whether there is sound that 16 bits would not hold."""
        return self.sound() and self.high - self.low <= FLAT

    def note(self) -> str:
        """What is to be said of the level, if anything."""
        if max(self.high, -self.low) > LOUDEST:
            return LOUD
        return QUIET if self.quiet() else ""


def sounds(blocks: Iterable[np.ndarray], form: str | None = None) -> bool:
    """Whether there is sound in blocks of samples at their own rate."""
    found = Changes(form)
    return any(found.high - found.low > FLAT for _ in found.seen(blocks)) or found.sound()
