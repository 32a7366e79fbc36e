"""The clips that all models are measured on: those of a side, with labels that each of them knows, that can be read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
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
    of_model = name if labelled_clips.by_model(clips, name) else None
    clips, digests, notes = _checked(clips, found, console)
    asked = heard_before.asked(clips, digests, manifest.grouping)
    taken, folds, told = _taken(found, known, asked, of_model)
    learnt = tuple(_learnt(known[c.name]) if c.folds else None for c in found)
    shared = SharedClips(clips, tuple(digests), name, manifest.multilabel, folds, learnt).only(taken)
    asked = list(itertools.compress(asked, taken))
    of_each = {c.name: [] if c.folds else _told(c, known[c.name][0], asked, name) for c in found}
    trained_on = frozenset(n for n, own in of_each.items() if any(note.endswith(heard.TOO_GOOD) for note in own))
    notes += [*told, *itertools.chain.from_iterable(of_each.values())]
    return replace(shared, notes=tuple(notes), trained_on=trained_on)


def _taken(
    found: Sequence[Candidate], known: Mapping[str, Sequence[Heard | None]], asked: Asked, side: str | None
) -> tuple[np.ndarray, tuple[np.ndarray | None, ...], list[str]]:
    """Which clips are taken, `(N,)` bool, `SharedClips.folds`, and notes; `side` is one that each model tells of.

    Raises:
        DataError: none is.
    """
    taken, folds, notes = np.ones(len(asked), bool), list[np.ndarray | None](), list[str]()
    for c in found:
        own = known[c.name]
        place, told = held_out(c.name, own, asked) if c.folds else (None, [])
        folds.append(place)
        notes += told
        if place is not None:
            taken &= place >= 0
        elif side is not None and own[0] is not None:
            taken &= np.array([own[0].side(*one) == side for one in asked])
    if not taken.any():
        raise DataError(
            f"no clip is on the {side or 'test'} side of all these models: each had other clips there. Compare on "
            "recordings that are new to all, train them with the same data.test and seed, or take all clips with "
            "--side all"
        )
    if not taken.all():
        count, where = int(taken.sum()), "held out from" if side is None else f"on the {side} side of"
        were = "was" if count == 1 else "were"
        of = f"{counted(count, 'clip')} of {len(asked)} {were} {where} all models of which that is known"
        notes.append(f"{of}; the others are left out")
    return taken, tuple(folds), notes


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


def held_out(name: str, known: Sequence[Heard | None], asked: Asked) -> tuple[np.ndarray, list[str]]:
    """Which of several runs labels each clip: the one that was tested on it, or where none was, validated.

    Args:
        name: of their folder.
        known: what each run has heard.
        asked: N clips.

    Returns:
        `(N,)` int, -1 for clips that none or several held out; and what is to be noted.

    Raises:
        DataError: it is not known what a run has heard.
    """
    if any(own is None for own in known):
        raise DataError(f"{name}: a run in it does not tell which clips it was trained on; train it again")
    sides = np.array([[own.side(*one) for one in asked] for own in known if own is not None])
    tested, validated = sides == "test", sides == "valid"
    one = tested.sum(0) == 1
    if one.any():
        return np.where(one, tested.argmax(0), -1), []
    one = (validated.sum(0) == 1) & ~tested.any(0)
    note = (
        f"{name}: each clip is labelled by the run that was validated on it, which chose its epoch or thresholds: the "
        "figures may be too good"
    )
    return np.where(one, validated.argmax(0), -1), [note] if one.any() else []


def _learnt(known: Sequence[Heard | None]) -> float:
    return float(np.mean([sum(s == "train" for s in own.recordings.values()) for own in known if own is not None]))


def _told(candidate: Candidate, known: Heard | None, asked: Asked, side: str) -> list[str]:
    """Why figures of a model are too good, or may be."""
    if known is None:
        note = heard.unknown(candidate.name, candidate.predictor.folder)
        return [] if note is None else [note]
    return known.told(asked, "clips", candidate.name, validated=side != "valid")
