"""`audioft.ensemble`: several models joined into one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.assembly.joining.joined import Joined

__all__ = ["ensemble"]


def ensemble(
    models: Sequence[PathLike],
    out: PathLike,
    *,
    how: str = "average",
    over: str = "probabilities",
    resamples: int = 1000,
    seed: int = 0,
    device: str = "auto",
    console: Console | None = None,
) -> Joined:
    """Join models into one, which is a model folder like any other.

    It is measured on the clips that the first run was tested on and that no other member has learnt from.

    Args:
        models: runs or model folders, at least two, with the same labels; where clips may have several labels,
            `average` and `vote` take all labels of any.
        out: the new model folder.
        how: `average`; `weighted`, by weights fitted to validation or out-of-fold scores; `vote`; `stack`, a logistic
            regression on out-of-fold scores, of runs made with `folds`; `soup`, one model with the mean of all weights,
            of runs that began from the same; `greedy-soup`, of those that make the validation better.
        over: what is averaged, `probabilities` or `logits`.
        resamples: of the bootstrap, for the intervals.
        seed: of it, and of the folds by which weights and stacks are chosen.
        device: `auto`, `cpu`, `cuda`.
        console: where messages go; standard error if not given.

    Returns:
        The folder, and what each member is worth; `print` shows it.

    Raises:
        UsageError: the members do not go together, or there is something in `out`.
        ModelError: one of them is not a whole model.

    Example:
        >>> joined = ensemble([trained, again], tmp / "both", console=Console(quiet=True))
        >>> len(joined.contributions), joined.figure
        (2, 'accuracy')
    """
    from audioft.assembly.joining import given, join, out_of_fold, plan, sides, starts
    from audioft.core.runtime import find_device
    from audioft.models.ensembles.combining import OVER

    console, target = console or Console(), Path(out)
    for name, value, possible in (("how", how, plan.HOWS), ("over", over, OVER)):
        if value not in possible:
            raise UsageError(f"{name} is {value!r}; expected one of {', '.join(possible)}")
    if over != "probabilities" and how not in ("average", "weighted"):
        raise UsageError(f"over={over} says what is averaged, and --how {how} averages no answers; leave it out")
    if resamples < 0:
        raise UsageError(f"resamples is {resamples}; expected 0, for no intervals, or more")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty; nothing there is touched: give another --out")
    place = find_device(device)
    members = given.opened(models)
    if how in plan.SOUPS:
        starts.refuse_unlike(members)
    labels, notes = given.labels(members, may_differ=how in ("average", "vote"))
    runs = [g.run for g in members]
    folded = [run for run in runs if run is not None and (run / out_of_fold.FILE).is_file()]
    held = None
    if how == "stack" or (how == "weighted" and len(folded) == len(runs)):
        places = [run or g.place for run, g in zip(runs, members, strict=True)]
        held = out_of_fold.of_runs(places, labels, members[0].card.multilabel)
    common = sides.common(members, labels, console, needed=how == "greedy-soup" or (how == "weighted" and not held))
    notes += [] if common is None else common.notes
    for note in notes:
        console.say(f"note: {note}")
    data = None if common is None else common.data
    asked = plan.Joining(members, labels, how, data, held, over, console, place, seed, resamples, notes)
    made = join.join(asked, target)
    console.say(f"\n{made.joined}\n")
    return made.joined
