"""What layers know, as one picture: score over depth, a line an encoder."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from audioft.evaluation.charts import STYLE
from audioft.evaluation.text import TITLES
from audioft.tasks.probe.comparison_table import Comparison, Row, tail

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Told apart by readers of any colour vision (Okabe and Ito 2008, without the yellow, which is too faint on white).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FLOOR = "#6b7280"


def png(found: Comparison) -> bytes:
    """The picture, of the encoders that have scores."""
    import matplotlib
    from matplotlib.figure import Figure

    good = [r for r in found.all() if r.layers and r is not found.baseline]
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(6.4, 3.8))
        axes = figure.add_subplot()
        for i, row in enumerate(good):
            _line(axes, row, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], ("-", "--", ":")[i // 7 % 3])
        if found.baseline.layers:
            top = found.baseline.top
            axes.axhline(top.value, color=FLOOR, linewidth=1.4, linestyle=(0, (5, 2)), label="log-mel spectra")
        axes.axhline(found.chance, color=FLOOR, linewidth=1.2, linestyle=":", label="chance")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(max(0, found.chance - 0.05), 1.02)
        axes.set_xlabel("depth: 0 before the first layer, 1 after the last")
        axes.set_ylabel(TITLES[found.metric])
        axes.set_title("a linear classifier on each layer, and its 95 % interval")
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=150, bbox_inches="tight")
    return out.getvalue()


def _line(axes: Axes, row: Row, colour: str, marker: str, style: str) -> None:
    depth = np.linspace(0, 1, len(row.layers)) if row.last else np.zeros(1)
    value, low, high = (np.array([getattr(s, k) for s in row.layers]) for k in ("value", "low", "high"))
    axes.fill_between(depth, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.plot(depth, value, style, color=colour, marker=marker, markersize=4, linewidth=1.6, label=tail(row.name))
    axes.plot(depth[row.best], value[row.best], marker=marker, markersize=9, color=colour, fillstyle="none")
