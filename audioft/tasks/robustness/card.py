"""A robustness card: what was found of every kind and strength, as a table, a sentence and files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.core import csv_tables, storage
from audioft.core.wording import counted
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.ratios import plain
from audioft.evaluation.text import TITLES, columns, number
from audioft.tasks.robustness import advice
from audioft.tasks.robustness.figures import RowFigures
from audioft.tasks.robustness.strengths import COUNT, STRENGTHS, VERSION

if TYPE_CHECKING:
    from audioft.tasks.robustness.attack import Attacked

POINTS = 0.05  # what a strength costs that no longer holds
RISE = 0.02  # by which a harder strength may do better than the one before: chance, of a few clips


@dataclass(frozen=True)
class RobustnessCard:
    """What `audioft.robustness` found; `print` shows it.

    Attributes:
        about: model, data and suite, by name.
        metric: the score, `accuracy` or `map`.
        clean: of the clips as they are.
        clean_confidence: the mean of the highest score there.
        rows: in the order of the suite, of each kind the strengths that were asked for.
        relative: the mean over kinds of the score as a share of the clean one.
        clips: how many were tested.
        counted: how many clips, and in how many groups, in words.
        absent: kinds that could not be tested, with why not.
        caution: that there is too little to say much; empty where there is not.
        notes: further sentences.
        reference: what errors are compared with: name, clean score, mCE; empty for nothing.
        attack: what an attack came to; None where none was asked for.
    """

    about: Mapping[str, Any]
    metric: str
    clean: Estimate
    clean_confidence: float
    rows: Sequence[RowFigures]
    relative: Estimate
    clips: int
    counted: str
    absent: Mapping[str, str] = field(default_factory=dict)
    caution: str = ""
    notes: Sequence[str] = ()
    reference: Mapping[str, Any] = field(default_factory=dict)
    attack: Attacked | None = None

    def __str__(self) -> str:
        lines = [self.caution] if self.caution else []
        lines += [self.sentence, "", *columns(self._table()), ""]
        lines += [f"not tested: {kind}: {why}" for kind, why in self.absent.items()]
        lines += [f"note: {note}" for note in self.notes]
        if self.reference:
            lines.append(self.compared)
        if self.attack is not None:
            lines += ["", str(self.attack)]
        return "\n".join(lines).rstrip()

    @property
    def title(self) -> str:
        """What the score is called."""
        return TITLES[self.metric]

    @property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(r.row.kind for r in self.rows))

    def of(self, kind: str) -> list[RowFigures]:
        """The rows of a kind, the mildest strength first."""
        return [r for r in self.rows if r.row.kind == kind]

    @property
    def sentence(self) -> str:
        """What it comes to."""
        clean = f"{self.title} {number(self.clean.value)} ({self.clean.bounds or 'no interval'}) of {self.counted}"
        if not self.rows:
            return f"{clean} as they are; nothing was disturbed."
        flips = float(np.mean([r.flips.value for r in self.rows]))
        low, high = (f"{100 * x:.0f}" for x in (self.relative.low, self.relative.high))
        within = f" ({low} to {high} %)" if math.isfinite(self.relative.low) else ""
        return (
            f"{clean} as they are. Under {counted(len(self.kinds), 'kind')} of disturbance it keeps "
            f"{100 * self.relative.value:.0f} %{within} of that; {100 * flips:.0f} % of the answers change. "
            f"Weakest: {', '.join(self.weakest(3))}."
        )

    @property
    def compared(self) -> str:
        """What it comes to beside the reference."""
        r = self.reference
        return (
            f"mCE {r['mce']:.2f} beside {r['name']} ({self.title} {r['clean']:.3f} as they are): the mean over "
            "kinds of the errors as a share of its own; under 1 is better"
        )

    def weakest(self, most: int) -> list[str]:
        """The kinds that cost most, on the mean over strengths."""
        return sorted(self.kinds, key=self.cost)[:most]

    def cost(self, kind: str) -> float:
        """The mean change of the score over the strengths of a kind."""
        return float(np.mean([r.change.value for r in self.of(kind)]))

    def holds(self, kind: str) -> str:
        """Up to which strength less than 5 points are lost, in words; between two strengths as a line lies."""
        own, unit = self.of(kind), STRENGTHS[kind].unit
        lost = [-r.change.value for r in own]
        first = next((i for i, x in enumerate(lost) if x >= POINTS), None)
        if first is None:
            return f"holds at {own[-1].row.told}"
        if first == 0:
            return f"loses {100 * lost[0]:.0f} points at {own[0].row.told}"
        before, after = own[first - 1].row.value, own[first].row.value
        share = (POINTS - lost[first - 1]) / (lost[first] - lost[first - 1])
        value = before + share * (after - before)
        return f"holds {'down' if after < before else 'up'} to {value:.3g} {unit}"

    def risen(self) -> list[str]:
        """Rows with a better score than the milder strength before: by more than chance makes of few clips."""
        steps = [(a, b) for kind in self.kinds for a, b in zip(self.of(kind), self.of(kind)[1:], strict=False)]
        return [str(b.row) for a, b in steps if b.score.value > a.score.value + RISE]

    @property
    def monotone(self) -> float:
        """The share of rows that are no better than the milder strength before."""
        return 1 - len(self.risen()) / len(self.rows) if self.rows else math.nan

    def advise(self) -> str:
        """The `augment` section that may help against what costs most, as YAML and as a setting of `train`."""
        own = {"noise": self.about.get("noise"), "reverb": self.about.get("impulses")}
        return advice.told({k: self.cost(k) for k in self.kinds}, {k: v for k, v in own.items() if v})

    def table_rows(self) -> list[dict[str, Any]]:
        """A row a kind and strength, as `robustness.csv` has them."""
        return [plain(_as_table(r)) for r in self.rows]

    def csv(self) -> str:
        rows = self.table_rows()
        names = list(_as_table(self.rows[0])) if self.rows else []
        return csv_tables.text(
            [names, *([f"{row[k]:.6g}" if isinstance(row[k], float) else row[k] for k in names] for row in rows)]
        )

    def json(self) -> dict[str, Any]:
        found = {
            "suite": VERSION,
            "about": dict(self.about),
            "said": self.sentence,
            "metric": self.metric,
            "clean": {**asdict(self.clean), "confidence": self.clean_confidence, "clips": self.clips},
            "relative_robustness": asdict(self.relative),
            "monotone": self.monotone,
            "holds": {kind: self.holds(kind) for kind in self.kinds},
            "rows": self.table_rows(),
            "absent": dict(self.absent),
            "reference": dict(self.reference),
            "attack": None if self.attack is None else self.attack.json(),
            "caution": self.caution,
            "notes": list(self.notes),
        }
        return plain(found)

    def save(self, folder: Path) -> None:
        """Write `robustness.json` and `robustness.csv`."""
        storage.write_json(folder / "robustness.json", self.json())
        storage.write_text(folder / "robustness.csv", self.csv())

    def _table(self) -> list[list[str]]:
        severities = sorted({r.row.severity for r in self.rows})
        head = ["kind", *(str(s) for s in severities), "change", "flips", f"less than {100 * POINTS:.0f} points lost"]
        table = [head]
        for kind in self.kinds:
            own = {r.row.severity: r for r in self.of(kind)}
            scores = [number(own[s].score.value) for s in severities]
            flips = float(np.mean([r.flips.value for r in own.values()]))
            table.append([kind, *scores, f"{100 * self.cost(kind):+.1f}", f"{100 * flips:.0f} %", self.holds(kind)])
        return table


def _as_table(r: RowFigures) -> dict[str, Any]:
    kind = STRENGTHS[r.row.kind]
    return {
        "family": kind.family,
        "kind": r.row.kind,
        "severity": r.row.severity,
        "strength": float(r.row.value),
        "unit": kind.unit,
        "score": r.score.value,
        "low": r.score.low,
        "high": r.score.high,
        "change": r.change.value,
        "change_low": r.change.low,
        "change_high": r.change.high,
        "flips": r.flips.value,
        "flips_low": r.flips.low,
        "flips_high": r.flips.high,
        "confidence": r.confidence,
        "clips": r.clips,
    }


assert COUNT == 5  # the pages have as many columns
