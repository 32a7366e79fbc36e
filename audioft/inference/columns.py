"""Rows of values over time in flat memory, and spectrograms of recordings of any length as such rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audioft.audio import io
from audioft.audio.hearing import Hearing
from audioft.data.clip import Clip
from audioft.errors import AudioError

COLUMNS = 2400  # of a picture's panels; more cannot be told apart
BANDS = 96
RATE, FFT, STEP = 16000, 512, 160  # of the spectrogram: Hz, samples, samples


class Columns:
    """Rows of values over time in flat memory: when there are too many, neighbours become one.

    Args:
        height: values a column.
        seconds: a column lasts, at first.
        most: columns that are kept; halved as often as needed.
    """

    def __init__(self, height: int, seconds: float, most: int = COLUMNS):
        self.seconds, self.most = seconds, most
        self.values = np.full((2 * most, height), -np.inf, np.float32)
        self.used = 0

    def put(self, first: int, values: np.ndarray) -> None:
        """Columns `(N, height)` from number `first` on, at the present width; the highest value of each place stays."""
        while first + len(values) > len(self.values):
            self.halve()
            values = _padded(values, first % 2, 2)
            first, values = first // 2, np.maximum(values[::2], values[1::2])
        here = self.values[first : first + len(values)]
        np.maximum(here, values, out=here)
        self.used = max(self.used, first + len(values))

    def halve(self) -> None:
        """Half the columns, of twice the time."""
        pairs = np.maximum(self.values[::2], self.values[1::2])
        self.values[: len(pairs)], self.values[len(pairs) :] = pairs, -np.inf
        self.seconds, self.used = 2 * self.seconds, -(-self.used // 2)

    def between(self, start: float, end: float) -> np.ndarray:
        """`(N, height)`, the columns that reach into the seconds from `start` to `end`."""
        first = min(int(start / self.seconds + 1e-9), len(self.values) - 1)
        return self.values[first : max(first + 1, int(np.ceil(end / self.seconds - 1e-9)))]


def spectrograms(clip: Clip, length: float, how: Hearing) -> Iterator[np.ndarray]:
    """A clip's spectrogram page by page, as columns `(N, BANDS)` in dB; read once, in flat memory.

    Bands are equally wide, over all that is heard; where many frames fall into a column, the loudest of each band is
    kept, so that a short sound on a long page is still seen.

    Args:
        clip: the recording; it ends where it breaks off.
        length: seconds of a page.
        how: the recording is heard.
    """
    rate = how.per_second
    frames_a_page = max(1, round(length * rate / STEP))
    columns, at = Columns(BANDS, STEP / rate), 0
    for values in _frames(clip, how):
        while len(values):
            here = values[: frames_a_page - at]
            _place(columns, at, here, rate)
            at, values = at + len(here), values[len(here) :]
            if at == frames_a_page:
                yield _seen(columns, at, rate)
                columns, at = Columns(BANDS, STEP / rate), 0
    if at:
        yield _seen(columns, at, rate)


def _frames(clip: Clip, how: Hearing) -> Iterator[np.ndarray]:
    """Frames `(F, BANDS)` in dB as they come."""
    window = np.hanning(FFT).astype(np.float32)
    edges = np.linspace(1, FFT // 2 + 1, BANDS + 1).astype(int)
    held = np.zeros(0, np.float32)
    try:
        for block in io.stream(clip.path, how, clip.start, clip.end):
            held = np.concatenate([held, np.nan_to_num(block)])
            count = (len(held) - FFT) // STEP + 1
            if count > 0:
                frames = np.lib.stride_tricks.sliding_window_view(held, FFT)[::STEP][:count]
                power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
                bands = np.add.reduceat(power, edges[:-1], axis=1)[:, :BANDS] / np.diff(edges)
                yield 10 * np.log10(bands + 1e-10)
                held = held[count * STEP :]
    except AudioError:
        return  # drawn up to where it breaks off, which the title says


def _seen(columns: Columns, frames: int, rate: int) -> np.ndarray:
    seen = columns.between(0.0, frames * STEP / rate)
    return np.where(np.isfinite(seen), seen, -100.0)


def _place(columns: Columns, first: int, values: np.ndarray, rate: int) -> None:
    """Frames of `STEP` samples at `rate` Hz from number `first` on, into columns of whatever width by now."""
    width = max(1, round(columns.seconds * rate / STEP))
    padded = _padded(values, first % width, width)
    columns.put(first // width, padded.reshape(-1, width, values.shape[1]).max(1))


def _padded(values: np.ndarray, ahead: int, width: int) -> np.ndarray:
    """Columns `(N, height)` with so many empty ones ahead, and behind as many as make a multiple of `width`."""
    return np.pad(values, ((ahead, -(ahead + len(values)) % width), (0, 0)), constant_values=-np.inf)
