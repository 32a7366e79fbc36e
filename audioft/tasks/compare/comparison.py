"""Models beside one another: a row a model, a row a pair, as tables, a sentence and files."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from audioft.core import csv_tables, storage
from audioft.core.wording import counted, of_bytes
from audioft.evaluation.caution import in_lines
from audioft.evaluation.paired.gaps import Gap
from audioft.evaluation.ratios import plain
from audioft.evaluation.text import TITLES, columns, number, printable
from audioft.models.heard import TOO_GOOD
from audioft.tasks.compare import choice
from audioft.tasks.compare.row import Row

FORMAT_VERSION = 1


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `audioft.compare` found. `print` shows it as tables and a sentence.

    Attributes:
        rows: the models, in the order in which they were given.
        gaps: every pair of them, in that order.
        metric: what the score is, a key of `audioft.evaluation.metrics.METRICS`.
        about: data, side, seed and how times were taken, by name.
        counted: how many clips, and in how many groups, in words.
        clips, groups: how many.
        caution: that there is too little to say much; empty where there is not.
        notes: further sentences.

    Example:
        >>> found = Comparison((), (), "accuracy", {}, "0 clips", 0, 0)
        >>> found.title
        'accuracy'
    """

    rows: tuple[Row, ...]
    gaps: tuple[Gap, ...]
    metric: str
    about: dict[str, Any]
    counted: str
    clips: int
    groups: int
    caution: str = ""
    notes: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        first = [*map(printable, self._heard), *([in_lines(printable(self.caution))] if self.caution else [])]
        parts = ["\n".join(first)] if first else []
        parts += ["\n".join(textwrap.wrap(printable(self.sentence), 110, break_on_hyphens=False))]
        parts += ["\n".join(columns(self.table())), "\n".join(columns(self.pairs()))]
        parts += ["\n".join([self.measured, *(f"note: {printable(n)}" for n in self.further)])]
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.rows)} models, {self.title}, {self.counted}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the sentence, the models and every pair."""
        from audioft.evaluation.page.summary import Table, summary

        tables = [Table(self.table()), *([Table(self.pairs(), (0, 7))] if self.gaps else [])]
        return summary([self.sentence, self.measured], tables=tables, caution=self.foremost, notes=self.further)

    @property
    def title(self) -> str:
        """What the score is called."""
        return TITLES.get(self.metric, self.metric.replace("_", " "))

    @property
    def best(self) -> Row | None:
        """The model to take; None where a model was trained on some of the clips, so that figures mislead."""
        return None if self.mislead else self.rows[choice.choose(self.rows, self.gaps).taken]

    @property
    def mislead(self) -> list[str]:
        """The models that were trained on some of the clips."""
        return [r.short for r in self.rows if r.trained_on]

    @property
    def sentence(self) -> str:
        """Which model to take, and what it costs; or why that cannot be told."""
        if self.mislead:
            return choice.misled(self.mislead)
        return choice.sentence(self.rows, self.gaps, self.title, self.clips, self.about.get("clock", "s"))

    @property
    def foremost(self) -> str:
        """What is to be read before any figure: that models were trained on what they are measured on; `caution`."""
        return " ".join([*self._heard, *([self.caution] if self.caution else [])])

    @property
    def _heard(self) -> list[str]:
        """Sentences on models that were trained on some of the clips."""
        return [f"{n[0].upper()}{n[1:]}." for n in self.notes if n.endswith(TOO_GOOD)]

    @property
    def further(self) -> list[str]:
        """The notes that are not told before the figures."""
        return [n for n in self.notes if not n.endswith(TOO_GOOD)]

    @property
    def measured(self) -> str:
        """On what, and what the columns are."""
        said = f"{self.about.get('side', '')}: {self.counted}; 95 % intervals"
        if any(r.cost.seconds_per_minute is not None for r in self.rows):
            unit = self.about.get("clock", "s")
            said += f"; time in {unit} a minute of sound, median of {counted(len(self.rows[0].cost.rounds), 'round')}"
        return said

    def front(self) -> list[int]:
        """The models than which no other is as good and quicker, or as quick and better; none without times."""
        timed = [i for i, r in enumerate(self.rows) if r.cost.seconds_per_minute is not None]
        return [i for i in timed if not any(self._beats(k, i) for k in timed)]

    def _beats(self, one: int, other: int) -> bool:
        (a, b), (c, d) = (
            (self.rows[i].score.value, -(self.rows[i].cost.seconds_per_minute or 0.0)) for i in (one, other)
        )
        return a >= c and b >= d and (a, b) != (c, d)

    def table(self) -> list[list[str]]:
        """A row a model, below the titles; `*` marks the one to take."""
        head = ["model", self.title, "95 % interval", "AUC", "log loss", "ECE", "Brier"]
        shown = [any(getattr(r.cost, k) is not None for r in self.rows) for k in ("seconds_per_minute", "peak_bytes")]
        cards = any(r.robustness is not None for r in self.rows)
        head += [t for t, s in zip(["s a minute", "memory"], shown, strict=True) if s]
        head += ["on disk", *(["kept when disturbed"] if cards else [])]
        best, table = self.best, [head]
        for r in self.rows:
            c, cal = r.cost, r.calibration
            cells = [f"{'*' if r is best else ' '} {r.short}", number(r.score.value), r.score.bounds or "–"]
            cells += [number(x) for x in (r.roc_auc, cal.log_loss, cal.ece, cal.brier)]
            each = [choice.spell(c.seconds_per_minute), "–" if c.peak_bytes is None else of_bytes(c.peak_bytes)]
            cells += [x for x, s in zip(each, shown, strict=True) if s]
            cells.append(of_bytes(c.size_bytes))
            if cards:
                cells.append("–" if r.robustness is None else f"{100 * r.robustness.kept.value:.0f} %")
            table.append(cells)
        return table

    def pairs(self) -> list[list[str]]:
        """A row a pair, below the titles; `*` marks what is beyond chance."""
        table = [["second less first", "points", "95 % interval", "first alone", "second alone", "p", "p, corrected",
                  "by", "AUC", "p, DeLong, corrected"]]  # fmt: skip
        for g in self.gaps:
            first, second = self.rows[g.first], self.rows[g.second]
            area = "–" if not math.isfinite(g.area.change) else f"{g.area.change:+.3f}"
            table.append([
                f"{'*' if g.told else ' '} {second.short} less {first.short}", f"{100 * g.change.value:+.1f}",
                choice.within(g.change) or "–", str(g.alone[0]), str(g.alone[1]), choice.chance(g.p),
                choice.chance(g.corrected), g.test, area, choice.chance(g.area_corrected),
            ])  # fmt: skip
        return table

    def csv(self) -> str:
        """A row a model."""
        rows = [r.told() for r in self.rows]
        told = [[_cell(v) for v in row.values()] for row in rows]
        return csv_tables.text([[self.metric if k == "score" else k for k in rows[0]], *told])

    def json(self) -> dict[str, Any]:
        """All that was found, as strict JSON can hold it."""
        front = self.front()
        models = [
            r.told()
            | {"rounds": list(r.cost.rounds), "robustness": None if r.robustness is None else str(r.robustness.card)}
            for r in self.rows
        ]
        pairs = [
            asdict(g) | {"first": self.rows[g.first].name, "second": self.rows[g.second].name, "told": g.told}
            for g in self.gaps
        ]
        found = {
            "format": "audioft-comparison",
            "format_version": FORMAT_VERSION,
            "said": self.sentence,
            "foremost": self.foremost,
            "take": None if self.best is None else self.best.name,
            "metric": self.metric,
            "about": self.about,
            "clips": self.clips,
            "groups": self.groups,
            "models": models,
            "pairs": pairs,
            "pareto_front": [self.rows[i].name for i in front],
            "notes": list(self.notes),
        }
        return plain(found)

    def save(self, folder: Path) -> None:
        """Write `comparison.json` and `comparison.csv`."""
        storage.write_json(folder / "comparison.json", self.json())
        storage.write_text(folder / "comparison.csv", self.csv())


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return value
