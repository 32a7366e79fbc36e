"""A recording as a picture: spectrogram, scores over time, and what happens when."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from audioft.annotations.event import Event
from audioft.audio import io
from audioft.audio.hearing import Hearing
from audioft.data.clip import Clip
from audioft.errors import AudioError
from audioft.inference.timeline import Rules, Scores

COLUMNS = 2400  # of the picture's panels; more cannot be told apart
BANDS = 96
ROWS = 24  # labels that find room, those that reach highest
RATE, FFT, STEP = 16000, 512, 160  # of the spectrogram: Hz, samples, samples
RANGE_DB = 70.0
_COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")


class Columns:
    """Rows of values over time in flat memory: when there are too many, neighbours become one.

    Args:
        height: values a column.
        seconds: a column lasts, at first.
        most: columns that are kept; halved as often as needed.
    """

    def __init__(self, height: int, seconds: float, most: int = COLUMNS):
        self.seconds, self.most = seconds, most
        self.values = np.full((2 * most, height), -np.inf)
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

    def until(self, seconds: float) -> np.ndarray:
        """`(N, height)`, the columns that reach into the first so many seconds."""
        return self.values[: max(1, min(len(self.values), int(np.ceil(seconds / self.seconds - 1e-9))))]


class Picture:
    """Collects what is found of one recording, then draws it.

    Args:
        labels: the C labels.
        rules: how scores become events; thresholds are drawn.
        hearing: how recordings reach the encoder; the spectrogram shows what is heard, at its own frequencies.
    """

    def __init__(self, labels: tuple[str, ...], rules: Rules, hearing: Hearing):
        self.labels, self.rules = labels, rules
        self.how = Hearing(RATE) if hearing.plain else hearing
        self.scores = Columns(len(labels), 0.02 / self.how.expansion)
        self.events: list[Event] = []
        self.seconds = 0.0

    def add(self, moments: Scores, events: Iterable[Event]) -> None:
        """What a step brought."""
        self.events += events
        for start, end, scores in zip(moments.starts.tolist(), moments.ends.tolist(), moments.scores, strict=True):
            first = int(start / self.scores.seconds + 1e-6)
            count = max(1, round(end / self.scores.seconds) - first)
            self.scores.put(first, np.tile(scores, (count, 1)))
            self.seconds = end

    def save(self, path: Path, clip: Clip, error: AudioError | None) -> None:
        """Draw what was added of `clip`, with its spectrogram, into a PNG file."""
        import matplotlib
        from matplotlib.figure import Figure

        from audioft.evaluation.charts import STYLE

        shown = self._shown()
        seen, seconds = spectrogram(clip, self.how)
        with matplotlib.rc_context({**STYLE, "axes.grid": False}):
            lanes = 0.26 * len(shown) + 0.3
            figure = Figure(figsize=(13, 2.4 + 2 * lanes), layout="constrained")
            above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=[2.2, lanes, lanes])
            grid: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
            low = self.how.range[0] / 1000
            place: tuple[float, float, float, float] = (0, seconds, low, low + self.how.per_second / 2000)
            quiet = float(seen.max()) - RANGE_DB
            above.imshow(seen.T, origin="lower", extent=place, cmap="magma", vmin=quiet, **grid)
            above.set_ylabel("kHz")
            about = "" if error is None else f"; breaks off at {clock(self.seconds, seconds)}"
            above.set_title(f"{clip.name}{about}")
            values = self.scores.until(self.seconds)[:, shown]
            values = np.where(np.isfinite(values), values, 0.0)
            place = (0, self.seconds, len(shown) - 0.5, -0.5)
            image = middle.imshow(values.T, extent=place, cmap="Blues", vmin=0, vmax=1, **grid)
            figure.colorbar(image, ax=middle, pad=0.01, fraction=0.02).ax.tick_params(labelsize=7)
            middle.set_title("scores")
            least = seconds / 1200  # what is shorter than a pixel is still seen
            for row, label in enumerate(self.labels[i] for i in shown):
                own = [(e.start, max(e.seconds, least)) for e in self.events if e.label == label]
                below.broken_barh(own, (row - 0.35, 0.7), facecolors=_COLOURS[row % len(_COLOURS)])
                below.axhline(row, color="#e5e7eb", linewidth=0.5, zorder=0)
            below.set_ylim(len(shown) - 0.5, -0.5)
            left_out = len(self.labels) - len(shown)
            below.set_title("segments" + (f" (the {len(shown)} labels that score highest)" if left_out else ""))
            for each in (middle, below):
                each.set_yticks(range(len(shown)), [_short(self.labels[i]) for i in shown], fontsize=8)
            below.set_xlim(0, max(seconds, self.seconds))
            below.set_xticks(ticks(max(seconds, self.seconds)))
            below.xaxis.set_major_formatter(lambda x, _: clock(x, seconds))
            below.set_xlabel("h:min:s" if seconds >= 3600 else "min:s" if seconds >= 60 else "s")
            figure.savefig(path, dpi=100)

    def _shown(self) -> list[int]:
        """Which labels, in their order: all, or those that reach highest."""
        if len(self.labels) <= ROWS:
            return list(range(len(self.labels)))
        highest = self.scores.values.max(0)
        return sorted(np.argsort(-highest, kind="stable")[:ROWS].tolist())


def spectrogram(clip: Clip, how: Hearing) -> tuple[np.ndarray, float]:
    """A clip's spectrogram as columns `(N, BANDS)` in dB, and its length in seconds; read in blocks, in flat memory.

    Bands are equally wide, over all that is heard; where many frames fall into a column, the loudest of each band is
    kept, so that a short sound in a long recording is still seen.
    """
    columns = Columns(BANDS, STEP / how.per_second)
    window = np.hanning(FFT).astype(np.float32)
    edges = np.linspace(1, FFT // 2 + 1, BANDS + 1).astype(int)
    held, at, total = np.zeros(0, np.float32), 0, 0
    try:
        for block in io.stream(clip.path, how, clip.start, clip.end):
            total += len(block)
            held = np.concatenate([held, np.nan_to_num(block)])
            count = (len(held) - FFT) // STEP + 1
            if count > 0:
                frames = np.lib.stride_tricks.sliding_window_view(held, FFT)[::STEP][:count]
                power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
                bands = np.add.reduceat(power, edges[:-1], axis=1)[:, :BANDS] / np.diff(edges)
                _place(columns, at, 10 * np.log10(bands + 1e-10), how.per_second)
                at, held = at + count, held[count * STEP :]
    except AudioError:
        pass  # drawn up to where it breaks off, which the title says
    seconds = total / how.per_second
    seen = columns.until(seconds)
    return np.where(np.isfinite(seen), seen, -100.0), seconds


def _place(columns: Columns, first: int, values: np.ndarray, rate: int) -> None:
    """Frames of `STEP` samples at `rate` Hz from number `first` on, into columns of whatever width by now."""
    width = max(1, round(columns.seconds * rate / STEP))
    padded = _padded(values, first % width, width)
    columns.put(first // width, padded.reshape(-1, width, values.shape[1]).max(1))


def _padded(values: np.ndarray, ahead: int, width: int) -> np.ndarray:
    """Columns `(N, height)` with so many empty ones ahead, and behind as many as make a multiple of `width`."""
    return np.pad(values, ((ahead, -(ahead + len(values)) % width), (0, 0)), constant_values=-np.inf)


def clock(seconds: float, longest: float) -> str:
    """A time as long recordings show it.

    >>> clock(3.5, 10), clock(75, 600), clock(3723, 10000)
    ('3.5', '1:15', '1:02:03')
    """
    if longest < 60:
        return f"{seconds:g}"
    whole = round(seconds)
    if longest < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def ticks(longest: float, most: int = 12) -> np.ndarray:
    """Round times from 0 to `longest` seconds, at most `most` and one of them.

    >>> ticks(9.0).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    >>> ticks(3 * 3600).tolist()[:3]
    [0.0, 900.0, 1800.0]
    """
    steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, *(60 * m for m in (1, 2, 5, 10, 15, 30))]
    steps += [3600 * h for h in (1, 2, 4, 6, 12, 24)]
    step = next((s for s in steps if longest / s <= most), steps[-1])
    return step * np.arange(int(longest / step + 1e-9) + 1.0)


def _short(label: str, most: int = 28) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"
