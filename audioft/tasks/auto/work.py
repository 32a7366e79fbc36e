"""What all steps work with: the folder, the time, what is known so far, and the best model."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audioft.assembly import recordings
from audioft.assembly.recordings import Data
from audioft.configuration.config import Config
from audioft.core import storage
from audioft.core.progress import Console
from audioft.tasks.auto import own_files
from audioft.tasks.auto.brief import LOG, Brief
from audioft.tasks.auto.calls import Call
from audioft.tasks.auto.kept import Best, Kept
from audioft.tasks.auto.places import Place

MODEL, PROBE, SEARCH = "model", "probe", "search"
EVALUATION = 0.15  # of all the time, that is kept for the last step
LONGEST_EVALUATION = 300.0  # seconds


@dataclass
class Work:
    """A call of `audioft auto` that is under way.

    Attributes:
        folder: where all goes.
        config: how the data is read.
        encoders: that are asked for.
        place: where the model is meant for.
        seconds: within which all is to be done, those of earlier calls included.
        console: where messages go.
        kept: what is known so far.
        began: by `time.monotonic`.
        done: steps that were done in this call.
        unknown: encoders that are not there, and why.
        headers: the clips as their headers have them, where they were read before the checking pass.
        repeated: whether the step that is at work was done before, in less time.
    """

    folder: Path
    config: Config
    encoders: tuple[str, ...]
    place: Place
    seconds: float
    console: Console
    kept: Kept
    began: float = field(default_factory=time.monotonic)
    done: list[str] = field(default_factory=list)
    repeated: bool = False
    unknown: list[str] = field(default_factory=list)
    headers: Data | None = None
    _data: Data | None = None

    def __post_init__(self) -> None:
        self.brief = Brief(self.console, self.folder / LOG)  # for the verbs that work for this one

    @property
    def spent(self) -> float:
        """Seconds, those of earlier calls included."""
        return self.kept.spent + time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds until all is to be done; below 0 where time is up."""
        return self.seconds - self.spent

    @property
    def free(self) -> float:
        """Seconds that are left to find a model in."""
        return self.left - min(EVALUATION * self.seconds, LONGEST_EVALUATION)

    @property
    def settings(self) -> list[str]:
        """How the tables are read."""
        return list(self.kept.found("data").get("settings", []))

    @property
    def sides(self) -> list[str]:
        """Sides that are not to be made of `clips.csv`, as it has none of them."""
        return [f"data.{side}=null" for side in self.kept.found("data").get("without", [])]

    @property
    def figure(self) -> str:
        """By which models are compared."""
        return "map" if self.kept.found("data").get("multilabel") else "accuracy"

    def at(self, name: str) -> str:
        """A file or folder of this work, as it is named in calls."""
        return str(self.folder / name)

    def data(self) -> Data:
        """All clips, read once more where another process had read them."""
        if self._data is None:
            self._data = recordings.load(self.config, Console(quiet=True))
        return self._data

    def read(self, data: Data) -> None:
        self._data = data

    def call(self, verb: str, *given: str, settings: list[str] | None = None, **options: Any) -> str:
        """A call as a person would type it, told before it is made."""
        named = {name.replace("_", "-"): value for name, value in options.items()}
        said = str(Call(verb, given, named, self.settings if settings is None else settings))
        self.console.say(f"$ {said}")
        self.brief.say(f"\n$ {said}")
        return said

    def take(self, best: Best, model: Path) -> None:
        """Put a model in the place of the best one so far, whole."""
        with storage.new_folder(self.folder / MODEL) as place:
            shutil.copytree(model, place, dirs_exist_ok=True, symlinks=True)
        own_files.let_go(self.folder)
        self.kept.best, self.kept.place = best, os.path.relpath(model, self.folder)
        self.kept.write(self.folder)

    def offer(self, best: Best, model: Path) -> str | None:
        """Let a model take the place of the best one so far; why it does not, in words.

        It does where it is not clearly worse; in what is done once more, with more time, where it is better. One that
        was not measured takes the place of none that was.
        """
        before = self.kept.best
        if before is not None and before.score.value == before.score.value:
            if best.score.value != best.score.value:
                return f"{best}: {before.name} is, and stays"
            if self.repeated and best.score.value <= before.score.value:
                return f"{best}: no better than {before}"
            if best.score.clearly_below(before.score):
                return f"{best}: clearly worse than {before}"
        self.take(best, model)
        return None
