"""Encoders beside each other: a row an encoder, a row a layer, as text, CSV and JSON."""

from __future__ import annotations

import math
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from audioft.core import csv_tables
from audioft.evaluation.choosing import Choice
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.ratios import plain
from audioft.evaluation.text import columns, fit, number, printable

NAME_COLUMNS = 40
CHOSEN = "Layer, pooling and penalty are chosen on folds of the clips that are learnt from: no tested clip has a say."
AMONG = "The best of several encoders is chosen on the tested clips: its figure is a little too good."


@dataclass(frozen=True)
class Row:
    """What was measured of an encoder.

    Attributes:
        name: as it was given.
        layers: its L + 1 scores, before the first layer and after each; none if it failed.
        parameters: how many it has.
        width: values a frame.
        seconds_per_minute: seconds that reading and encoding a minute of sound took; None if it was not measured.
        peak_bytes: memory that loading and the pass took at most; None likewise.
        reused: clips whose features had been kept.
        problem: why there are no scores.
        score: of the encoder, its layer, pooling and penalty chosen within the clips that are learnt from.
        choice: what the classifier takes that is left of it.
        unchosen: why somewhere nothing could be chosen, and the last layer was taken.
    """

    name: str
    layers: tuple[Estimate, ...] = ()
    parameters: int = 0
    width: int = 0
    seconds_per_minute: float | None = None
    peak_bytes: int | None = None
    reused: int = 0
    problem: str | None = None
    score: Estimate | None = None
    choice: Choice | None = None
    unchosen: str | None = None

    @property
    def best(self) -> int:
        """The layer that scores highest, the uppermost of equal ones."""
        return max(range(len(self.layers)), key=lambda i: (self.layers[i].value, i))

    @property
    def last(self) -> int:
        return len(self.layers) - 1

    @property
    def layer(self) -> int:
        """The layer that was chosen; where none was, the best one."""
        return self.best if self.choice is None else self.choice.layer

    @property
    def pooling(self) -> str:
        """The pooling that was chosen; where none was, that which layers are measured by."""
        return "stats" if self.choice is None else self.choice.pooling

    @property
    def top(self) -> Estimate:
        """The encoder's score; where nothing was chosen, the best layer's."""
        return self.layers[self.best] if self.score is None else self.score


