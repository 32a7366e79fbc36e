"""`audioft.evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.evaluation.report import Report

__all__ = ["evaluate"]


def evaluate(
    model: PathLike | Run,
    data: PathLike,
    *,
    out: PathLike | None = None,
    side: str | None = None,
    label: str | None = None,
    group: str | None = None,
    rename: Mapping[str, str] | None = None,
    events: bool = False,
    window: float | None = None,
    hop: float | None = None,
    device: str = "auto",
    precision: str = "fp32",
    batch_seconds: float | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 0,
    players: int = 100,
    by: str | Sequence[str] | None = None,
    discover: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> Report:
    """Measure a model on labelled recordings.

    Args:
        model: a run, a run folder or a model folder.
        data: folder or table with labels that the model knows.
        out: where to write `report.json`, `report.html`, `predictions.csv` and `bad_files.csv`; nowhere if not given.
        side: `train`, `valid` or `test` of a split that the data gives, or `all`; if not given, its test side where
            it has one, otherwise all of it. Where it gives none, a side is that of the recordings in the model's run.
        label, group: columns of the table, as in training.
        rename: what labels of the data are called in the model, as the setting `data.rename`.
        events: measure what happens when, against a table with `start` and `end`; with label files beside recordings,
            and with a model that labels frames, this is so in any case.
        window, hop: then, as for `Predictor.timeline`.
        device, precision, batch_seconds: see `Predictor`.
        overrides: how the data is read, as in training: dotted keys to values, or `section.key=value` strings, of
            `data` and `events.point_width`. What labels mean, as with `data.folders`, is as the model learnt it, if
            nothing is said.
        resamples: bootstrap resamples for the intervals.
        seed: of the bootstrap.
        players: how many mistakes can be heard in `report.html`, at most: up to 10 s each, 20 MB of the page in all,
            the surest first. Whoever has the page can hear them; 0 puts no sound into it.
        by: columns of the table whose slices are compared, and crossings: `sex,site*device`, or a list of such names;
            `none` for no slices. If not given, all columns by which clips can be told apart, and their crossings.
        discover: look for slices that nobody named, too: by embeddings, and by level, noise, bandwidth, pitch and
            length. The model hears the clips a second time for that.
        overwrite: replace the results in `out`, if there are any.
        console: where messages go.

    Returns:
        The report; `print` shows it as a table. Recordings that cannot be read are left out, counted in its notes.

    Raises:
        UsageError: the call itself is wrong, or `out` holds results already.
        DataError: the data has labels the model does not know, or no recording can be read.

    Example:
        >>> report = evaluate(trained, "samples/keywords", console=Console(quiet=True))
        >>> 0 <= report.figures["accuracy"] <= 1
        True
    """
    from audioft.assembly import reading
    from audioft.core import places
    from audioft.core.runtime import launched
    from audioft.errors import UsageError
    from audioft.evaluation.slices import columns
    from audioft.inference.predictor import Predictor
    from audioft.tasks.evaluate import evaluation_run

    if players < 0:
        raise UsageError(f"players is {players}; expected 0, for a page without sound, or more")
    console = console or Console()
    processes = launched(device)
    if processes is not None:
        device, console = str(processes.device), console if processes.main else Console(quiet=True)
    why = "evaluate measures a model as it is"
    reading.of(
        overrides, why, label=label, group=group, rename=rename
    )  # what is wrong is told before the model is loaded
    place = None if out is None else Path(out)
    if place is not None and (place / "config.yaml").is_file():
        raise UsageError(f"{place} holds a run, whose own report would be replaced; give another --out")
    with places.results(place, evaluation_run.FILES, overwrite=overwrite):
        predictor = Predictor(model, device=device, precision=precision, batch_seconds=batch_seconds)
        given = (resamples, seed, console, processes, players, columns.asked(by), discover)
        measured = evaluation_run.Evaluation(predictor, Path(model), place, side, *given)
        named = {"label": label, "group": group, "rename": rename}
        how = reading.as_learnt(predictor.card.reading, overrides, why, console, **named)
        return measured.on(Path(data), how, events, window, hop)
