"""On which side of a distillation a clip is: what the teacher was tested on is never learnt from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from audioft.assembly import recordings, starting_model
from audioft.assembly.recordings import Data
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.wording import counted
from audioft.data.sides import Split
from audioft.models.heard import Heard


def load(config: Config, console: Console, known: Heard, bad_files: Path | None) -> Data:
    """The labelled recordings; those that the teacher was tested on are on the test side.

    A teacher that was fitted to its validation side, too, leaves none to validate on: then sides are made anew, and
    among what is new to its test side.

    Args:
        config: of the run.
        console: told what was found.
        known: what the teacher has heard.
        bad_files: where to write the table of bad recordings.

    Raises:
        AudioftError: as of `recordings.load`.
    """
    data = recordings.load(config, console, start=starting_model.load(config), bad_files=bad_files)
    everything = range(len(data.manifest.clips))
    tested = np.array([known.side(*asked) == "test" for asked in data.asked_of(everything)], dtype=bool)
    astray = int(tested[np.concatenate([data.split.train, data.split.valid])].sum())
    if not astray:
        return data
    console.say(f"note: {counted(astray, 'clip')} that the teacher was tested on: test side, not learnt from")
    valid = np.array([i for i in data.split.valid if not tested[i]], np.int64)
    test = np.flatnonzero(tested)
    learnt = np.setdiff1d(np.arange(len(everything)), np.concatenate([valid, test]))
    return replace(data, split=Split(learnt, valid, test))
