"""How much of a recording lies above what is left of it at a lower rate."""

from __future__ import annotations

import numpy as np

_WINDOW = 1024
_OFTEN = 64_000  # Hz: above it calls may be shorter than the pieces between two windows, so all of it is looked at
_EACH = 2  # of the pieces of slower recordings every second is looked at
_TOGETHER = 10  # pieces
_MOST = 0.5  # of the energy
_QUIET = 1e-9  # mean power under which the share says nothing: -90 dB of full scale


class Beyond:
    """Adds up the energy below and above half of a rate, piece by piece.

    Args:
        rate: of the recording, Hz.
        target: to which it is resampled, Hz.
    """

    def __init__(self, rate: int, target: int):
        self.rate, self.target = rate, target
        self.below = self.above = 0.0
        self.looked = 0
        self._waiting: list[np.ndarray] = []
        self._passed = 0
        # a window for each piece is enough for what goes on; resolution in frequency is not needed here
        self._window = np.hanning(_WINDOW).astype(np.float32)
        self._edge = int(np.ceil(target / 2 / rate * _WINDOW))

    def take(self, piece: np.ndarray) -> None:
        """Look at a tenth of a second or so of sound, `(T,)`."""
        if self.rate > _OFTEN:
            part = piece[: len(piece) // _WINDOW * _WINDOW]
        else:
            self._passed += 1
            if self._passed % _EACH != 1:
                return
            part = piece[:_WINDOW]
        if len(part) < _WINDOW:
            return
        self._waiting.append(part)
        if len(self._waiting) >= _TOGETHER:
            self._look()

    def _look(self) -> None:
        if not self._waiting:
            return
        frames = np.concatenate(self._waiting).reshape(-1, _WINDOW)
        self._waiting.clear()
        spectra = np.fft.rfft(frames * self._window).view(np.float32)
        below, above = (float(np.vdot(part, part)) for part in np.hsplit(spectra[:, 4:], [2 * self._edge - 4]))
        if np.isfinite(below + above):
            self.below += below
            self.above += above
            self.looked += len(frames)

    def told(self) -> str:
        """What to say where most of the energy is lost; nothing elsewhere."""
        self._look()
        total = self.below + self.above
        if not self.looked or total <= _QUIET * self.looked * _WINDOW * _WINDOW or self.above <= _MOST * total:
            return ""
        share = self.above / total
        return (
            f"{100 * share:.0f} % of its energy lies above {self.target / 2000:g} kHz, which the encoder does not "
            "hear, and is lost; a copy that is slowed down, ultrasound by ten as a rule, is heard"
        )
