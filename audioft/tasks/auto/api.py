"""`audioft.auto`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.tasks.auto.result import Auto

__all__ = ["auto"]


def auto(
    data: PathLike | None = None,
    *,
    out: PathLike | None = None,
    minutes: float | None = None,
    encoders: Sequence[PathLike] | None = None,
    place: str | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> Auto:
    """The best model of a folder of recordings that is found in a given time, with each choice told.

    It checks the data and sets clips apart to be tested; fits prototypes, so that there is a model at once; probes
    encoders and layers; draws a learning curve; searches for settings; joins several models where that is better beyond
    chance; and measures the model on the clips set apart, which no choice has heard. Each step is a public function of
    audioft, and its call is told.

    Args:
        data: labelled folder or table, as for `audioft.finetune`.
        out: where all goes: `model` is the best model so far, from the first step on; `runs/DATA-auto`, numbered, if
            not given.
        minutes: within which all is to be done, 30 if not given; with `resume` those of before are counted too.
        encoders: that are probed, each `mini`, a local folder or a hub id; `mini` and those that are downloaded already
            if not given.
        place: where the model is meant for, which limits its size and time: `phone`, `laptop` (the default) or
            `server`.
        overrides: how the data is read and split, as dotted keys to values or `section.key=value` strings of `data`,
            `events` and `seed`.
        resume: go on with what is in `out`; with more minutes than before, search further.
        overwrite: replace what is in `out`.
        console: where messages go; standard error if not given.

    Returns:
        The model with all choices; `print` shows them.

    Raises:
        AudioftError: a child of it for whatever is wrong, see `audioft.errors`.

    Example:
        >>> found = auto("samples/keywords", out=tmp / "auto", minutes=0.2, console=Console(quiet=True))
        >>> found.model.name, list(found.steps)[:3]
        ('model', ['data', 'first', 'encoder'])
    """
    from audioft.core import folder_lock
    from audioft.tasks.auto import beginning

    console = console or Console()
    if minutes is not None and not 0 < minutes < math.inf:
        raise UsageError(f"minutes is {minutes}; expected a number above 0")
    asked = beginning.Asked(data, minutes, encoders, place, overrides)
    folder = beginning.folder_of(asked, out, resume=resume)
    with folder_lock.held(folder, "model"):
        beginning.refuse(folder, resume=resume, overwrite=overwrite)
        work = beginning.work(asked, folder, console, resume=resume, overwrite=overwrite)
        from audioft.tasks.auto import auto_run

        return auto_run.run(work)
