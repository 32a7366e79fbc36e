"""Pictures of a training run and its evaluation, each as a piece of SVG to be put into a page.

Text stays text in the SVG, so labels in any script show in whatever font the reader has. Figures are made
without pyplot, whose list of open figures is global.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.evaluation.metrics import METRICS
from audioft.evaluation.page.style import IN_PICTURES
from audioft.evaluation.text import TITLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAIN, VALID, QUIET, FAINT = "#2563eb", "#dc2626", "#9ca3af", "#6b7280"

_MOST_POINTS = 1000  # more cannot be told apart on a page

STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a label may hold a dollar sign, which would begin a formula
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}

Row = dict[str, Any]


def loss_chart(history: Sequence[Row], kept: int | None = None) -> str | None:
    """Training and validation loss, the epoch marked that was kept; None if the history has none."""
    return _chart("loss by epoch", lambda: _lines(history, "loss", {"train": ("loss",), "valid": ("loss",)}, kept))


def rate_chart(history: Sequence[Row]) -> str | None:
    """The learning rate; None if the history has none."""
    return _chart("learning rate", lambda: _lines(history, "learning rate", {"train": ("lr",)}))


def metric_chart(history: Sequence[Row], main: str, kept: int | None = None) -> str | None:
    """The validation metrics, `main` first and at most four, as `loss_chart`; None if the history has none."""
    found = {k for row in history if row.get("kind") == "valid" for k in row}
    few = ("accuracy", "balanced_accuracy", "f1_macro", "f1_micro", "roc_auc")
    # of one label a clip, micro F1 is the accuracy
    names = [n for n in dict.fromkeys([main, *few, *METRICS]) if n in found and (n, main) != ("f1_micro", "accuracy")][
        :4
    ]
    return _chart(
        "metrics of the validation side", lambda: _lines(history, "validation", {"valid": tuple(names)}, kept)
    )


def score_chart(draw: Callable[[Axes], None], chance: float, title: str, across: str, score: str) -> bytes:
    """A picture of scores between 0 and 1 as PNG: what `draw` draws, a line of chance, and a legend beside them.

    Args:
        draw: puts lines into the axes.
        chance: the score that is reached without listening.
        title: above the picture.
        across, score: what the axes are.
    """
    with _styled():
        figure, axes = _figure(6.4, 3.8)
        draw(axes)
        axes.axhline(chance, color=FAINT, linewidth=1.2, linestyle=":", label="chance")
        axes.set_ylim(max(0.0, chance - 0.05), 1.02)
        axes.set_xlabel(across)
        axes.set_ylabel(score)
        axes.set_title(title)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=150, bbox_inches="tight")
    return out.getvalue()


@contextlib.contextmanager
def _styled(salt: str | None = None) -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # in SVG drawn by the reader's browser
        yield


def _chart(name: str, draw: Callable[[], Figure | None]) -> str | None:
    # the salt makes the same data give the same bytes, and keeps the ids of two pictures on one page apart
    with _styled(salt=name):
        figure = draw()
        return None if figure is None else _svg(figure, name)


def _svg(figure: Figure, name: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})  # not "tight", which draws everything twice
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' id="[\w.]+_\d+"', "", text)  # nothing refers to them, and two pictures have the same
    head, rest = text.split(">", 1)
    wide = re.search(r' width="([\d.]+)pt"', head)
    # the picture fills its place on the page, up to its own size
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    wide_enough = f"width:100%;max-width:{wide[1] if wide else 500}pt;height:auto"
    return f'{head} role="img" aria-label="{name}" style="{wide_enough}">{_in_colours_of_the_page(rest)}'


def _in_colours_of_the_page(svg: str) -> str:
    """Colours that a page knows by name follow it into the dark; what has none, as text, is ink."""
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: IN_PICTURES.get(found[0], found[0]), svg)


def _figure(wide: float, high: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(wide, high))
    return figure, figure.add_subplot()


def _lines(
    history: Sequence[Row], title: str, wanted: dict[str, tuple[str, ...]], kept: int | None = None
) -> Figure | None:
    unit = "epoch" if all(_finite(row.get("epoch")) for row in history) else "step"
    series = {
        (kind, key): points
        for kind, keys in wanted.items()
        for key in keys
        if (points := _points(history, kind, key, unit)) is not None
    }
    if not series:
        return None
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(5.2, 3.0)
    colours = iter([VALID, "#d97706", "#059669", "#7c3aed"])
    for (kind, key), (x, y) in series.items():
        label = kind if key == "loss" else TITLES.get(key, key)
        colour = TRAIN if kind == "train" else next(colours)
        noisy = kind == "train" and key == "loss" and len(x) > 30
        marker = "o" if len(x) <= 30 else None
        axes.plot(x, y, color=colour, marker=marker, markersize=3, linewidth=1.2, alpha=0.25 if noisy else 1,
                  label=None if noisy else label)  # fmt: skip
        if noisy:
            axes.plot(x, _smooth(y), color=colour, linewidth=1.4, label=f"{label} (smoothed)")
    # what lies where is told, as looking for it draws a picture several times; a power of ten has its place below the
    # title, and numbers of eight digits theirs beside the axis
    figure.subplots_adjust(left=0.14, bottom=0.16, right=0.97, top=0.86)
    axes.set_title(title, y=1.05)
    axes.set_xlabel(unit)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))  # epochs and steps are whole
    if kept is not None and unit == "epoch":
        axes.axvline(kept, color=QUIET, linewidth=1.2, linestyle="--", label=f"kept: epoch {kept}", zorder=0)
    if len(series) > 1 or title == "validation" or kept is not None:
        axes.legend(fontsize=8)
    if title == "learning rate":
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
        axes.set_ylim(bottom=0)
    return figure


def _points(history: Sequence[Row], kind: str, key: str, unit: str) -> tuple[np.ndarray, np.ndarray] | None:
    rows = [r for r in history if r.get("kind") == kind and _finite(r.get(unit)) and _finite(r.get(key))]
    if not rows:
        return None
    x, y = (np.array([float(r[k]) for r in rows]) for k in (unit, key))
    if len(x) > _MOST_POINTS:
        x, y = (np.array([part.mean() for part in np.array_split(v, _MOST_POINTS)]) for v in (x, y))
    return x, y


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _smooth(y: np.ndarray) -> np.ndarray:
    """A centred running mean over a twentieth of the points, narrower at the ends."""
    half = max(1, len(y) // 40)
    total = np.concatenate([[0.0], np.cumsum(y)])
    i = np.arange(len(y))
    low, high = np.maximum(i - half, 0), np.minimum(i + half + 1, len(y))
    return (total[high] - total[low]) / (high - low)
