"""Who trains, validates, is tested: given sides kept, missing ones made by whole groups, leaks refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from audioft.core.registry import suggest
from audioft.core.wording import counted
from audioft.data.assign import keeping
from audioft.data.clip import Clip
from audioft.data.manifest import Manifest
from audioft.data.sides import SIDES, Split
from audioft.data.targets import targets
from audioft.errors import ConfigError, DataError, Problem

Share = float | str | None


class TooFewClips(DataError):
    """Labels have too few clips, or groups of clips, for the sides that are to be made.

    Attributes:
        alone: those that can be on one side only.
    """

    def __init__(self, problems: list[str], alone: tuple[str, ...]):
        super().__init__(problems)
        self.alone = alone


def split(
    manifest: Manifest,
    *,
    valid: Share = 0.15,
    test: Share = 0.15,
    seed: int = 0,
    before: Sequence[str] | None = None,
) -> Split:
    """Decide each clip's side.

    A side is either given (by the manifest's `split` column or folders, or by a selection
    `column=value,value2`) and kept, or made: stratified by label, by whole groups, the same for a seed
    whatever the order of the clips. Where a split is given, a missing valid side is made out of train and a
    missing test side stays missing. A selection sets the given split aside.

    Args:
        manifest: the clips.
        valid: share of the clips, between 0 and 1, or a selection, or None for no valid side.
        test: likewise.
        seed: another seed makes another split.
        before: the side that each clip is on for a model that is gone on from, `""` for one that is new to it. Where
            sides are made, groups keep theirs, unless that leaves a side without one of its labels.

    Raises:
        ConfigError: a share out of range, a selection that names no column or matches nothing, or overlapping
            ones.
        TooFewClips: too few clips or groups of a class.
        DataError: a label that train lacks, an empty train side.
    """
    asked = {"valid": valid, "test": test}
    _check_shares(asked)
    notes: list[str] = []
    chosen = {side: _select(manifest, f"data.{side}", how) for side, how in asked.items() if isinstance(how, str)}
    given = _given(manifest, bool(chosen), notes)
    if both := [manifest.clips[i].key for i in sorted(set(chosen.get("valid", ())) & set(chosen.get("test", ())))]:
        raise ConfigError(f"data.valid={valid!r} and data.test={test!r} both select {len(both)} clips: {both[0]}, ...")
    for side, indices in chosen.items():
        for i in indices:
            given[i] = side
    pool = [i for i, side in enumerate(given) if side in ("", "train")]
    if not pool:
        raise DataError(f"{manifest.root}: no clip is left to train on, all are given as valid or test")
    made = _to_make(asked, chosen, given, notes)
    sides = np.array([side or "train" for side in given])
    if made:
        clips = [manifest.clips[i] for i in pool]
        _enough(manifest, clips, made)
        counts, _ = targets(clips, manifest.labels, manifest.multilabel)
        own = [""] * len(pool) if before is None else [before[i] for i in pool]
        sides[pool], lacking = keeping(counts, [c.group for c in clips], made, seed, own)
        if lacking is not None:
            notes.append(_of_before(manifest.labels, own, lacking))
        notes += _uneven(
            manifest, [c.group for c in clips], sides[pool].tolist(), made, not any(given) and manifest.events is None
        )
    parts = {side: np.flatnonzero(sides == side) for side in SIDES}
    if any(given):
        _count_crossing(manifest, sides.tolist(), notes)
    _check_labels(manifest, parts, notes)
    return Split(parts["train"], parts["valid"], parts["test"], tuple(notes))


def check_leaks(manifest: Manifest, split: Split, digests: Sequence[str]) -> None:
    """Refuse different recordings of the same bytes on two sides.

    Args:
        manifest: the clips.
        split: their sides.
        digests: a hash of each clip's recording, empty where there is none. Cuts of one recording share
            theirs and are the business of the group rule, not of this one.

    Raises:
        DataError: names each pair of files.
    """
    holders: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for clip, side, digest in zip(manifest.clips, split.sides(len(manifest.clips)), digests, strict=True):
        if digest and side:
            holders[digest][clip.name].add(side)
    problems = []
    for files in holders.values():
        names = sorted(files)
        pairs = ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
        pair = next(((a, b) for a, b in pairs if len(files[a] | files[b]) > 1), None)
        if pair:
            both = " and ".join(f"{name} ({'/'.join(sorted(files[name]))})" for name in pair)
            remedy = "delete one of them, or put both on one side (a table's group column does)"
            problems.append(Problem("", f"the same bytes on two sides: {{}}; {remedy}", both))
    if problems:
        raise DataError(sorted(problems))


def _check_shares(asked: dict[str, Share]) -> None:
    shares = {side: how for side, how in asked.items() if isinstance(how, int | float)}
    problems = [
        f"data.{side}: {share} is not between 0 and 1; null makes no such side"
        for side, share in shares.items()
        if not 0 < share < 1
    ]
    if not problems and sum(shares.values()) >= 1:
        problems = [f"data.valid + data.test are {sum(shares.values()):g}: nothing is left to train on"]
    if problems:
        raise ConfigError(problems)


def _select(manifest: Manifest, key: str, how: str) -> list[int]:
    column, equals, wanted = how.partition("=")
    column = column.strip()
    if not equals:
        raise ConfigError(f'{key}={how!r}: expected a share as 0.15, a selection as "fold=5", or null')
    columns = sorted({c for clip in manifest.clips for c in clip.columns})
    if column not in columns:
        known = suggest(column, columns) if columns else "; these clips come from folders, without columns"
        raise ConfigError(f"{key}={how!r}: there is no column {column!r}{known}")
    values = {v.strip() for v in wanted.split(",")}
    cells = [clip.columns.get(column, "").strip() for clip in manifest.clips]
    found = [i for i, cell in enumerate(cells) if cell in values]
    if not found:
        present = sorted(set(cells))
        more = f" and {len(present) - 10} more" if len(present) > 10 else ""
        raise ConfigError(f"{key}={how!r} matches no clip; {column} is {', '.join(map(repr, present[:10]))}{more}")
    return found


def _given(manifest: Manifest, selected: bool, notes: list[str]) -> list[str]:
    """Each clip's given side, `""` for all where there is none."""
    clips = manifest.clips
    said = [c for c in clips if c.split or c.columns.get("split", "").strip()]
    if not said:
        return [""] * len(clips)
    if selected:
        notes.append("the given split is set aside: data.valid or data.test selects clips by a column")
        return [""] * len(clips)
    strange = [c for c in clips if not c.split]
    if strange:
        found = sorted({c.columns.get("split", "").strip() for c in strange})
        raise DataError(
            f"{len(strange)} clips have the split {', '.join(map(repr, found[:5]))} ({strange[0].key}, ...): "
            "expected train, valid or test for every clip, or no split column"
        )
    return [c.split or "" for c in clips]


