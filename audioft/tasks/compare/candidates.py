"""The models that are compared, opened and found to be comparable."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.inference.predictor import Predictor
from audioft.models.heard import Heard, of_folder
from audioft.models.hub import holds_model

FRAMES = (
    "{} labels frames, and models are compared on clips: train one that labels clips (events.use=clips), or compare "
    "`audioft evaluate` of both"
)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model that is compared.

    Attributes:
        name: as it was given.
        members: the model; or several of one setting, each trained on other clips, of which each clip is labelled by
            the one that was tested on it.
    """

    name: str
    members: tuple[Predictor, ...]

    @property
    def predictor(self) -> Predictor:
        """The model; of several the first, which stands for all where only the cost is asked."""
        return self.members[0]

    @property
    def folds(self) -> bool:
        """Whether it is several models of one setting."""
        return len(self.members) > 1

    @property
    def thresholds(self) -> tuple[float, ...] | None:
        """Of labels, where a clip may have several."""
        return self.predictor.card.thresholds

    def heard(self) -> list[Heard | None]:
        """What each of its members has heard; None where that is not known."""
        return [of_folder(p.folder) for p in self.members]


def opened(names: Sequence[str], **how: Any) -> list[Candidate]:
    """The models by their names; `how` as for `Predictor`.

    Raises:
        UsageError: there are fewer than two, one is there twice or labels frames; or some give a clip one label and
            others several.
        ModelError: one cannot be opened.
    """
    if len(names) < 2:
        raise UsageError(f"compare takes at least two models, {len(names)} given")
    found = [Candidate(name, tuple(Predictor(place, **how) for place in _members(name))) for name in names]
    places: dict[str, str] = {}
    for c in found:
        real = os.path.realpath(c.predictor.folder)
        if real in places:
            raise UsageError(f"{c.name} is the same model as {places[real]}: give each once")
        places[real] = c.name
        if any(p.model.frame_level for p in c.members):
            raise UsageError(FRAMES.format(c.name))
        if len({(p.labels, p.card.multilabel) for p in c.members}) > 1:
            raise UsageError(f"{c.name}: its runs have other labels than one another; compare those that agree")
    several = [c.name for c in found if c.predictor.card.multilabel]
    one = [c.name for c in found if not c.predictor.card.multilabel]
    if several and one:
        raise UsageError(
            f"{several[0]} gives a clip any number of labels and {one[0]} exactly one: they cannot be compared"
        )
    return found


def _members(name: str) -> list[str]:
    """The folders of the models of a name: itself, or the runs in a folder that is neither a run nor a model."""
    if not os.path.isdir(name) or holds_model(name):
        return [name]
    runs = [str(p) for p in sorted(Path(name).iterdir()) if (p / "model" / "audioft.json").is_file()]
    return runs if len(runs) > 1 else [name]


def reading_of(found: Sequence[Candidate], console: Console) -> Mapping[str, Any]:
    """Settings by which the labels of the data are read: those that the first model with any has kept."""
    kept = [(c.name, dict(c.predictor.card.reading)) for c in found]
    name, first = next(((name, own) for name, own in kept if own), (kept[0][0], {}))
    others = [other for other, own in kept if own != first]
    if others:
        console.say(
            f"note: {others[0]} learnt from labels that were read in another way than those of {name}, as which they "
            "are read; settings of data say another way"
        )
    return first


def labels(found: Sequence[Candidate]) -> tuple[tuple[str, ...], list[str]]:
    """All labels that any of the models knows, in the order of the first, and what is to be said where they differ."""
    union = tuple(dict.fromkeys(label for c in found for label in c.predictor.labels))
    notes = []
    for c in found:
        if absent := [label for label in union if label not in c.predictor.labels]:
            more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
            notes.append(f"{c.name} does not know {', '.join(absent[:5])}{more}, as another does: it never gives them")
    return union, notes


def called(names: Sequence[str]) -> list[str]:
    """Names without the folders that all of them lie in.

    >>> called(["/data/runs/mini/fold-5", "/data/runs/whisper/fold-5"]), called(["runs/a", "someone/a-model"])
    (['mini/fold-5', 'whisper/fold-5'], ['runs/a', 'someone/a-model'])
    """
    parts = [Path(name).parts for name in names]
    levels = zip(*(own[:-1] for own in parts), strict=False)
    shared = sum(1 for _ in itertools.takewhile(lambda level: len(set(level)) == 1, levels))
    return [str(Path(*own[shared:])) for own in parts]
