"""Which clips an ensemble is measured on, and which it may be fitted to: those that are new to every member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audioft.assembly import heard_before, recordings, starting_model
from audioft.assembly.joining.given import Given
from audioft.assembly.recordings import Data
from audioft.assembly.run_folder import stored
from audioft.core.progress import Console
from audioft.core.wording import counted, first_line
from audioft.data.sides import Split
from audioft.data.targets import targets
from audioft.errors import AudioftError, UsageError

NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Common:
    """Data that members have in common.

    Attributes:
        data: its test side holds what no member was trained on or validated by, its validation side what none was
            trained on; nothing is on its train side.
        notes: what is to be said of it.
    """

    data: Data
    notes: tuple[str, ...] = ()


def common(given: Sequence[Given], labels: tuple[str, ...], console: Console, needed: bool) -> Common | None:
    """The data of the first run among the members, by side.

    Args:
        given: the members.
        labels: of the ensemble.
        console: told why there is none.
        needed: whether that is an error.

    Raises:
        UsageError: there is none, and it is needed.
    """
    try:
        first, data = _data(given)
    except UsageError as e:
        if needed:
            raise UsageError(f"{e}; give runs whose data is still there, or take --how average") from e
        console.say(f"note: {e}; the ensemble is not measured: `audioft evaluate MODEL DATA` does that")
        return None
    wanted, known = targets(data.manifest.clips, labels, data.manifest.multilabel)
    data = replace(data, manifest=replace(data.manifest, labels=labels), targets=wanted, known=known)
    asked = heard_before.asked(data.manifest.clips, [c.digest for c in data.checked], data.manifest.grouping)
    sides = {g.name: np.array([g.heard.side(*one) if g.heard else "" for one in asked]) for g in given}
    own = sides[first.name] if first.heard else np.array(data.split.sides(len(asked)))
    new = {side: np.all([np.isin(s, (side, "")) for s in sides.values()], 0) for side in ("valid", "test")}
    valid, test = (np.flatnonzero((own == side) & new[side]) for side in ("valid", "test"))
    split = Split(NOBODY, valid, test)
    notes = _elsewhere(first, sides, own == "test")
    notes += [f"what {g.name} was trained on is not known: test clips may be among it" for g in given if not g.heard]
    return Common(replace(data, split=split), tuple(notes))


def _data(given: Sequence[Given]) -> tuple[Given, Data]:
    first = next((g for g in given if g.run is not None), None)
    if first is None or first.run is None:
        raise UsageError("none of the members is a run, so that their data is not known")
    config = stored(first.run)
    try:
        return first, recordings.load(config, Console(quiet=True), start=starting_model.load(config))
    except AudioftError as e:
        raise UsageError(f"the data of {first.name} cannot be read ({first_line(e)})") from e


def _elsewhere(first: Given, sides: Mapping[str, np.ndarray], tested: np.ndarray) -> list[str]:
    """What is to be said of members that were tested on other clips than the first run."""
    found, count = [], int(tested.sum())
    for name, own in sides.items():
        learnt = int((tested & np.isin(own, ("train", "valid"))).sum())
        if learnt:
            found.append(
                f"{name} was tested on another side than {first.name}: it has learnt from {learnt} of the {count} test "
                f"clips of {first.name}, which are left out of the figures"
            )
    return found


def told(data: Data) -> str:
    """What the validation side is, in words."""
    return f"{counted(len(data.side('valid')), 'validation clip')} that no member was trained on"