@dataclass(frozen=True)
class Comparison:
    """Encoders, best first, and those that failed after them.

    Attributes:
        rows: the encoders.
        baseline: log-mel spectra under the same classifier; its only layer is what they are.
        metric: `accuracy` or `map`.
        chance: what is reached without listening.
        about: what was measured on, in a line.
        advice: sentences and a command, see `suggestion`; None where every encoder failed.
        keep: how the probe itself becomes a model, as a sentence and a command that may be empty.
        suggested: the encoder that is advised, as it was given.
    """

    rows: tuple[Row, ...]
    baseline: Row
    metric: str
    chance: float
    about: str
    advice: tuple[tuple[str, ...], str] | None = None
    keep: tuple[str, str] = ("", "")
    suggested: str | None = None

    def all(self) -> list[Row]:
        """The encoders and the baseline, best first, those without a score last."""
        rows = [*self.rows, self.baseline]
        return sorted(rows, key=lambda r: (not r.layers, -r.top.value if r.layers else 0))

    @property
    def measured(self) -> bool:
        """Whether any encoder could be measured."""
        return any(r.layers for r in self.rows)

    def __str__(self) -> str:
        return self.text()

    def text(self, layers: bool = False) -> str:
        """The table of encoders; with `layers` that of layers below it; and the advice."""
        parts = [printable(self.about), "\n".join([self._encoders(), *(self._caveats() if self.measured else [])])]
        if layers:
            parts.append(self._layers())
        if self.advice is not None:
            why, command = self.advice
            lines = [line for sentence in why for line in textwrap.wrap(printable(sentence), 110)]
            parts.append("\n".join([*lines, f"  {command}"]))
            parts += ["\n  ".join(x for x in self.keep if x)] if any(self.keep) else []
        return "\n\n".join(parts)

    def _encoders(self) -> str:
        table = [["encoder", "layer", "pooling", self.metric, "95 % interval", "last layer", "parameters", "width",
                  "s a minute", "memory"]]  # fmt: skip
        for r in (r for r in self.all() if r.layers):
            own = r is not self.baseline
            table.append([
                tail(r.name), f"{r.layer} of {r.last}" if own else "–", r.pooling, number(r.top.value),
                r.top.bounds or "–",
                number(r.layers[-1].value) if own else "–", f"{r.parameters:,}" if own else "–", str(r.width),
                "–" if r.seconds_per_minute is None else f"{r.seconds_per_minute:.2f}",
                "–" if r.peak_bytes is None else f"{r.peak_bytes / 1e6:.0f} MB",
            ])  # fmt: skip
        lines = columns(table)
        return "\n".join([*lines, *(f"{tail(r.name)}  FAILED: {printable(r.problem or '')}" for r in self.failed)])

    def _caveats(self) -> list[str]:
        """What is to be known of the figures, in lines."""
        unchosen = {r.unchosen: r.name for r in self.all() if r.unchosen is not None}
        found = [] if len(unchosen) == 1 and all(r.unchosen for r in self.all() if r.layers) else [CHOSEN]
        found += [f"Nothing could be chosen for {tail(n)}, so its last layer is taken: {printable(w)}."
                  for w, n in unchosen.items()]  # fmt: skip
        return found + ([AMONG] if sum(bool(r.layers) for r in self.rows) > 1 else [])

    def _layers(self) -> str:
        table = [["encoder", "each layer", self.metric, "95 % interval"]]
        for r in (r for r in self.all() if r.layers and r is not self.baseline):
            for i, s in enumerate(r.layers):
                mark = "* " if i == r.best else ""
                table.append([tail(r.name), f"{mark}{i}", number(s.value), s.bounds or "–"])
        return "\n".join(columns(table))

    @property
    def failed(self) -> list[Row]:
        return [r for r in self.all() if r.problem is not None]

    def csv(self) -> str:
        """A row an encoder."""
        names = ["encoder", "layer", "layers", self.metric, "low", "high", "last_layer", "pooling", "parameters",
                 "width", "seconds_per_minute", "peak_bytes", "problem"]  # fmt: skip
        rows = []
        for r in self.all():
            scores: list[Any] = [""] * 7
            if r.layers:
                scores = [r.layer, r.last, *_digits(r.top), f"{r.layers[-1].value:.6g}", r.pooling]
            cost = [r.seconds_per_minute if r.seconds_per_minute is None else f"{r.seconds_per_minute:.4g}"]
            rows.append([r.name, *scores, r.parameters, r.width, *cost, r.peak_bytes, r.problem])
        return csv_tables.text([names, *rows])

    def layers_csv(self) -> str:
        """A row a layer; the baseline's is layer 0."""
        rows = [[r.name, i, *_digits(s)] for r in self.all() for i, s in enumerate(r.layers)]
        return csv_tables.text([["encoder", "layer", self.metric, "low", "high"], *rows])

    def json(self) -> dict[str, Any]:
        """All of it, for programs; null for what is not defined."""
        why, command = self.advice or ((), None)
        return {
            "about": self.about,
            "metric": self.metric,
            "chance": self.chance,
            "encoders": [_entry(r) for r in self.all() if r is not self.baseline],
            "baseline": _entry(self.baseline),
            "suggestion": None if command is None else {"why": list(why), "command": command},
        }


def tail(name: str) -> str:
    """A name's end, which tells folders apart, in at most `NAME_COLUMNS` columns."""
    return fit(name, NAME_COLUMNS, end=True)


def _entry(row: Row) -> dict[str, Any]:
    told = plain(asdict(row))
    where = {"layer": row.layer, "best_layer": row.best} if row.layers else {"layer": None, "best_layer": None}
    return told | where | {"layers": told.pop("layers")}


def _digits(score: Estimate) -> list[str]:
    return [f"{v:.6g}" if math.isfinite(v) else "" for v in (score.value, score.low, score.high)]
