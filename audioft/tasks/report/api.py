"""`audioft.report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.tasks.report.full_report import FullReport

__all__ = ["report"]


def report(
    model: PathLike | Run,
    data: PathLike,
    *,
    out: PathLike,
    by: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    limit: int = 80,
    noise: str | None = None,
    explained: int = 6,
    players: int = 100,
    model_card: bool = True,
    side: str | None = None,
    label: str | None = None,
    group: str | None = None,
    rename: Mapping[str, str] | None = None,
    device: str = "auto",
    batch_seconds: float | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 0,
    overwrite: bool = False,
    console: Console | None = None,
) -> FullReport:
    """What a model gets right, for whom, what it can stand and what its mistakes rest on, in one page.

    It is `evaluate`, `robustness` and `explain` of the surest mistakes, one after another, into one folder.

    Args:
        model: a run, a run folder or a model folder.
        data: folder or table with labels that the model knows.
        out: where all is written: `index.html` is the page, `evaluation`, `robustness` and `explanations` have the
            tables.
        by: columns of the slices, as for `evaluate`.
        kinds: disturbances, as for `robustness`; an empty list for none.
        limit: clips that are disturbed, at most.
        noise: a folder of noises, as for `robustness`.
        explained: how many mistakes are explained, at most, the surest first.
        players: mistakes that can be heard, at most; 0: no sound in the page. Whoever has it can hear them.
        model_card: write figures and sentences into README.md of the model folder, too.
        side, label, group, rename, overrides: which clips, and how they are read, as for `evaluate`.
        device, batch_seconds: see `Predictor`.
        resamples, seed: of the intervals.
        overwrite: replace the report in `out`, if there is one; one that was broken off goes on in any case.
        console: where messages go.

    Returns:
        What was found; `print` shows its sentences. What could not be done is said in `notes`.

    Raises:
        UsageError: the call itself is wrong, or `out` holds a report already.
        DataError: the data has labels the model does not know, or no recording can be read.

    Example:
        >>> how = {"kinds": ["white"], "explained": 1, "model_card": False, "console": Console(quiet=True)}
        >>> found = report(trained, "samples/keywords", out=tmp / "report", **how)
        >>> found.page.name, found.evaluation.main
        ('index.html', 'accuracy')
    """
    from audioft.core import places, runtime
    from audioft.errors import UsageError
    from audioft.tasks.report.full_report import PAGE, Asked, make, refuse_place

    runtime.refuse_several("report")
    if explained < 0 or limit < 1:
        raise UsageError(f"explained is {explained} and limit {limit}; expected at least 0 and 1")
    reading = {"side": side, "label": label, "group": group, "rename": rename, "overrides": overrides}
    how = {"device": device, "batch_seconds": batch_seconds}
    asked = Asked(Path(out), reading, how, by, kinds, limit, noise, explained, players, model_card, resamples, seed)
    refuse_place(asked.out)
    with places.results(asked.out, [PAGE], overwrite=overwrite):
        return make(model, Path(data), asked, console or Console())
