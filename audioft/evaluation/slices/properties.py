"""What can be measured of a clip's sound without knowing what it is: level, noise floor, bandwidth, pitch, length."""

from __future__ import annotations

import math

import numpy as np

#: By name the unit; the order is that of the columns of what is measured.
PROPERTIES = {"length": "s", "level": "dB", "noise floor": "dB", "bandwidth": "kHz", "pitch": "Hz"}
SILENCE = 1e-6  # of full scale: -120 dB
FRAME, HOP = 0.032, 0.016  # seconds
QUIET = 0.1  # share of frames that are the noise
BELOW = 50.0  # dB below the strongest frequency that is still heard
PITCHES = (60.0, 800.0)  # Hz
_CLEAR = 0.5  # correlation with itself, from which on a frame has a pitch
_LOUDEST = 50  # frames in which a pitch is looked for


def measured(samples: np.ndarray, rate: int, seconds: float, lowest: float = 0.0) -> np.ndarray:
    """The properties of a clip.

    Args:
        samples: `(T,)` float32, full scale is 1; its beginning is enough.
        rate: samples in a second of the recording, Hz.
        seconds: how long the clip is.
        lowest: Hz, which frequency of the recording lies at 0 Hz of the samples.

    Returns:
        `(5,)` float64 in the order of `PROPERTIES`: seconds; root mean square, and its 10 % quietest frames, in dB of
        full scale; the highest frequency within 50 dB of the strongest one, kHz; the median pitch of its loudest
        frames between 60 and 800 Hz. nan where there is none.

    >>> t = np.arange(16000) / 16000
    >>> measured(0.5 * np.sin(2 * np.pi * 200 * t).astype(np.float32), 16000, 1.0).round(1)[[0, 1, 4]].tolist()
    [1.0, -9.0, 200.0]
    """
    frames = _frames(np.asarray(samples, np.float64), rate)
    powers = (frames**2).mean(axis=1)
    level = _decibels(float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0)
    floor = _decibels(float(np.quantile(powers, QUIET)))
    if level <= _decibels(0.0):
        return np.array([seconds, level, floor, math.nan, math.nan])
    loud = frames[np.argsort(-powers, kind="stable")[:_LOUDEST]]
    return np.array([seconds, level, floor, _bandwidth(frames, rate, lowest), _pitch(loud, rate)])


def _frames(samples: np.ndarray, rate: int) -> np.ndarray:
    """`(F, T)`, at least one frame; what is shorter is filled up with zeros."""
    size, hop = max(2, round(FRAME * rate)), max(1, round(HOP * rate))
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]


def _decibels(power: float) -> float:
    return 10 * math.log10(max(power, SILENCE**2))


def _bandwidth(frames: np.ndarray, rate: int, lowest: float) -> float:
    spectrum = (np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), axis=1)) ** 2).mean(axis=0)[1:]
    smooth = np.convolve(spectrum, np.ones(3) / 3, mode="same")
    heard = np.flatnonzero(smooth >= smooth.max() * 10 ** (-BELOW / 10))
    return float(lowest + (heard[-1] + 1) * rate / frames.shape[1]) / 1000


def _pitch(frames: np.ndarray, rate: int) -> float:
    """The median over frames that are like themselves a period later (autocorrelation, by its spectrum)."""
    size = frames.shape[1]
    shortest, longest = int(rate / PITCHES[1]), min(int(rate / PITCHES[0]), size - 1)
    if longest <= shortest + 1:
        return math.nan
    frames = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(frames, n=2 * size, axis=1)) ** 2
    like = np.fft.irfft(spectrum, axis=1)[:, :size]
    like /= np.maximum(like[:, :1], 1e-12) * (1 - np.arange(size) / size)  # fewer samples overlap at a longer period
    inside = like[:, shortest : longest + 1]
    best = inside.max(axis=1)
    # of several periods that fit as well the shortest is the pitch
    first = (inside >= 0.95 * best[:, None]).argmax(axis=1)
    peaks = [_peak(row, at) for row, at in zip(inside, first.tolist(), strict=True)]
    periods = np.array(peaks)[best >= _CLEAR] + shortest
    return float(rate / np.median(periods)) if len(periods) >= max(3, len(frames) // 5) else math.nan


def _peak(row: np.ndarray, at: int) -> int:
    """The top of the peak that begins at `at`."""
    while at + 1 < len(row) and row[at + 1] > row[at]:
        at += 1
    return at