def _to_make(asked: dict[str, Share], chosen: dict, given: list[str], notes: list[str]) -> dict[str, float]:
    """The sides to make and the share of the pool each gets, in the order train, valid, test."""
    shares = {side: float(how) for side, how in asked.items() if isinstance(how, int | float)}
    from_manifest = any(given) and not chosen
    for side in ("valid", "test"):
        if from_manifest and side in given:
            shares.pop(side, None)
        elif from_manifest and side == "test":
            notes.append("the given split has no test side, and none is made")
            shares.pop(side, None)
        elif from_manifest and side in shares:
            notes.append(f"the given split has no valid side: {shares[side]:g} of its train side is made one")
    return {"train": 1 - sum(shares.values()), **shares} if shares else {}


def _of_before(labels: Sequence[str], before: Sequence[str], lacking: Sequence[tuple[str, int | None]]) -> str:
    """That clips keep the sides that they had for the model gone on from, or why they do not."""
    if lacking:
        side, label = lacking[0]
        of = "without clips" if label is None else f"without {labels[label]!r}"
        return (
            "the sides are made anew, not kept from what the model was trained on before: keeping them would leave the "
            f"{side} side {of}; add recordings that are new to it"
        )
    counts = [f"{side} {before.count(side)}" for side in SIDES if side in before]
    new = before.count("")
    return f"clips keep the side that the model knows them from ({', '.join(counts)}); {new} are new to it"


