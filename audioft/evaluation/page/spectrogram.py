"""A few seconds of sound as a small picture, without a drawing library: a page may hold hundreds."""

from __future__ import annotations

import struct
import zlib

import numpy as np

WIDE, HIGH = 180, 54  # pixels
FFT = 512  # samples
RANGE_DB = 60.0
#: From the quietest to the loudest: matplotlib's `magma` at eight places, in between as they lie.
_COLOURS = ((0, 0, 4), (36, 16, 82), (92, 22, 128), (144, 42, 129), (203, 62, 114), (245, 106, 92), (254, 171, 118),
            (252, 253, 191))  # fmt: skip


def palette() -> np.ndarray:
    """`(256, 3)` uint8."""
    at, stops = np.linspace(0, len(_COLOURS) - 1, 256), np.arange(len(_COLOURS))
    return np.stack([np.interp(at, stops, [c[k] for c in _COLOURS]) for k in range(3)], axis=1).astype(np.uint8)


def picture(samples: np.ndarray, rate: int) -> bytes:
    """A PNG of `WIDE` by `HIGH` pixels: time across, mel bands from 0 Hz to half the rate upward, the loudest bright.

    Args:
        samples: `(T,)`, any number of them.
        rate: Hz.
    """
    return png(shades(samples, rate), palette())


def shades(samples: np.ndarray, rate: int) -> np.ndarray:
    """`(HIGH, WIDE)` uint8: power in dB, 0 from `RANGE_DB` below the loudest down; the highest band on top."""
    padded = np.pad(np.nan_to_num(samples.astype(np.float32)), (0, max(0, FFT - len(samples))))
    starts = np.linspace(0, len(padded) - FFT, 3 * WIDE).astype(int)  # three looks a column
    frames = padded[starts[:, None] + np.arange(FFT)] * np.hanning(FFT).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    bands = power[:, _edges(rate)].reshape(WIDE, 3, HIGH).max(axis=1)
    level = 10 * np.log10(bands + 1e-10)
    scaled = 255 * (1 + (level - level.max()) / RANGE_DB)
    return np.clip(scaled, 0, 255).astype(np.uint8).T[::-1]


def _edges(rate: int) -> np.ndarray:
    """Of each band the bin of the transform in its middle, `(HIGH,)`, evenly spaced in mel."""
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    mel = (np.arange(HIGH) + 0.5) / HIGH * highest
    hertz = 700 * (10 ** (mel / 2595) - 1)
    return np.clip(np.round(hertz / (rate / FFT)), 1, FFT // 2).astype(int)


def png(pixels: np.ndarray, colours: np.ndarray) -> bytes:
    """A PNG of `(H, W)` uint8 places in a palette `(256, 3)` uint8 (RFC 2083)."""
    high, wide = pixels.shape
    rows = np.concatenate([np.zeros((high, 1), np.uint8), pixels], axis=1)  # each row begins with its filter: none
    head = struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0)
    parts = (b"IHDR", head), (b"PLTE", colours.tobytes()), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
