"""The sides of trials: folds within the clips that are learnt from and validated by; the test side is in none."""

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
    """The data of each fold: what is learnt from and what it is validated by, no group on both sides.

    Args:
        data: as a run would have it.
        asked: how many; 1 takes the validation side that there is, None chooses by the number of clips.
        seed: of the folds.

    Raises:
        DataError: there are too few groups, or there is no validation side.
        UsageError: labels with times do not go with folds.
    """
    learnt = np.sort(np.concatenate([data.side("train"), data.side("valid")]))
    events = data.manifest.events is not None
    if events and (asked or 1) > 1:
        raise UsageError("--folds: recordings whose events are labelled have one validation side; leave it out")
    count = asked or (1 if events or (len(learnt) >= FEW and len(data.side("valid"))) else USUAL)
    if count == 1:
        if not len(data.side("valid")):
            raise DataError(
                f"{data.manifest.root}: there is no validation side to choose by; give --folds 5, or data.valid=0.15"
            )
        return [_with(data, data.side("train"), data.side("valid"))]
    clips = data.manifest.clips
    groups = [clips[i].group or clips[i].key for i in learnt]
    present = (data.targets * data.known)[learnt]
    try:
        masks = several_folds(present, groups, seed, count)
    except ValueError as e:
        raise DataError(
            f"{data.manifest.root}: {counted(count, 'fold')} need as many groups of clips to learn from, and {e}; "
            "give other recordings, or a validation side with --folds 1"
        ) from e
    found = [_with(data, learnt[learn], learnt[test]) for learn, test in masks]
    if any((f.targets[f.side("train")].sum(0) > 0).sum() < 1 + (not data.manifest.multilabel) for f in found):
        raise DataError(f"{data.manifest.root}: a fold leaves clips of one label alone to learn from; give --folds 1")
    return found


def _with(data: Data, train: np.ndarray, valid: np.ndarray) -> Data:
    return replace(data, split=Split(train, valid, NOBODY))
