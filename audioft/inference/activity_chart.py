"""Activity as pictures: labels over the hours of the day, and over days and hours."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.core.places import folder_for
from audioft.core.progress import spell_seconds
from audioft.core.wording import counted
from audioft.data.recorded.calendar import UNKNOWN
from audioft.evaluation.text import fit
from audioft.inference.activity_cells import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS = 24  # labels that find room, those that are heard longest
MOST_DAYS = 1100  # from the first to the last; of more, days without recordings are left out
_BAR, _EFFORT, _LINES = "#2563eb", "#6b7280", "#d1d5db"
_EMPTY: dict[str, Any] = {"facecolor": "#f3f4f6", "edgecolor": _LINES, "hatch": "////", "linewidth": 0, "zorder": 0}


def draw(cells: Mapping[Cell, np.ndarray], labels: Sequence[str], folder: Path, sites: bool) -> list[Path]:
    """See `Activity.draw`; `cells` have rows recorded, seconds, segments and score, `(4, C)`."""
    timed = {cell: found for cell, found in cells.items() if cell.hour != UNKNOWN}
    if not timed:
        return []
    folder_for(folder, "--plot")
    places: list[str | None] = [*sorted({cell.site for cell in timed})] if sites else [None]
    files: list[Path] = []
    for place, ending in zip(places, _endings(places), strict=True):
        own = {cell: found for cell, found in timed.items() if place in (None, cell.site)}
        days = _days(own)
        grid = np.zeros((2, len(labels), len(days), 24))  # recorded, seconds
        for cell, found in own.items():
            grid[:, :, days.index(cell.day), int(cell.hour)] += found[:2]
        about = "" if place is None else f"{fit(place, 60)}: "
        unknown = sum(float(f[0, 0]) for c, f in cells.items() if c.hour == UNKNOWN and place in (None, c.site))
        shown = _shown(grid[1].sum((1, 2)))
        with _styled():
            files.append(folder / f"activity{ending}.png")
            figure = _over_hours(grid.sum(2), [labels[i] for i in shown], shown, about, _left_out(shown, grid, unknown))
            figure.savefig(files[-1], dpi=100)
            if len(days) > 1:
                files.append(folder / f"activity{ending}.days.png")
                figure = _over_days(grid, days, [labels[i] for i in shown], shown, about)
                figure.savefig(files[-1], dpi=100)
    return files


@contextlib.contextmanager
def _styled() -> Iterator[None]:
    import matplotlib

    from audioft.evaluation.charts import STYLE

    own: dict[Any, Any] = {"axes.grid": False, "hatch.color": _LINES, "hatch.linewidth": 0.8}
    with matplotlib.rc_context({**STYLE, **own}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _endings(places: Sequence[str | None]) -> list[str]:
    """What tells the files of sites apart: their names, without what a file's name cannot hold."""
    plain = ["" if place is None else "." + re.sub(r"[^\w\-]+", "_", place) for place in places]
    lower = [name.lower() for name in plain]
    return [f"{name}-{i}" if lower.count(name.lower()) > 1 else name for i, name in enumerate(plain, 1)]


def _days(cells: Mapping[Cell, np.ndarray]) -> list[str]:
    """All days from the first to the last, those without recordings too."""
    known = sorted({cell.day for cell in cells})
    first, last = dt.date.fromisoformat(known[0]), dt.date.fromisoformat(known[-1])
    count = (last - first).days + 1
    return known if count > MOST_DAYS else [(first + dt.timedelta(days=i)).isoformat() for i in range(count)]


def _shown(seconds: np.ndarray) -> list[int]:
    """The labels that occur, in their order; of many those that are heard longest; of none the first."""
    found = sorted(range(len(seconds)), key=lambda i: -seconds[i])
    occurring = [i for i in found if seconds[i] > 0][:ROWS]
    return sorted(occurring or list(range(min(3, len(seconds)))))


def _left_out(shown: Sequence[int], grid: np.ndarray, unknown: float) -> str:
    """What the picture does not show."""
    occurring = int((grid[1].sum((1, 2)) > 0).sum())
    told = []
    if not occurring:
        told.append("none of the labels occurs")
    elif occurring > len(shown):
        told.append(f"the {len(shown)} of {counted(occurring, 'label')} heard longest")
    if grid.shape[1] > occurring > 0:
        told.append(f"{counted(grid.shape[1] - occurring, 'label')} never heard left out")
    if unknown:
        told.append(f"{spell_seconds(unknown)} recorded at unknown hours left out")
    return "; ".join(told)


