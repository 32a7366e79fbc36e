"""What layers know, as one picture: score over depth, a line an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audioft.evaluation.charts import FAINT, score_chart
from audioft.evaluation.text import TITLES
from audioft.tasks.probe.comparison_table import Comparison, Row, tail

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Told apart by readers of any colour vision (Okabe and Ito 2008, without the yellow, which is too faint on white).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def png(found: Comparison) -> bytes:
    """The picture, of the encoders that have scores."""
    good = [r for r in found.all() if r.layers and r is not found.baseline]

    def draw(axes: Axes) -> None:
        for i, row in enumerate(good):
            _line(axes, row, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], ("-", "--", ":")[i // 7 % 3])
        if found.baseline.layers:
            top = found.baseline.top
            axes.axhline(top.value, color=FAINT, linewidth=1.4, linestyle=(0, (5, 2)), label="log-mel spectra")
        axes.set_xlim(-0.02, 1.02)

    title = "a linear classifier on each layer, and its 95 % interval"
    across = "depth: 0 before the first layer, 1 after the last"
    return score_chart(draw, found.chance, title, across, TITLES[found.metric])


def _line(axes: Axes, row: Row, colour: str, marker: str, style: str) -> None:
    depth = np.linspace(0, 1, len(row.layers)) if row.last else np.zeros(1)
    value, low, high = (np.array([getattr(s, k) for s in row.layers]) for k in ("value", "low", "high"))
    axes.fill_between(depth, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.plot(depth, value, style, color=colour, marker=marker, markersize=4, linewidth=1.6, label=tail(row.name))
    axes.plot(depth[row.best], value[row.best], marker=marker, markersize=9, color=colour, fillstyle="none")