def _uneven(
    manifest: Manifest, groups: Sequence[str], sides: Sequence[str], made: dict[str, float], folds: bool
) -> list[str]:
    """A sentence where a side is far from the share that was asked for, and ways out of it, as `folds` of a probe."""
    total, far = len(sides), False
    for side, share in made.items():
        wanted = share * total  # off by a half, or by a clip of each label, which each side gets first
        far |= abs(sides.count(side) - wanted) > max(wanted / 2, min(len(manifest.labels), wanted))
    if not far:
        return []
    counts = ", ".join(f"{side} {sides.count(side)} ({share:.0%} asked for)" for side, share in made.items())
    own = manifest.grouping != "recording"
    units = "" if len(set(groups)) == total else f" in {_units(manifest, len(set(groups)))}"
    why = "each label needs one on every side" + (
        f", and a {'group' if own else 'recording'} stays on one" if units else ""
    )
    ways = ["test on all in folds with `audioft probe DATA --encoders mini`"] if folds else []
    ways.append(f"make fewer sides ({' or '.join(f'data.{side}=null' for side in made if side != 'train')})")
    if units and own:
        ways.append("name finer groups (data.group=COLUMN)")
    told = f"{counts} of {counted(total, 'clip')}{units}, as {why}"
    return [f"the sides are not as large as asked for: {told}; {', '.join(ways)}, or add recordings"]


def _units(manifest: Manifest, number: int) -> str:
    """So many of what stays on one side of a split."""
    own = manifest.grouping != "recording"
    return f"{counted(number, 'group')} ({manifest.grouping})" if own else counted(number, "recording")


def _enough(manifest: Manifest, clips: Sequence[Clip], made: dict[str, float]) -> None:
    """A class needs a group for each side; a label among several that is rare goes to train first."""
    if manifest.multilabel:
        return
    groups: dict[str, list[str]] = {label: [] for label in manifest.labels}
    for clip in clips:
        groups[clip.labels[0]].append(clip.group)
    problems = []
    for label, of in groups.items():
        have = len(set(of))
        if have < len(made):
            grouped = f" in {_units(manifest, have)}" if have != len(of) else ""
            nulls = " and ".join(f"data.{s}=null" for s in [s for s in made if s != "train"][: len(made) - have])
            problems.append(
                f"class {label!r} has {counted(len(of), 'clip')}{grouped}, too few for "
                f"{', '.join(made)}: expected at least {len(made)}. Add recordings of it, leave the class "
                f"out (data.drop), or make fewer sides with {nulls}"
                + (
                    " (or data.group=recording if the groups may be on two sides)"
                    if grouped and manifest.grouping != "recording"
                    else ""
                )
            )
    if problems:
        raise TooFewClips(problems, tuple(label for label, of in groups.items() if len(set(of)) < 2))


def _count_crossing(manifest: Manifest, sides: Sequence[str], notes: list[str]) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for clip, side in zip(manifest.clips, sides, strict=True):
        seen[clip.group].add(side)
    crossing = sorted(group for group, on in seen.items() if len(on) > 1)
    if crossing:
        notes.append(
            f"{len(crossing)} of {len(seen)} groups ({manifest.grouping}) are on two sides of the given "
            f"split, as {crossing[0]!r}: scores may be too good"
        )


def _check_labels(manifest: Manifest, parts: dict[str, np.ndarray], notes: list[str]) -> None:
    clips = manifest.clips
    present = {side: {label for i in part for label in clips[i].labels} for side, part in parts.items()}
    problems = []
    for label in manifest.labels:
        if label in present["train"]:
            continue
        where = [s for s in ("valid", "test") if label in present[s]]
        if not where:
            problems.append(
                f"label {label!r}: no clip has it (any more); leave it out with data.drop, or add recordings"
            )
            continue
        files = [clips[i].key for side in where for i in parts[side] if label in clips[i].labels]
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        remedy = "give train clips of it, or leave it out with data.drop"
        said = f"label {{}} is only on the {' and '.join(where)} side, in {{}}: {remedy}"
        problems.append(Problem("", said, repr(label), f"{', '.join(files[:5])}{more}"))
    if problems:
        raise DataError(problems)
    for side in ("valid", "test"):
        missing = sorted(present["train"] - present[side])
        if len(parts[side]) and missing:
            notes.append(f"the {side} side has no clip of {', '.join(map(repr, missing[:10]))}")
