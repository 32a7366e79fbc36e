"""Folds within the clips that are learnt from and validated by; the test side is in none of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from audioft.assembly.recordings import Data
from audioft.core.wording import counted
from audioft.data.sides import Split
from audioft.errors import DataError, UsageError
from audioft.evaluation.choosing import several_folds

FEW = 1000  # clips, below which one validation side is too few to choose by
USUAL = 5
NOBODY = np.zeros(0, np.int64)


def of(data: Data, asked: int | None, seed: int) -> list[Data]:
    """The data of each fold by which settings are chosen; the test side is empty.

    Args:
        data: as a run would have it.
        asked: how many; 1 takes the validation side that there is, None chooses by the number of clips.
        seed: of the folds.

    Raises:
        DataError: there are too few groups, or there is no validation side.
        UsageError: labels with times do not go with folds.
    """
    clips, events = len(learnt(data)), data.manifest.events is not None
    count = asked or (1 if events or (clips >= FEW and len(data.side("valid"))) else USUAL)
    if count == 1:
        if not len(data.side("valid")):
            raise DataError(
                f"{data.manifest.root}: there is no validation side to choose by; give --folds 5, or data.valid=0.15"
            )
        return [_with(data, data.side("train"), data.side("valid"), NOBODY)]
    return [replace(f, split=replace(f.split, test=NOBODY)) for f in several(data, count, seed, fewer=asked is None)]


def several(data: Data, count: int, seed: int, fewer: bool = False) -> list[Data]:
    """The data of each of several folds: what is learnt from and what it is validated by; the test side stays.

    Labels are spread evenly over the validation sides, and no group is on both sides of a fold.

    Args:
        data: as a run would have it.
        count: how many, at least 2.
        seed: of the folds.
        fewer: take as many as there are groups, where these are fewer.

    Raises:
        DataError: there are too few groups.
        UsageError: labels with times do not go with folds.
    """
    if data.manifest.events is not None:
        raise UsageError("--folds: recordings whose events are labelled have one validation side; leave it out")
    own, clips = learnt(data), data.manifest.clips
    groups = [clips[i].group or clips[i].key for i in own]
    try:
        masks = several_folds((data.targets * data.known)[own], groups, seed, count)
        if len(masks) < count and not fewer:
            raise ValueError(f"only {len(masks)} can be made with every label spread evenly")
    except ValueError as e:
        raise DataError(
            f"{data.manifest.root}: {counted(count, 'fold')} need as many groups of clips to learn from, and {e}; "
            "give other recordings or fewer folds, or a validation side without folds (search: --folds 1)"
        ) from e
    found = [_with(data, own[learn], own[test], data.side("test")) for learn, test in masks]
    if any((f.targets[f.side("train")].sum(0) > 0).sum() < 1 + (not data.manifest.multilabel) for f in found):
        raise DataError(f"{data.manifest.root}: a fold leaves clips of one label alone to learn from; give fewer folds")
    return found


def learnt(data: Data) -> np.ndarray:
    """The clips that are learnt from or validated by, ascending."""
    return np.sort(np.concatenate([data.side("train"), data.side("valid")]))


def one(data: Data, fold: str, seed: int) -> Data:
    """The data of one fold, as `data.fold` names it: `2/5` is the second of five."""
    number, count = map(int, fold.split("/"))
    return several(data, count, seed)[number - 1]


def _with(data: Data, train: np.ndarray, valid: np.ndarray, test: np.ndarray) -> Data:
    return replace(data, split=Split(train, valid, test))
