"""What sound looks like frame by frame: log-mel spectra, cepstra with their deltas, and how the spectrum moves.

Pure tensor functions of waveforms, on the frame grid of an encoder: frame k of every one of them is centred on the
samples that frame k of the encoder sees. They are what masked prediction takes its first targets from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

FLOOR = 1e-3  # added to mel energies of a clip of variance 1, about -60 dB of a loud frame
TIME_SCALES = (1, 4, 16)  # deviations of the Gaussians over time, in half frames
MEL_SCALES = (1, 3)  # and over mel bands
REACH = 2  # frames on either side that a delta looks at
POOLED = 4  # neighbouring bands whose movements are told as one


@dataclass(frozen=True)
class FrameGrid:
    """Where an encoder's frames lie.

    Attributes:
        rate: Hz.
        stride: samples from frame to frame.
        field: samples that a frame sees.
    """

    rate: int
    stride: int
    field: int

    @property
    def hop(self) -> int:
        """Spectra are taken twice a frame where the stride allows."""
        return self.stride // 2 if self.stride % 2 == 0 else self.stride

    @property
    def window(self) -> int:
        """Samples of the analysis window: 32 ms, as a power of two."""
        return 2 ** round(math.log2(0.032 * self.rate))

    def frames(self, samples: Tensor) -> Tensor:
        """How many frames clips of that many samples give; what strided convolutions one after the other give."""
        return torch.div(samples - self.field, self.stride, rounding_mode="floor") + 1


def log_mel(waveforms: Tensor, grid: FrameGrid, frames: int, bands: int = 80, lengths: Tensor | None = None) -> Tensor:
    """Log energies in mel bands, at every half frame.

    Args:
        waveforms: `(B, T)` float32, each of about mean 0 and variance 1.
        grid: the encoder's.
        frames: F, how many frames the encoder gives for T samples.
        bands: triangles on the mel scale (O'Shaughnessy 1987, as HTK), 0 Hz to half the rate.
        lengths: `(B,)` samples, where the waveforms are padded: beyond a clip's own frames its last spectrum goes on,
            so that how it moves does not depend on the clips beside it.

    Returns:
        `(B, F * S, bands)` natural logarithms, S spectra a frame (2, or 1 for an odd stride).
    """
    per_frame = grid.stride // grid.hop
    # the middle of a frame's spectra is the middle of what the frame sees
    before = (grid.hop * (per_frame - 1) + grid.window - grid.field) // 2
    needed = grid.hop * (frames * per_frame - 1) + grid.window
    padded = pad(waveforms, (before, max(0, needed - before - waveforms.shape[1])))[:, :needed]
    spectra = torch.stft(
        padded, grid.window, grid.hop, window=_hann(grid.window, waveforms.device), center=False, return_complex=True
    )
    energies = spectra.abs().square().transpose(1, 2) @ _mel(grid.rate, grid.window // 2 + 1, bands, waveforms.device)
    found = torch.log(energies + FLOOR)
    if lengths is None:
        return found
    last = (grid.frames(lengths) * per_frame - 1).clamp(0, found.shape[1] - 1)
    own = torch.minimum(torch.arange(found.shape[1], device=last.device), last[:, None])
    return found.gather(1, own[..., None].expand_as(found))


def per_frame(values: Tensor, frames: int) -> Tensor:
    """`(B, F * S, D)` as the mean of each frame's S, `(B, F, D)`."""
    return values.unflatten(1, (frames, -1)).mean(2)


def mfcc(spectrum: Tensor, frames: int, coefficients: int = 13) -> Tensor:
    """Cepstra with their first and second deltas (Davis and Mermelstein 1980; HuBERT's first targets).

    Args:
        spectrum: `(B, F * S, M)` from `log_mel`.
        frames: F.
        coefficients: of the orthonormal DCT-II, the zeroth (loudness) included.

    Returns:
        `(B, F, 3 * coefficients)`.
    """
    # the first and the last spectrum go on beyond the borders, for the second deltas as for the first
    edge = 2 * REACH
    beyond = edge * spectrum.shape[1] // frames
    ends = (spectrum[:, :1].expand(-1, beyond, -1), spectrum[:, -1:].expand(-1, beyond, -1))
    spectrum = torch.cat([ends[0], spectrum, ends[1]], dim=1)
    cepstra = per_frame(spectrum, frames + 2 * edge) @ _dct(spectrum.shape[2], coefficients, spectrum.device)
    first = deltas(cepstra)
    return torch.cat([cepstra, first, deltas(first)], dim=2)[:, edge:-edge]


def deltas(values: Tensor, reach: int = REACH) -> Tensor:
    """The slope of the regression line over `2 * reach + 1` frames, `(B, F, D)` (HTK book, eq. 5.16)."""
    padded = torch.cat([values[:, :1].expand(-1, reach, -1), values, values[:, -1:].expand(-1, reach, -1)], dim=1)
    count = values.shape[1]
    total = torch.zeros_like(values)
    for n in range(1, reach + 1):
        total += n * (padded[:, reach + n : reach + n + count] - padded[:, reach - n : reach - n + count])
    return total / (2 * sum(n * n for n in range(1, reach + 1)))


def texture(spectrum: Tensor, frames: int) -> Tensor:
    """A spectrum and how it moves: magnitudes of its Gaussian derivatives over time, over mel, and over both.

    A coarse form of the spectro-temporal receptive fields by which cortical responses are modelled (Chi, Ru and
    Shamma 2005): three scales of time (10, 40 and 160 ms at 50 frames a second) by two of frequency. Pitch, onsets,
    trills and roughness, which cepstra smooth over, show in it.

    Args:
        spectrum: `(B, F * S, M)` from `log_mel`, M a multiple of 4.
        frames: F.

    Returns:
        `(B, F, M + 18 * M / 4)`: the spectrum's own values first.
    """
    steps, bands = spectrum.shape[1:]
    found = [spectrum]
    for scale in TIME_SCALES:
        for slope in (False, True):
            over_time = _gaussian(steps, scale, slope, spectrum.device) @ spectrum
            for width in MEL_SCALES:
                for tilt in (False, True):
                    if slope or tilt:
                        moved = over_time @ _gaussian(bands, width, tilt, spectrum.device).T
                        found.append(moved.abs().unflatten(2, (-1, POOLED)).mean(3))
    return per_frame(torch.cat(found, dim=2), frames)


def texture_size(bands: int) -> int:
    """How many values `texture` gives a frame.

    >>> texture_size(80)
    440
    """
    moving = len(TIME_SCALES) * len(MEL_SCALES) * 3
    return bands + moving * bands // POOLED


@lru_cache(maxsize=64)
def _gaussian(size: int, scale: float, derivative: bool, device: torch.device) -> Tensor:
    """`(size, size)`: smoothing by a Gaussian, or its scaled derivative, the border value going on beyond it."""
    reach = round(3 * scale)
    at = torch.arange(-reach, reach + 1, dtype=torch.float64)
    kernel = torch.exp(-at.square() / (2 * scale**2))
    kernel /= kernel.sum()
    if derivative:
        kernel = kernel * at / scale
    matrix = torch.zeros(size, size, dtype=torch.float64)
    rows = torch.arange(size)
    for offset, weight in zip(at.long().tolist(), kernel.tolist(), strict=True):
        matrix[rows, (rows + offset).clamp(0, size - 1)] += weight
    return matrix.float().to(device)


@lru_cache(maxsize=8)
def _hann(size: int, device: torch.device) -> Tensor:
    return torch.hann_window(size, device=device)


@lru_cache(maxsize=8)
def _mel(rate: int, bins: int, bands: int, device: torch.device) -> Tensor:
    """`(bins, bands)` triangles, each of the area of a constant response."""
    from torchaudio.functional import melscale_fbanks

    return melscale_fbanks(bins, 0.0, rate / 2, bands, rate).to(device)


@lru_cache(maxsize=8)
def _dct(size: int, coefficients: int, device: torch.device) -> Tensor:
    """`(size, coefficients)`, orthonormal DCT-II."""
    n = torch.arange(size, dtype=torch.float64)[:, None]
    k = torch.arange(coefficients, dtype=torch.float64)[None]
    basis = torch.cos(math.pi / size * (n + 0.5) * k) * math.sqrt(2 / size)
    basis[:, 0] /= math.sqrt(2)
    return basis.float().to(device)
