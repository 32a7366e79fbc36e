"""How much of a recording lies outside of what reaches an encoder, and how more of it would."""

from __future__ import annotations

import math

import numpy as np

from audioft.audio.hearing import Hearing

_WINDOW = 1024
_OFTEN = 64_000  # Hz: above it calls may be shorter than the pieces between two windows, so all of it is looked at
_EACH = 2  # of the pieces of slower recordings every second is looked at
_TOGETHER = 10  # pieces
_PIECE = 0.1  # seconds, of which at least one window is looked at
_MOST = 0.5  # of the energy
_FAINT = 0.01  # of the energy, inside; with less, perhaps nothing of it is left
_QUIET = 1e-9  # mean power under which the share says nothing: -90 dB of full scale
_LEVEL = (4 / 32768) ** 2  # mean power inside under which perhaps nothing is left of a quiet recording either
_SLOWER = (2, 5, 10, 20, 50, 100, 200, 500, 1000)  # time expansions that people use
_BATS = 18_000, 80_000  # Hz

#: How a sentence begins that says of a recording why it is silent for the encoder though it is not silent.
NOTHING = "nothing of it is left"


def differs(rate: int, how: Hearing) -> bool:
    """Whether much of a recording of `rate` Hz may lie outside of what is heard."""
    return how.band is not None or 1.5 * how.per_second < rate


class Beyond:
    """Adds up the energy inside and outside of what is heard, piece by piece.

    Args:
        rate: of the recording, Hz.
        how: it reaches the encoder.
    """

    def __init__(self, rate: int, how: Hearing):
        self.rate, self.how = rate, how
        self.looked = 0
        self._size = max(_WINDOW, round(_PIECE * rate))
        self._waiting: list[np.ndarray] = []
        self._passed = 0
        self._power = np.zeros(_WINDOW // 2 + 1)
        # a window for each piece is enough for what goes on; resolution in frequency is not needed here
        self._window = np.hanning(_WINDOW).astype(np.float32)
        low, high = (math.ceil(f / rate * _WINDOW) for f in how.range)
        # an offset is no sound; but sound that is sped up may lie as low
        self._inside = slice(max(low, 0 if how.expansion < 1 else 2), high)

    def take(self, block: np.ndarray) -> None:
        """Look at sound, `(T,)`."""
        often = self.rate > _OFTEN
        for start in range(0, len(block), self._size):
            piece = block[start : start + self._size]
            self._passed += 1
            if not often and self._passed % _EACH != 1:
                continue
            part = piece[: (len(piece) // _WINDOW if often else 1) * _WINDOW]
            if len(part) >= _WINDOW:
                self._waiting.append(part)
            if len(self._waiting) >= _TOGETHER:
                self._look()

    def _look(self) -> None:
        if not self._waiting:
            return
        frames = np.concatenate(self._waiting).reshape(-1, _WINDOW)
        self._waiting.clear()
        spectra = np.fft.rfft(frames * self._window).view(np.float32)
        parts = np.einsum("ij,ij->j", spectra, spectra)  # real and imaginary ones
        power = parts[::2] + parts[1::2]
        if np.isfinite(power).all():
            self._power += power
            self.looked += len(frames)

    def _sums(self) -> tuple[float, float, float]:
        """Energy inside of what is heard and outside of it, and of a mean power of 1."""
        self._look()
        inside = float(self._power[self._inside].sum())
        outside = float(self._power[2 : self._inside.start].sum() + self._power[self._inside.stop :].sum())
        return inside, outside, self.looked * _WINDOW * _WINDOW

    @property
    def faint(self) -> bool:
        """Whether so little of it is inside that perhaps nothing is left: then what is heard has to be looked at."""
        inside, outside, unit = self._sums()
        return inside <= _FAINT * (inside + outside) or inside <= _LEVEL * unit

    def told(self) -> str:
        """What to say where most of the energy is lost; nothing elsewhere, nor of what is lost on purpose."""
        inside, outside, unit = self._sums()
        total = inside + outside
        chosen = self.how.band is not None or self.how.expansion < 1
        if chosen or not unit or total <= _QUIET * unit or outside <= _MOST * total:
            return ""
        edge = self.how.range[1] / 1000
        return (
            f"{100 * outside / total:.0f} % of its energy lies above {edge:g} kHz, which the encoder does not hear, "
            f"and is lost; {self._remedy()}"
        )

    def nothing(self) -> str:
        """What to say where nothing changes in what is heard; nothing where it is no wonder, as all of it is quiet."""
        inside, outside, unit = self._sums()
        total = inside + outside
        if not unit or total <= 10 * inside or total <= _QUIET * unit:
            return ""
        low, high = (f / 1000 for f in self.how.range)
        within = f"below {high:g} kHz" if low == 0 else f"from {low:g} to {high:g} kHz"
        first, last = self._where(everywhere=True)
        share = f"{100 * outside / total:.0f} % of its energy lies {'above' if low == 0 else 'elsewhere'}"
        return f"{NOTHING} {within}: {share}, about {first / 1000:.0f} to {last / 1000:.0f} kHz; {self._remedy()}"

    def _where(self, everywhere: bool = False) -> tuple[float, float]:
        """Between which frequencies 98 % of the energy lies that is not heard, Hz."""
        power = self._power.copy()
        power[:2] = power[self._inside] = 0
        if not everywhere:
            power[: self._inside.stop] = 0
        share = np.cumsum(power) / max(float(power.sum()), 1e-300)
        bins = np.searchsorted(share, [0.01, 0.99])
        return float(bins[0] * self.rate / _WINDOW), float((bins[1] + 1) * self.rate / _WINDOW)

    def _remedy(self) -> str:
        """Settings with which it would be heard."""
        low, high = self._where(everywhere=self.how.band is not None)
        step = next((s for s in _SLOWER if s * self.how.rate / 2 >= 0.95 * high), _SLOWER[-1])
        if low >= _BATS[0] and high <= _BATS[1] and self.rate >= 1.5 * _BATS[1]:
            low, high = _BATS
            step = 10
        low, high = 1000 * math.floor(low / 1000), min(1000 * math.ceil(high / 1000), self.rate // 2)
        return f"a model that is trained with data.time_expansion={step} or data.band=[{low:.0f}, {high:.0f}] hears it"
