"""A recording as pictures: spectrogram, scores over time, and what happens when, found and true."""

from __future__ import annotations

import dataclasses
import io
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from audioft.annotations.event import Event
from audioft.audio.hearing import Hearing
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.errors import AudioError
from audioft.evaluation.page.elements import LABEL, data, escaped, named
from audioft.evaluation.page.style import fragment
from audioft.evaluation.text import fit
from audioft.inference.columns import COLUMNS, RATE, Columns, spectrograms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = 300.0  # seconds of a page of a long recording
MOST_PAGES = 60  # of more, each is of more seconds
WITHIN = 1.5  # pages up to which a recording is one picture
WITH_SOUND = 600.0  # seconds up to which a notebook shows the spectrogram, for which all of it is read
ROWS = 24  # labels that find room, those that reach highest
QUIET_ROWS = 3  # labels that are shown where none occurs
VALUES = 4_000_000  # scores that are kept of a recording; of more, neighbours become one
RANGE_DB = 70.0
_COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
_TRUE = "#6b7280"


class Picture:
    """Collects what is found of one recording, then draws it.

    Args:
        labels: the C labels.
        true: what is known to happen; None where nothing is known.
        hearing: how recordings reach the encoder; the spectrogram shows what is heard, at its own frequencies.
    """

    def __init__(self, labels: tuple[str, ...], true: Sequence[Event] | None = None, hearing: Hearing | None = None):
        self.labels, self.true = labels, true
        self.how = hearing if hearing is not None and not hearing.plain else Hearing(RATE)
        most = max(COLUMNS, min(MOST_PAGES * COLUMNS, VALUES // max(1, len(labels))))
        self.scores = Columns(len(labels), 0.02 / self.how.expansion, most)
        self.events: list[Event] = []
        self.seconds = 0.0

    def add(self, starts: np.ndarray, ends: np.ndarray, scores: np.ndarray, events: Iterable[Event]) -> None:
        """Moments that follow on those before, `(K,)`, `(K,)` in seconds and `(K, C)`, and what was found."""
        self.events += events
        for start, end, values in zip(starts.tolist(), ends.tolist(), scores, strict=True):
            first = int(start / self.scores.seconds + 1e-6)
            count = max(1, round(end / self.scores.seconds) - first)
            self.scores.put(first, np.tile(values, (count, 1)))
            self.seconds = end

    def save(self, name: Callable[[str], Path], clip: Clip, error: AudioError | None) -> None:
        """Draw what was added of `clip`, with its spectrogram, into a PNG file, or of a long recording into pages.

        Args:
            name: the file with a given ending: `.png`, or `.page-01.png` and so on.
            clip: the recording.
            error: why it breaks off; None if it does not.
        """
        pages = list(self._pages())
        spectra = spectrograms(clip, pages[0].end, self.how)
        about = "" if error is None else f"; breaks off at {clock(self.seconds, self.seconds)}"
        digits = max(2, len(str(len(pages))))
        for number, page in enumerate(pages, 1):
            ending, title = ".png", f"{fit(clip.name, 120, end=True)}{about}"
            if len(pages) > 1:
                ending, title = f".page-{number:0{digits}d}.png", f"{title}   (page {number} of {len(pages)})"
            draw(dataclasses.replace(page, title=title, seen=next(spectra, None)), name(ending))

    def draw(self, file: BinaryIO, clip: Clip | None, title: str) -> None:
        """One picture of all that was added, without pages; without a spectrogram where there is no clip."""
        page = self._page(0.0, max(self.seconds, 1e-3))
        seen = None if clip is None else next(spectrograms(clip, page.end, self.how), None)
        draw(dataclasses.replace(page, title=title, seen=seen), file)

    def _pages(self) -> Iterator[Page]:
        """As long as each other, all but the last."""
        seconds = max(self.seconds, 1e-3)
        length = seconds if seconds <= WITHIN * PAGE else PAGE
        if seconds > MOST_PAGES * PAGE:
            length = 60.0 * math.ceil(seconds / MOST_PAGES / 60)  # whole minutes
        count = max(1, math.ceil(seconds / length - 1e-9))
        for k in range(count):
            # of the same scale, so that pages can be laid beside each other
            yield self._page(k * length, (k + 1) * length)

    def _page(self, start: float, end: float) -> Page:
        shown = self._shown()
        values = self.scores.between(start, min(end, max(self.seconds, start + 1e-3)))[:, shown]
        values = np.where(np.isfinite(values), values, 0.0)
        return Page(
            start,
            end,
            max(self.seconds, 1e-3),
            tuple(self.labels[i] for i in shown),
            values,
            len(values) * self.scores.seconds,
            self.events,
            self.true,
            self._left_out(shown),
            heard=(low := self.how.range[0] / 1000, low + self.how.per_second / 2000),
        )

    def _occurring(self) -> set[str]:
        return {e.label for e in (*self.events, *(self.true or ()))}

    def _shown(self) -> list[int]:
        """Which labels, in their order: those that occur; of many, or of none, those that reach highest."""
        found = self._occurring()
        wanted = [i for i, label in enumerate(self.labels) if label in found]
        if 0 < len(wanted) <= ROWS:
            return wanted
        highest = self.scores.values.max(0)
        among, most = (wanted, ROWS) if wanted else (range(len(self.labels)), QUIET_ROWS)
        return sorted(sorted(among, key=lambda i: -highest[i])[:most])

    def _left_out(self, shown: Sequence[int]) -> str:
        """What is said of the labels that are not shown."""
        found = self._occurring() & set(self.labels)
        if not found:
            return f"none found; the {len(shown)} of {len(self.labels)} labels that score highest"
        if len(found) > len(shown):
            return f"the {len(shown)} of {len(found)} labels that score highest"
        left = len(self.labels) - len(shown)
        return f"{left} labels that do not occur are left out" if left else ""


def in_page(
    path: str,
    labels: tuple[str, ...],
    moments: tuple[np.ndarray, np.ndarray, np.ndarray],
    events: Sequence[Event],
    error: AudioError | None,
    hearing: Hearing | None,
) -> str:
    """A recording over time as a piece of HTML; with its spectrogram where it is there to be read, and not long.

    Args:
        path: the recording.
        labels, moments, events: see `Picture`.
        error: why it breaks off; None if it does not.
        hearing: see `Picture`.
    """
    picture = Picture(labels, hearing=hearing)
    picture.add(*moments, events)
    clip = Clip(Path(os.path.abspath(path)), path)
    short = picture.seconds <= WITH_SOUND and os.path.isfile(clip.path)
    counts = Counter(e.label for e in events)
    said = "; ".join(f"{named(label, LABEL)}: {counted(n, 'segment')}" for label, n in counts.most_common(ROWS))
    body = f"<p>{named(path)}, {picture.seconds:.1f} s; {said or 'no segments'}</p>"
    body += "" if error is None else f"<p>It breaks off: {escaped(error)}</p>"
    if len(moments[0]):
        file = io.BytesIO()
        picture.draw(file, clip if short else None, fit(path, 120, end=True))
        body += f'<img style="max-width:100%" alt="scores and segments over time" src="{data("image/png", file)}">'
    return fragment(body)


@dataclasses.dataclass(frozen=True)
class Page:
    """What one picture shows.

    Attributes:
        start, end: seconds of the recording.
        longest: seconds of the whole recording.
        labels: the C labels shown.
        scores: `(K, C)`, in columns that together last `lasting` seconds from `start` on.
        lasting: see there.
        events: what was found in the recording.
        true: what is known to happen; None where nothing is known.
        left_out: what is said of labels that are not shown.
        title: above it.
        seen: `(N, BANDS)` dB from `start` on; None for no spectrogram.
        heard: from which to which frequency that is, kHz.
    """

    start: float
    end: float
    longest: float
    labels: tuple[str, ...]
    scores: np.ndarray
    lasting: float
    events: Sequence[Event]
    true: Sequence[Event] | None
    left_out: str
    title: str = ""
    seen: np.ndarray | None = None
    heard: tuple[float, float] = (0.0, RATE / 2000)


def draw(page: Page, place: Path | BinaryIO) -> None:
    """Draw a page as PNG."""
    import matplotlib
    from matplotlib.figure import Figure

    from audioft.evaluation.charts import STYLE

    lanes = 0.26 * len(page.labels) + 0.3
    heights = [lanes, lanes * (1.0 if page.true is None else 1.4)]
    heights = heights if page.seen is None else [2.2, *heights]
    with matplotlib.rc_context({**STYLE, "axes.grid": False, "svg.fonttype": "path"}):
        figure = Figure(figsize=(13, 1.1 + sum(heights) + 0.3 * len(heights)), layout="constrained")
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        grid: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
        if page.seen is not None:
            lasts = min(page.end, page.longest) - page.start
            quiet = float(page.seen.max()) - RANGE_DB
            where: tuple[float, float, float, float] = (page.start, page.start + lasts, *page.heard)
            panels[0].imshow(page.seen.T, origin="lower", extent=where, cmap="magma", vmin=quiet, **grid)
            panels[0].set_ylabel("kHz")
        middle, below = panels[-2:]
        where = (page.start, page.start + page.lasting, len(page.labels) - 0.5, -0.5)
        image = middle.imshow(page.scores.T, extent=where, cmap="Blues", vmin=0, vmax=1, **grid)
        figure.colorbar(image, ax=middle, pad=0.01, fraction=0.02).ax.tick_params(labelsize=7)
        middle.set_title("scores")
        panels[0].set_title(page.title if page.seen is not None else f"{page.title}: scores")
        _segments(below, page)
        for each in (middle, below):
            each.set_yticks(range(len(page.labels)), [fit(label) for label in page.labels], fontsize=8)
        below.set_xlim(page.start, page.end)
        below.set_xticks([t for t in ticks(page.end, start=page.start) if t >= page.start - 1e-9])
        below.xaxis.set_major_formatter(lambda x, _: clock(x, page.longest))
        below.set_xlabel("h:min:s" if page.longest >= 3600 else "min:s" if page.longest >= 60 else "s")
        figure.savefig(place, dpi=100, format="png")


def _segments(axes: Axes, page: Page) -> None:
    """What was found, a lane a label; where it is known, what is true below it."""
    least = (page.end - page.start) / 1200  # what is shorter than a pixel is still seen
    found = (-0.35, 0.7) if page.true is None else (-0.38, 0.38)
    kinds = [(page.events, found, None)] + ([] if page.true is None else [(page.true, (0.04, 0.3), _TRUE)])
    for row, label in enumerate(page.labels):
        for events, (above, high), colour in kinds:
            own = [(e.start, max(e.seconds, least)) for e in events if e.label == label]
            axes.broken_barh(own, (row + above, high), facecolors=colour or _COLOURS[row % len(_COLOURS)])
        axes.axhline(row + 0.5, color="#e5e7eb", linewidth=0.5, zorder=0)
    axes.set_ylim(len(page.labels) - 0.5, -0.5)
    said = "segments" if page.true is None else "segments: found in colour, true in grey below"
    axes.set_title(said + (f" ({page.left_out})" if page.left_out else ""))


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


def ticks(longest: float, most: int = 12, start: float = 0.0) -> np.ndarray:
    """Round times from 0 to `longest` seconds, at most `most` and one of them from `start` on.

    >>> ticks(9.0).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    >>> ticks(3 * 3600).tolist()[:3]
    [0.0, 900.0, 1800.0]
    """
    steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, *(60 * m for m in (1, 2, 5, 10, 15, 30))]
    steps += [3600 * h for h in (1, 2, 4, 6, 12, 24)]
    step = next((s for s in steps if (longest - start) / s <= most), steps[-1])
    return step * np.arange(int(longest / step + 1e-9) + 1.0)
