"""The clips that all models are measured on: those of a side, with labels that each of them knows, that can be read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from audioft.assembly import heard_before, labelled_clips, recording_passes
from audioft.assembly.reading import Reading
from audioft.core.progress import Console
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.errors import DataError
from audioft.models import heard
from audioft.models.heard import Asked, Heard
from audioft.tasks.compare.candidates import Candidate


@dataclass(frozen=True, eq=False)
class SharedClips:
    """Clips, and what is known of them.

    Attributes:
        clips: N clips.
        digests: of their recordings, sha256 in hex.
        side: what they are called.
        multilabel: whether the data may give a clip several labels.
        folds: of each candidate that is several models which of them labels each clip, `(N,)` int; None of one.
        learnt: of each such candidate how many recordings its members learnt from, the mean; None of one.
        notes: what is to be said of them.
        trained_on: names of the candidates that were trained on some of them.
    """

    clips: tuple[Clip, ...]
    digests: tuple[str, ...]
    side: str
    multilabel: bool
    folds: tuple[np.ndarray | None, ...]
    learnt: tuple[float | None, ...]
    notes: tuple[str, ...] = ()
    trained_on: frozenset[str] = frozenset()

    def only(self, good: np.ndarray) -> SharedClips:
        """Those of a mask, `(N,)` bool."""
        clips, digests = tuple(itertools.compress(self.clips, good)), tuple(itertools.compress(self.digests, good))
        folds = tuple(None if f is None else f[good] for f in self.folds)
        return replace(self, clips=clips, digests=digests, folds=folds)


def read(found: Sequence[Candidate], data: Path, how: Reading, side: str | None, console: Console) -> SharedClips:
    """The clips of data, read in this way.

    Raises:
        DataError: a model does not know a label, no clip is on the side, or none can be read.
    """
    manifest = how.clips(data)
    for note in manifest.notes:
        console.say(f"note: {note}")
    known = {c.name: c.heard() for c in found}
    any_known = next((h for own in known.values() for h in own if h is not None), None)
    clips, name = labelled_clips.side(manifest.root, manifest.clips, side, any_known)
    for c in found:
        try:
            named = labelled_clips.named(clips, several=manifest.multilabel, may=c.predictor.card.multilabel)
            labelled_clips.refuse_unknown(c.predictor.labels, named, how.choices.rename)
        except DataError as e:
            raise DataError(f"{c.name}: {e}") from e
    by_model = labelled_clips.by_model(clips, name)
    clips, digests, notes = _checked(clips, found, console)
    asked = heard_before.asked(clips, digests, manifest.grouping)
    everywhere = np.ones(len(clips), bool)
    folds: list[np.ndarray | None] = []
    for c in found:
        own = known[c.name]
        folds.append(_folds(c, own, asked) if c.folds else None)
        if folds[-1] is not None:
            everywhere &= folds[-1] >= 0
        elif by_model and own[0] is not None:
            everywhere &= np.array([own[0].side(*one) == name for one in asked])
    if not everywhere.any():
        raise DataError(
            f"no clip is on the {name if by_model else 'test'} side of all these models: they were tested on other "
            "clips than one another. Compare on recordings that are new to all, train them with the same data.test and "
            "seed, or use --side all to take all clips"
        )
    if not everywhere.all():
        notes.append(
            f"{counted(int(everywhere.sum()), 'clip')} of {len(clips)} "
            f"{'was' if everywhere.sum() == 1 else 'were'} on the {name if by_model else 'test'} side of all models "
            "of which that is known; the others are left out"
        )
    learnt = tuple(_learnt(known[c.name]) if c.folds else None for c in found)
    shared = SharedClips(clips, tuple(digests), name, manifest.multilabel, tuple(folds), learnt).only(everywhere)
    asked = list(itertools.compress(asked, everywhere))
    told = {c.name: [] if c.folds else _told(c, known[c.name][0], asked, name) for c in found}
    notes += [note for own in told.values() for note in own]
    trained_on = frozenset(n for n, own in told.items() if any(note.endswith(heard.TOO_GOOD) for note in own))
    return replace(shared, notes=tuple(notes), trained_on=trained_on)


def _checked(
    clips: tuple[Clip, ...], found: Sequence[Candidate], console: Console
) -> tuple[tuple[Clip, ...], list[str], list[str]]:
    """The clips that all models can hear, the digests of their recordings, and notes."""
    problems: list[tuple[str, str] | None] = [None] * len(clips)
    digests = [""] * len(clips)
    for hearing in dict.fromkeys(c.predictor.model.encoder.hearing for c in found):
        checked = recording_passes.check(clips, console, workers=2, hearing=hearing)
        problems = [before or k.problem for before, k in zip(problems, checked, strict=True)]
        digests = [k.digest or before for before, k in zip(digests, checked, strict=True)]
    notes = labelled_clips.left_out(clips, problems, console)
    good = [problem is None for problem in problems]
    return tuple(itertools.compress(clips, good)), list(itertools.compress(digests, good)), notes


def _folds(candidate: Candidate, known: Sequence[Heard | None], asked: Asked) -> np.ndarray:
    """Which of its members was tested on each clip, `(N,)` int; -1 where none was."""
    if any(own is None for own in known):
        raise DataError(f"{candidate.name}: a run in it does not tell which clips it was trained on; train it again")
    sides = np.array([[own.side(*one) == "test" for one in asked] for own in known if own is not None])
    return np.where(sides.any(0), sides.argmax(0), -1)


def _learnt(known: Sequence[Heard | None]) -> float:
    return float(np.mean([sum(s == "train" for s in own.recordings.values()) for own in known if own is not None]))


def _told(candidate: Candidate, known: Heard | None, asked: Asked, side: str) -> list[str]:
    """Why figures of a model are too good, or may be."""
    if known is None:
        note = heard.unknown(candidate.name, candidate.predictor.folder)
        return [] if note is None else [note]
    return known.told(asked, "clips", candidate.name, validated=side != "valid")
