"""The picture of layers: they are named by their numbers, and each score stands at its own."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from audioft.evaluation.intervals import Estimate
from audioft.tasks.probe import depth_chart
from audioft.tasks.probe.comparison_table import Comparison, Row


def row(name: str, last: int) -> Row:
    return Row(name, tuple(Estimate(0.5 + 0.01 * i, 0.4, 0.9) for i in range(last + 1)))


@pytest.mark.parametrize("lasts", [(0,), (6,), (6, 24), (12, 48)])
def test_layers_stand_on_the_axis(monkeypatch, lasts):
    axes = Figure().add_subplot()
    monkeypatch.setattr(depth_chart, "score_chart", lambda draw, *rest: draw(axes))
    rows = tuple(row(f"encoder {last}", last) for last in lasts)
    depth_chart.png(Comparison(rows, row("log-mel", 0), "accuracy", 0.1, "made up"))
    ticks = axes.get_xticks().tolist()
    assert ticks[0] == 0
    assert ticks[-1] == max(lasts)
    assert all(t == int(t) for t in ticks)
    assert len(ticks) <= 13
    for own in rows:
        line = next(x for x in axes.get_lines() if x.get_label() == own.name)
        assert line.get_xdata().tolist() == list(range(own.last + 1))
