"""How recordings reach an encoder: at their own speed, slowed down or sped up, or a band of them shifted down.

Both are how people listen to ultrasound: a time-expansion detector plays it slowly, a heterodyne detector shifts it.
All times stay those of the recording, as long as seconds become samples, and samples seconds, by `Hearing.per_second`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from audioft.audio.resample import resampled
from audioft.errors import AudioError

SLOWEST, QUICKEST = 1000.0, 0.01  # time expansions
REACHED = 0.5  # of what an encoder could hear; a recording that has less is told of


@dataclass(frozen=True)
class Hearing:
    """How recordings reach an encoder.

    Args:
        rate: at which the encoder hears, Hz.
        time_expansion: how many times slower, from 0.01 to 1000; under 1 is quicker. None for 1, or with a band for
            as much as the band needs.
        band: lowest and highest frequency, Hz, of what is shifted down so that the lowest lies at 0 Hz; all else is
            left out. None for all that there is.

    Raises:
        ValueError: a number out of its range, or a time expansion that does not bring the band within hearing.

    >>> Hearing(16000, 10).per_second, Hearing(16000, band=(18000, 80000)).expansion
    (160000, 7.75)
    >>> print(Hearing(16000, band=(18000, 80000)))
    18 to 80 kHz shifted down to 0 Hz and slowed down by 7.75
    """

    rate: int
    time_expansion: float | None = None
    band: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if found := problems(self.time_expansion, self.band):
            raise ValueError("; ".join(found))
        if self.band is None or self.time_expansion is None:
            return
        width = self.band[1] - self.band[0]
        if self.per_second < 2 * width:
            needed = math.ceil(100 * 2 * width / self.rate) / 100
            raise ValueError(
                f"data.time_expansion: the band from {_kilohertz(*self.band)} is {width / 1000:g} kHz wide, and the "
                f"encoder hears {self.rate / 2000:g} kHz; that needs a time expansion of {needed:g} at least, not "
                f"{self.time_expansion:g}; leave it out to have just that, or narrow data.band"
            )

    @classmethod
    def of(cls, given: Hearing | int | dict[str, Any]) -> Hearing:
        """A hearing of what stands for one: a rate, or the fields as JSON has them."""
        if isinstance(given, Hearing):
            return given
        if isinstance(given, dict):
            return cls(**given | {"band": given["band"] and tuple(given["band"])})
        return cls(int(given))

    @property
    def per_second(self) -> int:
        """Samples that reach the encoder in one second of the recording."""
        if self.time_expansion is not None:
            return max(1, round(self.rate * self.time_expansion))
        return self.rate if self.band is None else max(self.rate, math.ceil(2 * (self.band[1] - self.band[0])))

    @property
    def expansion(self) -> float:
        """Seconds for the encoder in a second of the recording."""
        return self.per_second / self.rate

    @property
    def plain(self) -> bool:
        """Whether a recording is heard as it is."""
        return self.band is None and self.per_second == self.rate

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest frequency of a recording that are heard, Hz."""
        return self.band or (0.0, self.per_second / 2)

    @property
    def identity(self) -> Any:
        """What names it where heard sound is kept: of a plain one the rate alone."""
        return self.rate if self.plain else (self.rate, self.per_second, self.band)

    def __str__(self) -> str:
        parts = [] if self.band is None else [f"{_kilohertz(*self.band)} shifted down to 0 Hz"]
        if self.per_second != self.rate:
            slow = self.expansion > 1
            factor = self.expansion if slow else 1 / self.expansion
            parts.append(f"{'slowed down' if slow else 'sped up'} by {factor:.4g}")
        return " and ".join(parts) or "as recorded"

    def refuse(self, path: object, source: int) -> None:
        """Raise an AudioError where a recording of this rate, in Hz, holds nothing of the band."""
        if self.band is not None and source / 2 <= self.band[0]:
            raise AudioError(
                path,
                "check",
                f"recorded at {source / 1000:g} kHz, it holds nothing of the band from {_kilohertz(*self.band)} "
                "(data.band)",
            )

    def lacking(self, source: int) -> str:
        """What to say where a recording of this rate, in Hz, has little for the encoder's upper range; else nothing."""
        low, high = self.range
        if self.plain or source / 2 - low >= REACHED * (high - low):
            return ""
        if self.band is not None:
            part = _kilohertz(low, source / 2)
            return f"recorded at {source / 1000:g} kHz, it holds {part} of the band from {_kilohertz(low, high)}"
        reached = source / 2000 / self.expansion
        return (
            f"recorded at {source / 1000:g} kHz and {self}, it reaches up to {reached:.2g} kHz, and the encoder hears "
            f"up to {self.rate / 2000:g} kHz"
        )

    def heard(self, pieces: Iterable[np.ndarray], source: int) -> Iterator[np.ndarray]:
        """What reaches the encoder; where the pieces end does not show in it.

        A band is cut out sharply: its outermost 4 % on both sides fade out, and nothing of what lies outside is left.

        Args:
            pieces: arrays `(T_i,)` float32 at `source` Hz; where they break off with an AudioError, what came before
                is given to its last sample, then the error is raised.
            source: Hz.

        Yields:
            Arrays `(T,)` float32, `per_second` samples for each second.
        """
        if self.band is not None:
            return _shifted(pieces, source, self.band, self.per_second)
        return iter(pieces) if self.per_second == source else resampled(pieces, source, self.per_second)


