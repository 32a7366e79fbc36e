"""What came of joining models: its figures, how unlike the members are, and what each one adds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audioft.core.storage import read_json, write_json
from audioft.core.wording import counted
from audioft.errors import ModelError
from audioft.evaluation.joining.contribution import Contribution, Diversity
from audioft.evaluation.ratios import plain
from audioft.evaluation.text import TITLES, columns, fit, number

FILE = "ensemble.json"
FORMAT = {"format": "audioft-ensemble", "format_version": 1}


HEAD = ("member", "alone", "without it", "adds", "95 %", "disagrees")


@dataclass(frozen=True, repr=False)
class Joined:
    """Models that became one. `print` shows what each is worth.

    Attributes:
        folder: the new model folder.
        how: `average`, `weighted`, `vote`, `stack`, `soup` or `greedy-soup`.
        members: names, in their order.
        figure: by which members are compared; empty where nothing was measured.
        side: which clips it is of; `test`, or `valid` where there is no test side.
        clips: how many.
        value, interval: of the ensemble, 95 %.
        contributions: of each member; empty where nothing was measured.
        diversity: of the members; likewise None.
        about: how they were joined, in words.
        notes: what is to be said besides.
    """

    folder: Path
    how: str
    members: tuple[str, ...]
    about: str = ""
    figure: str = ""
    side: str = ""
    clips: int = 0
    value: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)
    contributions: Sequence[Contribution] = ()
    diversity: Diversity | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        measured = f", {self._named} {number(self.value)} on {self.side}" if self.figure else ", not measured"
        return f"<Joined in {self.folder}: {self.how} of {counted(len(self.members), 'model')}{measured}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: how they were joined, its score, and what each member adds."""
        from audioft.evaluation.page.summary import Figure, Table, summary

        below = f"{self._between}{' ' * bool(self._between)}on {self.side}, {counted(self.clips, 'clip')}"
        figures = [Figure(self._named, number(self.value), below, True)] if self.figure else []
        tables = [Table([HEAD, *self._rows()])] if self.figure else []
        said = [self._joined, *([self._unlike] if self._unlike else [])]
        return summary(said, figures, tables, notes=self.notes)

    def __str__(self) -> str:
        lines = [self._joined]
        if self.figure:
            between = f" ({self._between})" if self._between else ""
            lines += [f"{self._named} {number(self.value)}{between} on {self.side}, {counted(self.clips, 'clip')}"]
            lines += ["", *columns([HEAD, *self._rows()])]
        if self._unlike:
            lines += ["", self._unlike]
        return "\n".join([*lines, *(f"note: {n}" for n in self.notes)])

    @property
    def _joined(self) -> str:
        return f"{self.how} of {counted(len(self.members), 'model')}" + f": {self.about}" * bool(self.about)

    @property
    def _named(self) -> str:
        return TITLES.get(self.figure, self.figure)

    @property
    def _between(self) -> str:
        low, high = self.interval
        return f"{number(low)} – {number(high)}" if math.isfinite(low) else ""

    @property
    def _unlike(self) -> str:
        """How unlike the members are; empty where that was not measured."""
        if self.diversity is None:
            return ""
        d = self.diversity
        return (
            f"two members differ in {100 * d.disagreement:.1f} % of answers, and are wrong together in "
            f"{100 * d.both_wrong:.1f} %, which no way of joining them mends"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for c in self.contributions:
            low, high = c.interval
            between = f"{low:+.3f} – {high:+.3f}" if math.isfinite(low) else "–"
            adds = f"{c.adds:+.3f}" if math.isfinite(c.adds) else "–"
            rows.append((fit(c.name), number(c.alone), number(c.without), adds, between, number(c.disagrees)))
        return rows

    def save(self) -> None:
        """Write it into the model folder."""
        values = dataclasses.asdict(dataclasses.replace(self, folder=Path(self.folder.name)))
        write_json(self.folder / FILE, plain(FORMAT | values | {"folder": self.folder.name}))

    @classmethod
    def load(cls, folder: Path) -> Joined:
        """What lies in the folder of an ensemble.

        Raises:
            ModelError: there is none, or of another version.
        """
        found: dict[str, Any] = read_json(folder / FILE, ModelError)
        if not isinstance(found, dict) or {k: found.pop(k, None) for k in FORMAT} != FORMAT:
            raise ModelError(f"{folder / FILE} is not what this version of audioft writes; join the models again")
        try:
            own = [Contribution(**_numbers(c) | {"interval": _pair(c["interval"])}) for c in found["contributions"]]
            unlike = None if found["diversity"] is None else Diversity(**found["diversity"])
            named = {"folder": folder, "members": tuple(found["members"]), "contributions": own, "diversity": unlike}
            return cls(**_numbers(found) | named | {"interval": _pair(found["interval"])})
        except (KeyError, TypeError) as e:
            raise ModelError(f"{folder / FILE} is not whole ({e!r}); join the models again") from e


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {k: math.nan if v is None else v for k, v in values.items()}


def _pair(values: Sequence[float | None]) -> tuple[float, float]:
    low, high = (math.nan if v is None else v for v in values)
    return low, high
