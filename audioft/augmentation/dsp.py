"""Tensor functions that the augmentations share: level, convolution, resampling, the STFT and back.

All take and give (T,) float32 tensors on the CPU and compute in the order of one thread: FFTs are scipy's or,
under the caller's `runtime.one_thread`, torch's.
"""

from __future__ import annotations

import math

import numpy as np
import torch

SILENCE = 1e-9
"""An RMS up to here, 180 dB below full scale, is no sound: scaling it up would only show rounding."""


def rms(waveform: torch.Tensor) -> float:
    """Root mean square, summed in float64; 0 for no samples at all."""
    return float(waveform.double().square().mean().sqrt()) if len(waveform) else 0.0


def at_level(waveform: torch.Tensor, level: float) -> torch.Tensor:
    """`waveform` scaled to an RMS of `level`; silence stays silence."""
    own = rms(waveform)
    return waveform * (level / own) if own > SILENCE else waveform


def convolved(waveform: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
    """The full linear convolution, `(T + R - 1,)`, by FFT."""
    from scipy import fft

    length = len(waveform) + len(response) - 1
    size = fft.next_fast_len(length, real=True)
    product = fft.rfft(waveform.numpy(), size) * fft.rfft(response.numpy(), size)
    return torch.from_numpy(np.ascontiguousarray(fft.irfft(product, size)[:length], dtype=np.float32))


def fitted(waveform: torch.Tensor, length: int) -> torch.Tensor:
    """Cut or padded with zeros at the end to `length` samples."""
    return torch.nn.functional.pad(waveform, (0, length - len(waveform)))


def resampled(waveform: torch.Tensor, factor: float, length: int | None = None) -> torch.Tensor:
    """Played `factor` times as fast: shorter and higher by `factor`, aliasing filtered out (soxr).

    Args:
        waveform: (T,) float32.
        factor: any positive number; no ratio of small integers is needed.
        length: of the result; `round(T / factor)`, at least 1, if not given.
    """
    import soxr

    length = max(1, round(len(waveform) / factor)) if length is None else length
    return fitted(torch.from_numpy(soxr.resample(waveform.numpy(), factor, 1.0)), length)


def stretched(waveform: torch.Tensor, rate: int, factor: float) -> torch.Tensor:
    """Played `factor` times as fast at the same pitch, by a phase vocoder (Flanagan and Golden, 1966).

    Returns:
        `(max(1, round(T / factor)),)` float32.
    """
    from torchaudio import functional

    seconds = 0.064  # long enough to tell the harmonics of a low voice apart
    spectrum = to_stft(waveform, rate, seconds)
    # a hop turns the phase of bin k by 2 pi k hop / size, up to pi hop for the last one
    advance = torch.linspace(0, math.pi * hop(rate, seconds), spectrum.shape[0])[:, None]
    length = max(1, round(len(waveform) / factor))
    return from_stft(functional.phase_vocoder(spectrum, factor, advance), length, rate, seconds)


def frame_size(rate: int, seconds: float = 0.032) -> int:
    """Samples in an STFT frame: the power of two nearest to `seconds`, 512 at 16 kHz."""
    return 2 ** max(4, round(math.log2(seconds * rate)))


def hop(rate: int, seconds: float = 0.032) -> int:
    """Samples from one STFT frame to the next: a quarter of a frame."""
    return frame_size(rate, seconds) // 4


def to_stft(waveform: torch.Tensor, rate: int, seconds: float = 0.032) -> torch.Tensor:
    """Complex spectrum `(size // 2 + 1, 1 + T // hop)`; frame k is centred at sample `k * hop`.

    The edges are padded with zeros: a reflection would need clips longer than half a frame.
    """
    from torchaudio import functional

    size = frame_size(rate, seconds)
    window = torch.hann_window(size)
    return functional.spectrogram(
        waveform, 0, window, size, size // 4, size, power=None, normalized=False, pad_mode="constant"
    )


def from_stft(spectrum: torch.Tensor, length: int, rate: int, seconds: float = 0.032) -> torch.Tensor:
    """The waveform `(length,)` whose STFT is nearest to `spectrum`, inverse of `to_stft`.

    Args:
        spectrum: (size // 2 + 1, frames) complex.
        length: at most a hop past the centre of the last frame, where windows still cover it.
        rate: in Hz.
        seconds: as in `to_stft`.
    """
    from torchaudio import functional

    size = frame_size(rate, seconds)
    window = torch.hann_window(size)
    return functional.inverse_spectrogram(
        spectrum, length, 0, window, size, size // 4, size, normalized=False, pad_mode="constant"
    )
