"""Labelled clips that a model can be measured on: those of a side, with labels that it knows, that can be read."""

from __future__ import annotations

import difflib
import itertools
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audioft.assembly import heard_before, recording_passes
from audioft.core.places import folder_for
from audioft.core.progress import Console
from audioft.core.runtime import address
from audioft.core.wording import counted, listed
from audioft.data import check as checking
from audioft.data import targets as labelling
from audioft.data.clip import Clip
from audioft.data.manifest import Manifest
from audioft.data.sides import SIDES
from audioft.errors import DataError, UsageError
from audioft.inference.predictor import Predictor
from audioft.models import heard
from audioft.models.heard import Heard

Clips = tuple[Clip, ...]


@dataclass(frozen=True)
class Chosen:
    """Clips that a model is measured on.

    Attributes:
        clips: those that can be read, on the side that was asked for.
        side: what that is called.
        notes: what is to be said of them.
    """

    clips: Clips
    side: str
    notes: list[str]


def chosen(
    manifest: Manifest,
    predictor: Predictor,
    model: Path,
    asked: str | None,
    console: Console,
    *,
    limit: int = 0,
    seed: int = 0,
    renamed: Mapping[str, str] | None = None,
    writes: Path | None = None,
) -> Chosen:
    """The clips of labelled data that a model is measured on.

    Args:
        manifest: all of them.
        predictor, model: the model, and its folder or that of its run.
        asked: the side, see `side`.
        console: told what is left out.
        limit, seed: see `evenly`.
        renamed: labels of the data with what they were renamed to.
        writes: see `readable`.

    Raises:
        UsageError: there is no such side.
        DataError: no clip is on it, the model does not know its labels, or none can be read.
    """
    for note in manifest.notes:
        console.say(f"note: {note}")
    clips, name = side(manifest.root, manifest.clips, asked, heard.of_folder(predictor.folder))
    own = named(clips, several=manifest.multilabel, may=predictor.card.multilabel)
    refuse_unknown(predictor.labels, own, renamed or {})
    few = list[str]()
    if not by_model(clips, name):  # which clips there are is known now: no others are read
        clips, few = evenly(clips, limit, seed)
    clips, notes = readable(clips, predictor, model, manifest.grouping, console, writes, name)
    clips, fewer = evenly(clips, limit, seed)
    return Chosen(clips, name, [*few, *fewer, *notes])


def evenly(clips: Sequence[Clip], limit: int, seed: int) -> tuple[Clips, list[str]]:
    """At most so many clips, as many of each label as there are, and a note where some are left out.

    Args:
        clips: all of them.
        limit: 0 for all.
        seed: which are taken is a function of it and of a clip's name.
    """
    if not limit or len(clips) <= limit:
        return tuple(clips), []
    by_label: dict[tuple[str, ...], list[int]] = {}
    for i in sorted(range(len(clips)), key=lambda i: address(seed, "limit", clips[i].key)):
        by_label.setdefault(clips[i].labels[:1], []).append(i)
    turns = sorted((turn, place, i) for place, own in enumerate(by_label.values()) for turn, i in enumerate(own))
    taken = sorted(i for _, _, i in turns[:limit])
    note = f"{counted(limit, 'clip')} of {len(clips)} were taken, evenly over the labels; --limit 0 takes all"
    return tuple(clips[i] for i in taken), [note]


def refuse_side(side: str | None) -> None:
    """Raise a UsageError where there is no such side."""
    if side not in (None, *SIDES, "all"):
        raise UsageError(f"side {side!r}: expected one of {', '.join(SIDES)}, all")


def named(clips: Clips, *, several: bool, may: bool) -> Iterable[tuple[str, str]]:
    """The labels of clips, each with the file it is of.

    Args:
        clips: as they are read.
        several: whether the data may give a clip several labels.
        may: whether the model may.

    Raises:
        DataError: only the data may.
    """
    if several and not may:
        raise DataError(
            "the data may give several labels a clip (`labels`), the model gives exactly one: they cannot be compared"
        )
    return ((label, clip.name) for clip in clips for label in clip.named)


def side(root: Path, clips: Clips, side: str | None, known: Heard | None = None) -> tuple[Clips, str]:
    """The clips to measure on, and what they are called.

    Args:
        root: of the data, for messages.
        clips: all of them.
        side: `train`, `valid`, `test` or `all`; None for what the data suggests.
        known: what the model has heard. Of data that gives no split all clips are returned then: which of them are on
            a side for the model is known once they are read, see `readable`.

    Raises:
        UsageError: there is no such side.
        DataError: no clip is on it.
    """
    refuse_side(side)
    given = {c.split for c in clips} - {None}
    if side is None:
        side = "test" if "test" in given else "all"
    if side == "all" or (known is not None and not given):
        return clips, side
    chosen = tuple(c for c in clips if c.split == side)
    if not chosen:
        has = f"it has {', '.join(sorted(str(g) for g in given))}" if given else "it gives no split"
        raise DataError(f"{root}: no clip is on the side {side!r}; {has}. Use --side all to take all clips")
    return chosen, side


