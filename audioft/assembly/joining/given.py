"""The models that are to be joined, and whether they go together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

import torch

from audioft.core.wording import counted, quoted
from audioft.errors import UsageError
from audioft.models import folder as folders
from audioft.models import heard
from audioft.models.card import ModelCard
from audioft.models.classifier import AudioClassifier
from audioft.models.ensembles.combining import Combination
from audioft.models.ensembles.ensemble import Ensemble, Member
from audioft.models.heard import Heard
from audioft.models.hub import model_folder


@dataclass(frozen=True, eq=False)
class Given:
    """A model that is to be joined with others.

    Attributes:
        name: what it is called in reports: of no other one.
        place: as it was named, a run or a model folder.
        model, card: as its folder has them.
        heard: what it has heard; None where that is not known.
    """

    name: str
    place: Path
    model: AudioClassifier
    card: ModelCard
    heard: Heard | None

    @property
    def run(self) -> Path | None:
        """The run folder that it is of; None where there is none."""
        found = (self.place, self.place.parent)
        return next((p for p in found if (p / "config.yaml").is_file() and (p / "model").is_dir()), None)


def opened(places: Sequence[str | os.PathLike[str]]) -> list[Given]:
    """The models in run folders or model folders.

    Raises:
        UsageError: there are fewer than two, or one is named twice.
        ModelError: one is not a whole model.
    """
    paths = [Path(p) for p in places]
    if len(paths) < 2:
        raise UsageError(f"an ensemble is of at least two models; {counted(len(paths), 'model')} given")
    found = [model_folder(p) for p in paths]
    twice = [p for p, n in Counter(os.path.realpath(f) for f in found).items() if n > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named twice; an ensemble has a member once (--how weighted gives weights)")
    return [
        Given(name, place, *folders.load(folder), heard.of_folder(folder))
        for name, place, folder in zip(names(paths), paths, found, strict=True)
    ]


def names(paths: Sequence[Path]) -> list[str]:
    """What members are called: the shortest ends of their paths that tell all of them apart.

    >>> names([Path("runs/a"), Path("runs/b/model"), Path("old/c/folds/1"), Path("old/d/folds/1")])
    ['a', 'b', 'c/folds/1', 'd/folds/1']
    """
    parts = [(p.parent if p.name == "model" and len(p.parts) > 1 else p).parts for p in paths]
    deep = [1] * len(parts)
    while len(set(ends := ["/".join(p[-n:]) for p, n in zip(parts, deep, strict=True)])) < len(ends):
        same = Counter(ends)
        longer = [n + (same[e] > 1 and n < len(p)) for p, n, e in zip(parts, deep, ends, strict=True)]
        if longer == deep:
            return [str(p) for p in paths]
        deep = longer
    return ends


def labels(given: Sequence[Given], may_differ: bool) -> tuple[tuple[str, ...], list[str]]:
    """The labels of all, in the order of the first, and what is to be said of them.

    Args:
        given: the members.
        may_differ: whether a label may be known to some of them only, where clips may have several.

    Raises:
        UsageError: they do not go together.
    """
    first = given[0]
    for other in given[1:]:
        if other.card.multilabel != first.card.multilabel:
            one, several = sorted((first, other), key=lambda g: g.card.multilabel)
            raise UsageError(
                f"{one.name} gives a recording one label, and {several.name} any number: their scores are not of one "
                "kind, and cannot be joined"
            )
    everything = tuple(dict.fromkeys(label for g in given for label in g.card.labels))
    lacking = {g.name: [x for x in everything if x not in g.card.labels] for g in given}
    lacking = {name: those for name, those in lacking.items() if those}
    if not lacking:
        return first.card.labels, []
    told = "; ".join(f"{name} does not know {quoted(those, 5)}" for name, those in lacking.items())
    if not first.card.multilabel:
        raise UsageError(
            f"the members have other labels: {told}. Each divides its certainty between its own labels alone, so that "
            "their scores cannot be averaged; train them with the same labels (`audioft train DATA --from MODEL "
            "--extend` keeps those of a model)"
        )
    if not may_differ:
        raise UsageError(f"the members have other labels: {told}. Take --how average or vote, or the same labels")
    return everything, [f"the labels are those of all members: {told}; there the others alone are listened to"]


def known(given: Sequence[Given], everything: Sequence[str]) -> torch.Tensor:
    """Which labels each member knows, `(M, C)` bool."""
    return torch.tensor([[label in g.card.labels for label in everything] for g in given])


def ensemble(given: Sequence[Given], everything: Sequence[str], combination: Combination) -> Ensemble:
    """The members as one model.

    Raises:
        UsageError: they hear or answer in ways that do not go together.
    """
    try:
        made = Ensemble([Member(g.name, g.model, g.card) for g in given], everything, combination)
    except ValueError as e:
        raise UsageError(f"the members cannot be joined: {e}") from e
    return made.eval()


def heard_by(given: Sequence[Given]) -> Heard | None:
    """What any of them has heard; None where nothing is known of any."""
    found = [g.heard for g in given if g.heard is not None]
    return reduce(or_, found) if found else None
