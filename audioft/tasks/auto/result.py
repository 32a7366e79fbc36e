"""What `audioft auto` has come to, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.core.progress import spell_seconds
from audioft.evaluation.text import number
from audioft.tasks.auto.advice import Advice, of_encoders, ranked
from audioft.tasks.auto.calls import Call
from audioft.tasks.auto.kept import Best, Done, Kept
from audioft.tasks.auto.work import MODEL

ADVISING = ("data", "curve", "settings", "measured")  # steps that know what would help


@dataclass(frozen=True)
class Auto:
    """A model with the choices that led to it; `print` shows them.

    Attributes:
        folder: where all lies.
        best: the model, and its figure on clips that it did not learn from, none of them tested.
        steps: what was done, by name.
        advice: what would help most now, the most helpful first.
        seconds: that it took.
        asked: what was asked for.
        place: what `model` is a copy of, within the folder.
    """

    folder: Path
    best: Best | None
    steps: Mapping[str, Done]
    advice: Sequence[str]
    seconds: float
    asked: Mapping[str, object]
    place: str = ""

    def __fspath__(self) -> str:
        return str(self.model)

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.folder / MODEL

    @property
    def page(self) -> Path:
        return self.folder / "auto.html"

    @property
    def failed(self) -> list[str]:
        """Titles of steps that failed."""
        return [step.title for step in self.steps.values() if "failed" in step.found]

    @property
    def tested(self) -> str | None:
        """The figure of the clips that no choice has heard; None where there is none."""
        found = self.steps["measured"].found if "measured" in self.steps else {}
        if "value" not in found:
            return None
        low, high = found["low"], found["high"]
        bounds = "" if low is None or low != low else f" ({number(low)} – {number(high)})"
        return f"{found['figure']} {number(found['value'])}{bounds} of {found['clips']} clips that no choice has heard"

    def __str__(self) -> str:
        lines = [self.sentence, ""]
        for step in self.steps.values():
            lines += [f"{step.title} ({spell_seconds(step.seconds)})", *(f"  {x}" for x in step.said)]
            lines += [f"  not taken: {x}" for x in step.lost]
            lines += [f"  $ {x}" for x in step.calls]
        return "\n".join([*lines, *self._advised()])

    def _advised(self) -> list[str]:
        told = [f"  {n}. {x}" for n, x in enumerate(self.advice, 1)]
        return [*(["", "What would help most now", *told] if told else []), *(["", self.use] if self.best else [])]

    @property
    def use(self) -> str:
        """How the model is used."""
        return f"to label recordings: {Call('predict', [str(self.model), 'RECORDINGS'])}"

    @property
    def summary(self) -> str:
        """The model, how good it is, and what would help most."""
        return "\n".join([self.sentence, *self._advised()])

    @property
    def sentence(self) -> str:
        """The model and how good it is."""
        if self.best is None:
            return "There is no model yet."
        figure = self.tested or str(self.best).removeprefix(f"{self.best.name}, ")
        return f"{self.best.name}: {figure}; in {spell_seconds(self.seconds)}"


def of(folder: Path, kept: Kept, seconds: float) -> Auto:
    """What is known by now."""
    told = [Advice(**a) for name in ADVISING for a in _advice(kept.found(name).get("advice", []))]
    if "encoder" in kept.steps:
        asked = kept.asked
        others = of_encoders(list(asked["encoders"]), str(asked["data"]), folder, list(asked["settings"]))
        told += [] if others is None else [others]
    return Auto(folder, kept.best, dict(kept.steps), ranked(told), seconds, kept.asked, kept.place)


def _advice(held: Any) -> list[dict[str, Any]]:
    return [held] if isinstance(held, dict) else list(held)