def refuse_unknown(labels: tuple[str, ...], named: Iterable[tuple[str, str]], renamed: Mapping[str, str]) -> None:
    """Refuse labels that the model does not know.

    Args:
        labels: of the model.
        named: labels with the file they are of.
        renamed: labels of the data with what they were renamed to.
    """
    known = set(labels)
    strange: dict[str, str] = {}
    for name, file in named:
        if name not in known:
            strange.setdefault(name, file)
    if not strange:
        return
    told = ", ".join(f"{name!r} (as of {file})" for name, file in sorted(strange.items())[:10])
    raise DataError(
        f"the data has {len(strange)} label(s) that the model does not know: {told}. It knows "
        f"{', '.join(labels)}; {_remedy(sorted(strange), labels, renamed)}"
    )


def _remedy(strange: Sequence[str], labels: Sequence[str], renamed: Mapping[str, str]) -> str:
    """What helps where the model does not know some labels: renames that were asked for are not undone."""
    leave_out = f"leave them out with data.drop={listed(strange)}"
    for old, new in renamed.items():
        if labelling.clean(new) in strange:
            better = f"leave out the rename of {old!r}" if old in labels else f"rename {old!r} to one that it knows"
            return f"{new!r} is what data.rename (--rename) makes of {old!r}: {better}, or {leave_out}"
    for old in strange:
        if near := difflib.get_close_matches(old, labels, n=1):
            return f"rename labels with --rename {shlex.quote(f'{old}={near[0]}')} (data.rename), or {leave_out}"
    way = shlex.quote(f"{strange[0]}=LABEL")
    return f"{leave_out}, or rename what the model calls otherwise with --rename {way} (data.rename)"


def readable(
    clips: Clips,
    predictor: Predictor,
    model: Path,
    grouping: str,
    console: Console,
    writes: Path | None,
    side: str = "all",
) -> tuple[Clips, list[str]]:
    """The clips that can be used, and what is to be noted of them; no findings are kept: there may be millions.

    Args:
        clips: those to measure on.
        predictor, model: the model, and its folder or that of its run.
        grouping: what the clips' groups are.
        console: told of those that are left out.
        writes: a folder for the table of bad recordings; None for nowhere.
        side: where no clip says on which it is, those are taken that were on it for the model.

    Raises:
        DataError: none can be used.
    """
    checked = recording_passes.check(clips, console, workers=2, hearing=predictor.model.encoder.hearing)
    if writes is not None:
        folder_for(writes, "--out")
        checking.write_bad_files(writes / "bad_files.csv", clips, checked)
    notes = left_out(clips, [k.problem for k in checked], console)
    good = tuple(c for c, k in zip(clips, checked, strict=True) if not k.problem) if notes else clips
    known = heard.of_folder(predictor.folder)
    if known is None:
        return good, notes
    asked = heard_before.asked(good, [k.digest for k in checked if not k.problem], grouping)
    run = "this run" if (model / "model").is_dir() else "this model"
    if not by_model(clips, side):
        if told := known.told(asked, "recordings", run):
            _point_to_test(known, asked, run, console)
        return good, notes + told
    own = [known.side(*one) == side for one in asked]
    if not any(own):
        raise DataError(
            f"no clip is on the side {side!r}: the data gives no split, and none of its {len(good)} recordings was on "
            f"it for {run}. Use --side all to take all clips"
        )
    console.say(f"note: the data gives no split: {sum(own)} of {len(own)} recordings were on the {side} side of {run}")
    asked = list(itertools.compress(asked, own))
    told = known.told(asked, "recordings", run, validated=side != "valid")
    return tuple(itertools.compress(good, own)), notes + told


def left_out(clips: Clips, problems: Sequence[tuple[str, str] | None], console: Console) -> list[str]:
    """What is to be noted of clips that cannot be used.

    Args:
        clips: those to measure on.
        problems: of each clip the stage and the reason; None where it can be used.
        console: told of the first few.

    Raises:
        DataError: none can be used.
    """
    bad = [(c, problem) for c, problem in zip(clips, problems, strict=True) if problem]
    for clip, problem in bad[:5]:
        console.say(f"note: {clip.key} is left out: {problem[1]}")
    if len(bad) == len(clips):
        (first, (_, reason)), many = bad[0], len(clips)
        of = f"none of the {many} recordings can be used; the first, {first.key}" if many > 1 else first.key
        raise DataError(f"{of}: {reason}. Give other recordings")
    return [f"{len(bad)} of {len(clips)} recordings could not be used and are left out"] if bad else []


def by_model(clips: Clips, side: str) -> bool:
    """Whether clips on a side are those that were on it for the model, as none says on which it is."""
    return side in SIDES and not any(c.split for c in clips)


def _point_to_test(known: Heard, asked: heard.Asked, run: str, console: Console) -> None:
    tested = sum(known.side(*one) == "test" for one in asked)
    if tested:
        console.say(f"note: {tested} of {len(asked)} were on the test side of {run}: --side test takes these alone")
