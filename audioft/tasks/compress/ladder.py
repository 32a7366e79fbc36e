"""From the original step by step to smaller models, each measured, until the target or the gate ends it.

What takes no training comes first. A step that takes training is tried from the best model so far, once for each step
that is left, and gone on from is the one that gained most for what it lost; what nothing can be trained after is put on
top of each model. A model that does not pass the gate is not gone on from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from audioft.core.wording import of_bytes
from audioft.errors import AudioftError
from audioft.models import folder as model_folder
from audioft.models.classifier import AudioClassifier
from audioft.tasks.compress.gate import Gate
from audioft.tasks.compress.kept import ORIGINAL, Kept
from audioft.tasks.compress.measuring import Measuring, Row
from audioft.tasks.compress.steps.base import Made, Step
from audioft.tasks.compress.work import Work

FLOOR = 0.002  #: of a loss of score, where gains for losses are compared


@dataclass(frozen=True)
class Target:
    """What is wanted of a smaller model; None for as much as passes the gate.

    Attributes:
        speed: how many times as fast as the original.
        size: the share of the original's bytes, at most.
    """

    speed: float | None = None
    size: float | None = None

    @property
    def given(self) -> bool:
        """Whether there is one."""
        return self.speed is not None or self.size is not None

    def reached(self, row: Row, original: Row) -> bool:
        """Whether a model has all that is wanted."""
        quick = self.speed is None or row.speed >= self.speed
        return self.given and quick and (self.size is None or row.size <= self.size * original.size)


@dataclass(frozen=True, eq=False)
class Point:
    """A model on the way.

    Attributes:
        path: names of the steps that led to it, with how often each was taken.
        model: what it is.
        row: its figures.
    """

    path: tuple[tuple[str, int], ...]
    model: AudioClassifier
    row: Row

    def taken(self, step: Step) -> int:
        """How often a step was taken."""
        return dict(self.path).get(step.name, 0)


@dataclass(eq=False)
class Ladder:
    """See `climb`.

    Attributes:
        work, measuring, kept: what is compressed, how it is measured, and what was done before.
        gate: what passes; None for everything (`--force`).
        target: when it ends.
        notes: what could not be done, and why.
    """

    work: Work
    measuring: Measuring
    kept: Kept
    gate: Gate | None
    target: Target
    notes: list[str] = field(default_factory=list)

    def climb(self, steps: Sequence[Step]) -> Row | None:
        """Take steps; the model to write, None where none passes.

        Raises:
            AudioftError: no step could be taken at all.
        """
        origin = Point((), self.work.parts.model, self._original())
        last, training = [s for s in steps if s.last], sorted((s for s in steps if not s.last), key=lambda s: s.trains)
        point, left = origin, training
        if not self.work.joined and self._finished(origin, last):
            left = []
        while left:
            tried = [(step, self._step(step, point)) for step in left]
            found = [(step, p, self._finished(p, last)) for step, p in tried if p is not None]
            good = [(step, p, done) for step, p, done in found if self._passes_any(p, last)]
            left = [step for step, _, _ in good]
            if not good:
                break
            _, point, done = max(good, key=lambda g: self._gain(g[1].row))
            if done or self._reached(point.row) or (self.gate is None and not self.target.given):
                break
        if len(self.kept.rows) == 1 and self.notes:
            raise AudioftError("nothing could be made smaller: " + "; ".join(self.notes))
        return self.best()

    def best(self) -> Row | None:
        """The model to write: of those that pass the best that reaches the target, else the quickest."""
        good = [r for r in self.kept.rows.values() if r.name != ORIGINAL and self.passes(r)]
        if reached := [r for r in good if self._reached(r)]:
            return max(reached, key=lambda r: (r.score.value, r.speed))
        return max(good, key=self._rank, default=None)

    def passes(self, row: Row) -> bool:
        """Whether a model may be written."""
        return self.gate is None or self.gate.passes(row.change)

    def _rank(self, row: Row) -> tuple[float, float]:
        return (0.0 if math.isnan(row.speed) else row.speed, -row.size)

    def _reached(self, row: Row) -> bool:
        return self.target.reached(row, self.kept.rows[ORIGINAL])

    def _gain(self, row: Row) -> float:
        quicker = self.kept.rows[ORIGINAL].size / row.size if math.isnan(row.speed) else row.speed
        return math.log(max(quicker, 1.0)) / max(-row.change.value, FLOOR)

    def _passes_any(self, point: Point, last: Sequence[Step]) -> bool:
        names = [point.row.name, *(_name((*point.path, (s.name, 1))) for s in last)]
        return any(self.passes(self.kept.rows[n]) for n in names if n in self.kept.rows)

    def _original(self) -> Row:
        if ORIGINAL not in self.kept.rows:
            self._say("the original")
            self.kept.add(self.measuring.row(ORIGINAL, (), self.work.original.folder))
        self._tell(self.kept.rows[ORIGINAL])
        return self.kept.rows[ORIGINAL]

    def _finished(self, point: Point, last: Sequence[Step]) -> bool:
        """Put on top of a model what nothing can be trained after; whether the target is reached with it."""
        found = [p for step in last if (p := self._step(step, point)) is not None]
        return any(self._reached(p.row) and self.passes(p.row) for p in found)

    def _step(self, step: Step, point: Point) -> Point | None:
        stage = point.taken(step)
        path = (*(p for p in point.path if p[0] != step.name), (step.name, stage + 1))
        name = _name(path)
        place = self.kept.place(name)
        if name in self.kept.rows:
            found = Point(path, model_folder.load(place)[0], self.kept.rows[name])
        else:
            self._say(f"{name}: {step.makes}")
            try:
                made = step.make(point.model, stage, self.work, self.kept.steps(name))
            except AudioftError as e:
                self.notes.append(f"{step.name} could not be done: {e}")
                self.work.console.say(f"  note: {self.notes[-1]}")
                return None
            if made is None:
                self.work.console.say("  nothing is left to try this way")
                return None
            found = self._measured(path, name, made)
        self._tell(found.row)
        return found

    def _measured(self, path: tuple[tuple[str, int], ...], name: str, made: Made) -> Point:
        for said in made.said:
            self.work.console.say(f"  {said}")
        place = self.kept.place(name)
        model_folder.save(made.model, self.work.card, place, "")
        row = self.measuring.row(name, tuple(made.said), place, made.about)
        self.kept.add(row)
        return Point(path, made.model, row)

    def _say(self, heading: str) -> None:
        self.work.console.say(f"\n=== {heading}")

    def _tell(self, row: Row) -> None:
        speed = "" if math.isnan(row.speed) or row.name == ORIGINAL else f", {row.speed:.2f} times as fast"
        score = f"{row.score.value:.4f}" + (f" ({row.change.value:+.4f})" if row.name != ORIGINAL else "")
        self.work.console.say(f"  {row.name}: {of_bytes(row.size)}{speed}, {self.work.metric} {score}")
        if self.gate is not None and row.name != ORIGINAL and not self.passes(row):
            self.work.console.say(f"  {self.gate.told(row.name, row.change)}")


def _name(path: Sequence[tuple[str, int]]) -> str:
    """What a model is called, by the steps that led to it."""
    return " + ".join(name if count == 1 else f"{name} {count}" for name, count in path)
