"""What layers know, as one picture: score over layers, a line an encoder."""

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
        deepest = max((row.last for row in good), default=0)
        axes.set_xlim(-0.02 * max(1, deepest), 1.02 * max(1, deepest))
        axes.set_xticks(layers(deepest))

    title = "a linear classifier on each layer by itself, and its 95 % interval"
    across = "after layer (0: before the first)"
    return score_chart(draw, found.chance, title, across, TITLES[found.metric])


def layers(last: int, most: int = 13) -> list[int]:
    """Layers that are named on the axis: every one, or of many every second, fourth and so on.

    >>> layers(6), layers(24)
    ([0, 1, 2, 3, 4, 5, 6], [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24])
    """
    step = 1
    while last // step + 1 > most:
        step *= 2
    return list(range(0, last + 1, step))


def _line(axes: Axes, row: Row, colour: str, marker: str, style: str) -> None:
    depth = np.arange(len(row.layers))
    value, low, high = (np.array([getattr(s, k) for s in row.layers]) for k in ("value", "low", "high"))
    axes.fill_between(depth, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.plot(depth, value, style, color=colour, marker=marker, markersize=4, linewidth=1.6, label=tail(row.name))
    axes.plot(depth[row.best], value[row.best], marker=marker, markersize=9, color=colour, fillstyle="none")
