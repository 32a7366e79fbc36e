"""What a compression has found, as a table, a sentence and a file."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audioft.core.wording import counted, of_bytes
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.ratios import plain
from audioft.evaluation.text import TITLES, columns, number
from audioft.tasks.compress.gate import Gate
from audioft.tasks.compress.kept import ORIGINAL
from audioft.tasks.compress.ladder import Target
from audioft.tasks.compress.measuring import Row

FORMAT, VERSION = "audioft-compression", 1


@dataclass(frozen=True, repr=False)
class Compression:
    """What `audioft.compress` found. `print` shows it as a table and a sentence.

    Attributes:
        model: the original, as it was given.
        folder: where the smaller model is; None where none was written.
        rows: the original and the models that were made, in their order.
        taken: the one that was written; None where none passed.
        metric: what the score is.
        gate: what passes.
        forced: whether the gate was not asked.
        target: what was wanted.
        clips: that decide, in words.
        test: the score of the original and of what was written on the test side, and the change; empty without one.
        notes: further sentences.
    """

    model: str
    folder: Path | None
    rows: tuple[Row, ...]
    taken: Row | None
    metric: str
    gate: Gate
    forced: bool
    target: Target
    clips: str
    test: Mapping[str, Estimate] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        told = [self.sentence, *self.tested, *self.reasons, *(f"note: {n}" for n in self.notes)]
        wrapped = ["\n".join(textwrap.wrap(one, 110, break_on_hyphens=False)) for one in told]
        return "\n".join(
            [*columns(self.table()), "", f"{self.gate.side} side: {self.clips}; 95 % intervals", "", *wrapped]
        )

    def __repr__(self) -> str:
        return f"<Compression of {self.model}: {counted(len(self.rows) - 1, 'model')} made>"

    @property
    def original(self) -> Row:
        """The row of the original."""
        return self.rows[0]

    @property
    def reached(self) -> bool:
        """Whether a model was written that has all that was wanted; also where nothing more was asked for."""
        if self.taken is None:
            return False
        return not self.target.given or self.target.reached(self.taken, self.original)

    @property
    def title(self) -> str:
        """What the score is called."""
        return TITLES.get(self.metric, self.metric)

    @property
    def sentence(self) -> str:
        """What was written, or why nothing was."""
        if self.taken is None:
            made = [r for r in self.rows if r.name != ORIGINAL]
            why = "no smaller model passed" if made else "nothing could be made smaller"
            return f"Nothing was written: {why}. --force writes one all the same, and its folder says what was found."
        t, share = self.taken, self.taken.size / self.original.size
        quick = "" if math.isnan(t.speed) else f"{t.speed:.1f} times as fast and "
        said = f"Taken: {t.name}, {quick}{100 * share:.0f} % of the size, {self.title} {_signed(t.change)}."
        if self.forced and not self.gate.passes(t.change):
            said += " It was forced past the gate."
        if not self.reached:
            said += f" The target, {self._wanted}, was not reached: this is the best that passed."
        return said

    @property
    def tested(self) -> list[str]:
        """A sentence on the test side, where there is one."""
        if not self.test:
            return []
        before, after, change = (self.test[k] for k in ("before", "after", "change"))
        score = f"{number(before.value)} before, {number(after.value)} after ({after.bounds})"
        return [f"On the test side: {self.title} {score}, {_signed(change)}."]

    @property
    def reasons(self) -> list[str]:
        """Why models did not pass."""
        others = [r for r in self.rows if r.name != ORIGINAL and not self.gate.passes(r.change)]
        return [self.gate.told(r.name, r.change) + "." for r in others]

    @property
    def _wanted(self) -> str:
        speed = [] if self.target.speed is None else [f"{self.target.speed:g} times as fast"]
        size = [] if self.target.size is None else [f"{100 * self.target.size:g} % of the size"]
        return " and ".join(speed + size)

    def table(self) -> list[list[str]]:
        """A row a model, below the titles; `*` marks the one that was written."""
        head = ["model", "on disk", "s a minute", "times", "memory", self.title, "95 % interval", "change"]
        found = [[*head, "95 % interval", "same labels", "apart"]]
        for r in self.rows:
            mark = "*" if r is self.taken and self.folder is not None else " "
            cells = [f"{mark} {r.name}", of_bytes(r.size), _decimals(r.seconds, 2), _decimals(r.speed, 2)]
            cells += ["–" if r.peak is None else of_bytes(r.peak), number(r.score.value), r.score.bounds or "–"]
            if r.name == ORIGINAL:
                found.append([*cells, "", "", "", ""])
                continue
            within = f"{r.change.low:+.3f} to {r.change.high:+.3f}" if math.isfinite(r.change.low) else "–"
            cells += [f"{r.change.value:+.3f}", within]
            found.append([*cells, f"{100 * r.agree:.1f} %", f"{r.apart:.4f}"])
        return found

    def json(self) -> dict[str, Any]:
        """All that was found, as strict JSON can hold it."""
        return plain(
            {
                "format": FORMAT,
                "format_version": VERSION,
                "said": self.sentence,
                "model": Path(self.model).name,
                "taken": None if self.taken is None else self.taken.name,
                "passed": self.taken is not None and self.gate.passes(self.taken.change),
                "forced": self.forced,
                "max_loss": self.gate.max_loss,
                "metric": self.metric,
                "target": {"speed": self.target.speed, "size": self.target.size},
                "measured_on": {"side": self.gate.side, "clips": self.gate.clips, "groups": self.gate.groups},
                "test": {k: vars(v) for k, v in self.test.items()},
                "models": [r.told() for r in self.rows],
                "notes": list(self.notes),
            }
        )


def _signed(change: Estimate) -> str:
    within = f" ({change.low:+.3f} to {change.high:+.3f})" if math.isfinite(change.low) else ""
    return f"{change.value:+.3f}{within}"


def _decimals(value: float, places: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{places}f}"