def _over_hours(found: np.ndarray, names: list[str], shown: list[int], about: str, left_out: str) -> Figure:
    """Shares of the recorded time by hour of the day, a panel a label, and the effort; `found` is `(2, C, 24)`."""
    from matplotlib.figure import Figure

    recorded = found[0, 0]
    heights = [0.7] * len(shown) + [0.9]
    figure = Figure(figsize=(9, 1.3 + sum(heights) * 1.12), layout="constrained")
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    hours = np.arange(24)
    for axes, i, name in zip(panels, shown, names, strict=False):
        share = np.divide(100 * found[1, i], recorded, out=np.zeros(24), where=recorded > 0)
        axes.bar(hours + 0.5, share, width=0.92, color=_BAR)
        _level(axes, float(share.max()), "%")
        axes.set_ylabel(fit(name), rotation=0, ha="right", va="center")
        _unrecorded(axes, recorded)
    minutes = recorded / 60
    unit, values = ("h", minutes / 60) if minutes.max() >= 120 else ("min", minutes)
    panels[-1].bar(hours + 0.5, values, width=0.92, color=_EFFORT)
    _level(panels[-1], float(values.max()), unit)
    panels[-1].set_ylabel("recorded", rotation=0, ha="right", va="center")
    _unrecorded(panels[-1], recorded)
    panels[-1].set_xlim(0, 24)
    panels[-1].set_xticks(range(0, 25, 3), [f"{h:02d}:00" for h in range(0, 25, 3)])
    panels[-1].set_xlabel("hour of the day, by the recorders' clocks; hatched: nothing was recorded")
    said = "share of the recorded time in which each label is heard"
    panels[0].set_title(f"{about}{said}" + (f"\n{left_out}" if left_out else ""))
    return figure


def _level(axes: Axes, most: float, unit: str) -> None:
    """An axis from 0 to a round number above the highest bar."""
    top = _round_above(most) if most > 0 else 1.0
    axes.set_ylim(0, top * 1.05)
    axes.set_yticks([0, top], ["0", f"{top:g} {unit}"], fontsize=8)


def _round_above(value: float) -> float:
    """The next number of one round digit, or of two below three.

    >>> [_round_above(v) for v in (0.31, 7, 20, 21)]
    [0.4, 8.0, 20.0, 25.0]
    """
    power = 10.0 ** math.floor(math.log10(value))
    steps = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    return next(round(m * power, 9) for m in steps if m * power >= value * (1 - 1e-9))


def _unrecorded(axes: Axes, recorded: np.ndarray) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], recorded <= 0, [False]]).astype(int))).tolist()
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        axes.axvspan(first, end, **_EMPTY)


def _over_days(grid: np.ndarray, days: list[str], names: list[str], shown: list[int], about: str) -> Figure:
    """Days over hours, a panel a label and one of the effort. `grid` is `(2, C, D, 24)`."""
    from matplotlib.figure import Figure

    recorded = grid[0, 0]
    wide = min(4, len(shown) + 1)
    deep = math.ceil((len(shown) + 1) / wide)
    high = min(6.0, max(1.6, 0.12 * len(days) + 0.9))
    figure = Figure(figsize=(3.3 * wide + 0.4, high * deep + 0.5), layout="constrained")
    panels = figure.subplots(deep, wide, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, i, name in zip(panels, shown, names, strict=False):
        share = np.divide(100 * grid[1, i], recorded, out=np.full(recorded.shape, np.nan), where=recorded > 0)
        _map(axes, share, fit(name), "%", "Blues")
    _map(panels[len(shown)], np.where(recorded > 0, recorded / 60, np.nan), "recorded", "min", "Greys")
    for axes in panels[len(shown) + 1 :]:
        axes.set_axis_off()
    step = max(1, math.ceil(len(days) / max(2, int(high / 0.22))))
    panels[0].set_yticks(range(0, len(days), step), days[::step], fontsize=7)
    panels[0].set_xticks([-0.5, 5.5, 11.5, 17.5, 23.5], ["0", "6", "12", "18", "24"])
    for axes in panels[: len(shown) + 1]:
        axes.tick_params(labelbottom=True, labelsize=7)
    figure.suptitle(
        f"{about}share of the recorded time by day and hour; hatched: nothing was recorded",
        x=0.01,
        ha="left",
        fontsize=10,
    )
    return figure


def _map(axes: Axes, values: np.ndarray, title: str, unit: str, colours: str) -> None:
    most = float(np.nanmax(values))
    how: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest", "vmin": 0, "vmax": most if most > 0 else 1}
    axes.add_patch(_hatched(values.shape))
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colours, zorder=1, **how)
    axes.set_title(title)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02, fraction=0.05)
    bar.ax.tick_params(labelsize=7)
    bar.ax.set_title(unit, fontsize=7, loc="left")


def _hatched(shape: tuple[int, ...]) -> Any:
    from matplotlib.patches import Rectangle

    high, wide = shape
    return Rectangle((-0.5, -0.5), wide, high, **_EMPTY)
