"""What `audioft auto` has done so far: on the disk after each step, so that it goes on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from audioft.core import storage
from audioft.errors import CheckpointError
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.ratios import plain
from audioft.evaluation.text import number

FILE = "auto.json"
VERSION = 1


@dataclass(frozen=True)
class Best:
    """The best model so far.

    Attributes:
        name: what it is.
        figure: `accuracy` or `map`.
        value, low, high: of clips that it did not learn from, none of them tested; 95 %. nan where it could not be
            measured.
        measured: on which clips.
    """

    name: str
    figure: str
    value: float
    low: float
    high: float
    measured: str

    @property
    def score(self) -> Estimate:
        return Estimate(*(float("nan") if v is None else v for v in (self.value, self.low, self.high)))

    def __str__(self) -> str:
        if self.score.value != self.score.value:
            return f"{self.name}, not measured"
        bounds = f" ({self.score.bounds})" if self.score.bounds else ""
        return f"{self.name}, {self.figure} {number(self.score.value)}{bounds} {self.measured}"


@dataclass(frozen=True)
class Done:
    """A step that has ended.

    Attributes:
        title: what it was about.
        said: what was chosen or found, with the figures.
        lost: what was tried and not taken, and why.
        calls: that a person could have typed.
        seconds: it took.
        found: what later steps go by.
    """

    title: str
    said: Sequence[str]
    lost: Sequence[str] = ()
    calls: Sequence[str] = ()
    seconds: float = 0.0
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Kept:
    """All that is known between two steps.

    Attributes:
        asked: what was asked for, by its options; the same when it goes on.
        spent: seconds, of all calls so far.
        steps: by name, in their order.
        best: the best model; None before the first.
        place: what the model folder is a copy of, within the folder.
        again: steps that are done, and are to be done once more, as there is more time.
    """

    asked: dict[str, Any]
    spent: float = 0.0
    steps: dict[str, Done] = field(default_factory=dict)
    best: Best | None = None
    again: list[str] = field(default_factory=list)
    place: str = ""

    def found(self, step: str) -> Mapping[str, Any]:
        """What a step found; nothing where it was not done."""
        return self.steps[step].found if step in self.steps else {}

    def write(self, folder: Path) -> None:
        """Write it into the folder, whole or not at all."""
        steps = {name: asdict(step) for name, step in self.steps.items()}
        best = None if self.best is None else asdict(self.best)
        told = {"format": "audioft-auto", "version": VERSION, "asked": self.asked, "spent": self.spent}
        storage.write_json(
            folder / FILE, plain(told | {"again": self.again, "best": best, "place": self.place, "steps": steps})
        )


def read(folder: Path) -> Kept:
    """What is in a folder.

    Raises:
        CheckpointError: the file is damaged, or of another version of audioft.
    """
    held = storage.read_json(folder / FILE, CheckpointError)
    try:
        if held["version"] != VERSION:
            raise CheckpointError(
                f"{folder / FILE} was written by another audioft (format {held['version']}, here {VERSION}); finish "
                "it with that version, or give another --out"
            )
        best = held["best"]
        steps = {name: Done(**step) for name, step in held["steps"].items()}
        own = float(held["spent"]), steps, None if best is None else Best(**best)
        return Kept(dict(held["asked"]), *own, list(held["again"]), str(held.get("place", "")))
    except (TypeError, KeyError, ValueError) as e:
        raise CheckpointError(f"{folder / FILE} is damaged: {e}; put it back from a copy, or give another --out") from e