Heard = Hearing | int  # a rate alone hears recordings as they are


def plainly(given: Heard | None) -> Any:
    """As JSON has it, see `Hearing.of`."""
    return asdict(given) if isinstance(given, Hearing) else given


def problems(time_expansion: float | None, band: Any) -> list[str]:
    """What is wrong with the settings by themselves, as sentences that begin with their keys.

    >>> problems(10, [80000, 18000])
    ['data.band: the lowest frequency, 80000 Hz, is not below the highest, 18000 Hz']
    """
    found = []
    if time_expansion is not None and not QUICKEST <= time_expansion <= SLOWEST:
        found.append(f"data.time_expansion: {time_expansion:g} is not between {QUICKEST:g} and {SLOWEST:g}")
    if band is None:
        return found
    if len(band) != 2 or not all(math.isfinite(f) and f >= 0 for f in band):
        told = ", ".join(f"{f:g}" for f in band)
        return [
            *found,
            f"data.band: expected the lowest and the highest frequency in Hz, [18000, 80000]; found [{told}]",
        ]
    if band[0] >= band[1]:
        found.append(f"data.band: the lowest frequency, {band[0]:g} Hz, is not below the highest, {band[1]:g} Hz")
    return found


def _shifted(pieces: Iterable[np.ndarray], source: int, band: tuple[float, float], target: int) -> Iterator[np.ndarray]:
    """A band with its lowest frequency at 0 Hz: mixed by its middle to complex, cut out, mixed up by half its width.

    Of a real signal this takes the positive frequencies alone (single sideband), so no mirror image comes along.
    """
    width, middle = band[1] - band[0], (band[0] + band[1]) / 2
    count, rate = _Count(pieces), source
    flow: Iterable[np.ndarray] = count
    if source < 2 * band[1]:  # the band's upper end would be mixed with the negative frequencies
        rate = math.ceil(2 * band[1])
        flow = resampled(flow, source, rate)
    narrow = resampled(_mixed_down(flow, middle / rate), rate, width, 2)
    wide = _mixed_up(resampled(narrow, width, target, 2), width / 2 / target)
    return _as_long(wide, count, source, target)


class _Count:
    """Pieces that are counted as they pass."""

    def __init__(self, pieces: Iterable[np.ndarray]):
        self.pieces, self.samples = pieces, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for piece in self.pieces:
            self.samples += len(piece)
            yield piece


def _turns(first: int, count: int, cycles: float) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of an oscillator of so many cycles a sample, from sample `first` on; `(count,)` float32."""
    phase = 2 * np.pi * ((np.arange(first, first + count) * cycles) % 1.0)
    return np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)


def _mixed_down(pieces: Iterable[np.ndarray], cycles: float) -> Iterator[np.ndarray]:
    """Real pieces `(T,)` as complex ones, real and imaginary part in two columns, lower by `cycles` a sample."""
    at = 0
    for piece in pieces:
        cosine, sine = _turns(at, len(piece), cycles)
        at += len(piece)
        yield np.stack([piece * cosine, -piece * sine], 1)


def _mixed_up(pieces: Iterable[np.ndarray], cycles: float) -> Iterator[np.ndarray]:
    """The other way; twice the real part, so that a tone keeps its level."""
    at = 0
    for piece in pieces:
        cosine, sine = _turns(at, len(piece), cycles)
        at += len(piece)
        yield 2 * (piece[:, 0] * cosine - piece[:, 1] * sine)


def _as_long(pieces: Iterator[np.ndarray], count: _Count, source: int, target: int) -> Iterator[np.ndarray]:
    """As many samples as one change of rate gives: each of several rounds the length for itself."""
    given, last, failure = 0, np.zeros(0, np.float32), None
    try:
        for piece in pieces:
            if len(last):
                given += len(last)
                yield last
            last = piece
    except AudioError as e:
        failure = e
    rest = max(0, round(count.samples * target / source) - given)
    if rest:
        yield np.pad(last[:rest], (0, max(0, rest - len(last))))
    if failure is not None:
        raise failure


def _kilohertz(low: float, high: float) -> str:
    return f"{low / 1000:g} to {high / 1000:g} kHz"
