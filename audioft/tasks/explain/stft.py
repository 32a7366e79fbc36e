"""A stretch of sound as moments by bands, any of which can be replaced by the stretch's own background.

A cell is replaced in the short-time Fourier transform, with smooth edges, so that no click and no gap of silence tells
the model that something is missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from audioft.core.runtime import address

MOMENTS, BANDS = 12, 8
LEAST_SECONDS = 0.1  # of a moment, as the encoder hears it
QUIET = 0.1  # the share of frames that are more quiet than the background, in each bin
FLOOR = 1e-5  # of the stretch's mean power in a bin: the background is no digital silence, which no recording has
EDGE = 0.25  # of a cell on either side of its border, in which it fades
_SMOOTHED = 5  # bins over which the background's spectrum is averaged
_SEED = 22


@dataclass(frozen=True)
class Cells:
    """How a stretch is parted.

    Attributes:
        times: `(T + 1,)` borders of the moments, seconds as the encoder hears it.
        bands: `(B + 1,)` borders of the bands, Hz as the encoder hears it, evenly spaced in mel.
    """

    times: np.ndarray
    bands: np.ndarray

    @classmethod
    def of(cls, seconds: float, rate: int, bands: int = BANDS) -> Cells:
        """Of a stretch of so many seconds at `rate` Hz: at most `MOMENTS` by `BANDS`.

        >>> cells = Cells.of(6.0, 16000)
        >>> cells.shape, cells.times[:3].tolist(), cells.bands.round().astype(int).tolist()
        ((12, 8), [0.0, 0.5, 1.0], [0, 259, 614, 1100, 1767, 2681, 3934, 5651, 8000])
        """
        count = max(1, min(MOMENTS, math.floor(seconds / LEAST_SECONDS)))
        highest = float(mel(rate / 2))
        return cls(np.linspace(0, seconds, count + 1), hertz(np.linspace(0, highest, bands + 1)))

    @property
    def shape(self) -> tuple[int, int]:
        """Moments and bands."""
        return len(self.times) - 1, len(self.bands) - 1


class Spectrum:
    """The transform of a stretch of sound, and of its background.

    The background has in each bin the power of the stretch's quiet frames, and the phases of noise of its own; it is a
    function of the stretch alone.

    Args:
        samples: `(N,)` float32, not normalised.
        rate: Hz.
        cells: how it is parted.

    Attributes:
        own, background: `(F, K)` complex64, bins by frames.
    """

    def __init__(self, samples: Tensor, rate: int, cells: Cells):
        self.samples, self.rate, self.cells = samples, rate, cells
        self.points = 2 ** round(math.log2(0.032 * rate))
        self.hop = self.points // 4
        self.window = torch.hann_window(self.points, device=samples.device)
        self.own = self.transformed(samples)
        self.background = self._background()

    def transformed(self, samples: Tensor) -> Tensor:
        """`(..., N)` samples as `(..., F, K)`."""
        return torch.stft(
            samples, self.points, self.hop, window=self.window, center=True, pad_mode="constant", return_complex=True
        )

    def sound(self, spectrum: Tensor) -> Tensor:
        """`(..., F, K)` as samples `(..., N)`; of `own` the stretch itself."""
        # a frame more, so that the last samples lie under as many windows as all others
        return torch.istft(spectrum, self.points, self.hop, window=self.window, center=True, length=len(self.samples))

    def kept(self, cells: Tensor) -> Tensor:
        """The stretch with cells replaced.

        Args:
            cells: `(M, T, B)`, how much of each cell is kept, 0 to 1.

        Returns:
            `(M, N)` samples.
        """
        share = self.spread(cells)
        return self.sound(share * self.own + (1 - share) * self.background)

    def spread(self, cells: Tensor) -> Tensor:
        """Values of cells `(..., T, B)` as those of bins and frames `(..., F, K)`, fading at their borders."""
        over_time, over_bands = self._parts
        return over_bands.T @ cells.to(over_bands).transpose(-1, -2) @ over_time

    def gathered(self, values: Tensor) -> Tensor:
        """Values of bins and frames `(F, K)` summed in cells, `(T, B)`: what `spread` parts is brought together."""
        over_time, over_bands = (part.to(values) for part in self._parts)
        return over_time @ values.T @ over_bands.T

    @property
    def energy(self) -> Tensor:
        """Of each cell, `(T, B)`."""
        return self.gathered(self.own.abs().square().double())

    @cached_property
    def _parts(self) -> tuple[Tensor, Tensor]:
        """`(T, K)` and `(B, F)`: how far frames and bins belong to each moment and band; they sum to 1."""
        bins, frames = self.own.shape
        times = np.arange(frames) * self.hop / self.rate
        pitches = mel(np.arange(bins) * self.rate / self.points)
        return tuple(  # type: ignore[return-value]
            torch.from_numpy(partition(at, edges)).float().to(self.samples.device)
            for at, edges in ((times, self.cells.times), (pitches, mel(self.cells.bands)))
        )

    def _background(self) -> Tensor:
        power = self.own.abs().square()
        quiet = power.quantile(QUIET, dim=1)
        quiet = torch.nn.functional.avg_pool1d(quiet[None], _SMOOTHED, 1, _SMOOTHED // 2, count_include_pad=False)[0]
        quiet = quiet.clamp(min=max(FLOOR * float(power.mean()), 1e-20))
        source = torch.Generator().manual_seed(address(_SEED, "background", len(self.samples)) % 2**63)
        noise = torch.randn(len(self.samples), generator=source).to(self.samples.device)
        return self.transformed(noise) * (quiet / self.window.square().sum()).sqrt()[:, None]


def partition(at: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How far places belong to each of the parts between edges, fading as a cosine over `EDGE` of them on both sides.

    Args:
        at: `(K,)` places.
        edges: `(P + 1,)`, ascending.

    Returns:
        `(P, K)` float64 that sum to 1 at every place; beyond the outer edges the outer parts go on.
    """
    steps = [np.ones(len(at))]
    for i, edge in enumerate(edges[1:-1], 1):
        half = EDGE * min(edges[i] - edges[i - 1], edges[i + 1] - edges[i])
        steps.append(0.5 - 0.5 * np.cos(np.pi * np.clip((at - edge) / (2 * half) + 0.5, 0, 1)))
    steps.append(np.zeros(len(at)))
    return -np.diff(np.stack(steps), axis=0)


def mel(frequency: np.ndarray | float) -> np.ndarray:
    """Hz on the mel scale (O'Shaughnessy 1987)."""
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


def hertz(pitch: np.ndarray) -> np.ndarray:
    """The other way."""
    return 700 * (10 ** (pitch / 2595) - 1)
