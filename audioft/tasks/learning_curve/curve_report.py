"""A learning curve as a table, a sentence, files and a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.core import csv_tables
from audioft.core.wording import counted
from audioft.evaluation.charts import TRAIN, VALID, score_chart
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.ratios import plain
from audioft.evaluation.text import columns, number
from audioft.tasks.learning_curve.draws import METHODS, Outlook, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = dict(zip(METHODS, (VALID, TRAIN), strict=True))
MARKERS = dict(zip(METHODS, ("s", "o"), strict=True))
APART = dict(zip(METHODS, (0.98, 1.02), strict=True))  # or one band would hide the other
FEW = 50  # tested clips, or groups of them, below which figures are told to be rough
ABOUT_PROBE = (
    "probe: logistic regression on the means of the last layer; `audioft probe` takes deviations too, of every layer"
)
BEFORE = {"prototypes": "prototypes label", "probe": "the probe labels"}


@dataclass(frozen=True)
class LearningCurve:
    """What `audioft.tasks.learning_curve.curve_run` found; `print` shows it.

    Attributes:
        points: from the least clips a label to all there are.
        outlooks: of each method what more clips would bring, or why that cannot be said.
        about: data, encoder and sides, in words.
        chance: the share of the commonest label among the tested clips.
        tested: clips, or groups of clips that belong together, that are tested on.
    """

    points: tuple[Point, ...]
    outlooks: dict[str, Outlook | str]
    about: str
    chance: float
    tested: int

    def __str__(self) -> str:
        return "\n".join([self.about, "", *self._table(), ABOUT_PROBE, "", *self.sentences()])

    @property
    def better(self) -> str:
        """The method that is ahead with all clips there are; of two alike the quicker one."""
        return max(METHODS, key=self.points[-1].accuracy)

    def sentences(self) -> list[str]:
        """What more clips would bring, in words; before it how far that can be relied on, where it is not far."""
        return [*self._cautions(), *self._outlook()]

    def _cautions(self) -> list[str]:
        clips = self.points[-1].hits[METHODS[0]].shape[1]
        if self.tested >= FEW:
            return []
        grouped = f" in {counted(self.tested, 'group')}" if self.tested < clips else ""
        worth = f"each is worth {100 / clips:.2g} points" if not grouped else "clips of one group go together"
        return [f"Caution: only {counted(clips, 'clip')}{grouped} tested, {worth}: all figures are rough."]

    def _outlook(self) -> list[str]:
        method, last = self.better, self.points[-1]
        found = self.outlooks[method]
        now = f"With {_each(last.each)} a label {BEFORE[method]} {last.accuracy(method):.1%} of the tested clips right"
        if isinstance(found, str):
            return [f"{now}. What more clips would bring cannot be said: {found}."]
        more = [
            f"with {round(k * last.each)} about {x.accuracy:.1%} ({x.low:.1%} to {x.high:.1%}), "
            f"{100 * x.gain:.1f} points more ({100 * x.gain_low:.1f} to {100 * x.gain_high:.1f})"
            for k, x in found.expected.items()
        ]
        return [f"{now}.", f"If errors go on to fall as {found.law}, then {'; '.join(more)}."]

    def rows(self) -> list[dict[str, Any]]:
        """A row a method and number of clips, measured or expected; None for what is not defined."""
        names = ("method", "kind", "shots", "clips_a_label", "clips", "draws", "accuracy", "low", "high")
        rows: list[tuple[Any, ...]] = []
        for method in METHODS:
            for p in self.points:
                told: tuple[Any, ...] = (p.shots or "all", p.each, p.clips, len(p.hits[method]))
                rows.append((method, "measured", *told, p.accuracy(method), *p.interval(method)))
            found, last = self.outlooks[method], self.points[-1]
            for k, x in ({} if isinstance(found, str) else found.expected).items():
                told = (f"{k} x all", k * last.each, k * last.clips, None)
                rows.append((method, "expected", *told, x.accuracy, x.low, x.high))
        return [plain(dict(zip(names, row, strict=True))) for row in rows]

    def csv(self) -> str:
        rows = self.rows()
        names = list(rows[0])
        return csv_tables.text(
            [names, *([f"{row[k]:.6g}" if isinstance(row[k], float) else row[k] for k in names] for row in rows)]
        )

    def json(self) -> dict[str, Any]:
        return {
            "about": self.about,
            "chance": self.chance,
            "tested": self.tested,
            "rows": self.rows(),
            "outlooks": {m: {"why_not": o} if isinstance(o, str) else asdict(o) for m, o in self.outlooks.items()},
            "said": self.sentences(),
        }

    def _table(self) -> list[str]:
        table = [["clips a label", "clips", *(x for m in METHODS for x in (m, "95 % interval"))]]
        for p in self.points:
            name = f"all ({p.each:.3g})" if p.shots is None else str(p.shots)
            name += f" at most ({p.each:.3g})" if p.shots is not None and p.each < p.shots else ""
            found = [Estimate(p.accuracy(m), *p.interval(m)) for m in METHODS]
            table.append([name, f"{p.clips:.0f}", *(x for e in found for x in (number(e.value), e.bounds or "–"))])
        return columns(table)


def _each(clips: float) -> str:
    """Clips a label, as a mean that may be no whole number.

    >>> _each(1.0), _each(6.5)
    ('1 clip', 'about 6 clips')
    """
    about = "" if clips == round(clips) else "about "
    return f"{about}{counted(round(clips), 'clip')}"


def png(curve: LearningCurve) -> bytes:
    """The picture: accuracy over clips a label, what is expected of more dashed, its band beside it."""
    from matplotlib.ticker import NullLocator

    last = curve.points[-1].each
    expected = {k * last for o in curve.outlooks.values() if not isinstance(o, str) for k in o.expected}
    ticks = sorted({round(x, 1) for x in (*(p.each for p in curve.points), *expected)})

    def draw(axes: Axes) -> None:
        for method in METHODS:
            _draw(axes, curve, method)
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.xaxis.set_minor_locator(NullLocator())

    title = "learnt from a few clips of each label; bars are 95 % intervals"
    return score_chart(draw, curve.chance, title, "clips a label", "accuracy")


def _draw(axes: Axes, curve: LearningCurve, method: str) -> None:
    x = np.array([p.each for p in curve.points])
    y = np.array([p.accuracy(method) for p in curve.points])
    bars = np.nan_to_num(np.abs(np.array([p.interval(method) for p in curve.points]) - y[:, None]), nan=0.0).T
    axes.errorbar(x, y, bars, color=COLOURS[method], marker=MARKERS[method], markersize=4, linewidth=1.4, capsize=2,
                  label=method)  # fmt: skip
    found = curve.outlooks[method]
    if isinstance(found, str):
        return
    far = np.geomspace(x[-1], x[-1] * max(found.expected), 40)
    axes.plot(far, [1 - found.law.error(n) for n in far], "--", color=COLOURS[method], linewidth=1.2)
    for k, e in found.expected.items():
        reach = [[max(0.0, e.accuracy - e.low)], [max(0.0, e.high - e.accuracy)]]
        beside = k * x[-1] * APART[method]
        axes.errorbar([beside], [e.accuracy], reach, color=COLOURS[method], marker=MARKERS[method], markersize=4,
                      fillstyle="none", alpha=0.7, capsize=2)  # fmt: skip
