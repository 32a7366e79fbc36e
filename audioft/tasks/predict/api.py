"""`audioft.predict`, and a model that stays loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.core.runtime import Processes
    from audioft.inference.activity import Activity
    from audioft.inference.given import Inputs
    from audioft.inference.prediction import Prediction
    from audioft.inference.predictor import Predictor

__all__ = ["activity", "load_model", "predict"]


def predict(
    model: PathLike | Run | Predictor,
    inputs: Inputs,
    *,
    rate: int | None = None,
    skip: Collection[str] = (),
    device: str = "auto",
    precision: str = "fp32",
    batch_seconds: float | None = None,
    window: float | None = None,
    hop: float | None = None,
    threshold: float | None = None,
    processes: Processes | None = None,
    console: Console | None = None,
) -> Iterator[Prediction]:
    """Label recordings, each as a whole; `Predictor.timeline` says what happens when.

    Args:
        model: a run, a run folder, a model folder, or a `Predictor` made before.
        inputs: files, folders (searched in depth) and globs, each file once; or arrays with their `rate`, alone or in a
            list, see `Predictor.predict`.
        rate: of arrays, samples a second.
        skip: names of recordings, as predictions have them, to leave out.
        device, precision, batch_seconds: see `Predictor`.
        window: seconds; longer recordings are labelled in windows of this length, by default as long as the clips
            that the model was trained on.
        hop: seconds between two windows; `window` if not given.
        threshold: score that a label must reach to be among `labels`, see `Predictor.predict`.
        processes: share the recordings out over these; all that is found comes to the first of them.
        console: where progress goes; nowhere if not given.

    Yields:
        One prediction an input, in their order; inputs that lead to no file come last. A recording that cannot be
        read, and an input that leads to none, has its `error` set and no label. One that breaks off has the label of
        what came before, and its `error` set.

    Raises:
        TypeError: there is something among the inputs that is neither a name nor an array.
        UsageError: there is no such model; an array has no rate.
        DataError: no inputs were given.

    Example:
        >>> for p in predict(trained, "samples/keywords"):
        ...     assert p.error is None and 0 <= p.score <= 1
    """
    from audioft.inference import given
    from audioft.inference.predictor import Predictor
    from audioft.tasks.predict import labelling

    wanted = list(inputs) if isinstance(inputs, Iterator) else inputs
    names = given.names_of(wanted)
    if names is None:
        given.heard(wanted, rate)  # what is wrong with them is said before a model is loaded
    elif rate is not None:
        raise UsageError(given.NO_ARRAY.format(rate))

    if not isinstance(model, Predictor):
        model = Predictor(model, device=device, precision=precision, batch_seconds=batch_seconds)
    if names is None:
        return model.predict(wanted, rate=rate, window=window, hop=hop, threshold=threshold)
    told, how = console or Console(quiet=True), labelling.How(window=window, hop=hop, threshold=threshold)
    return labelling.label(model, names, skip=skip, console=told, processes=processes, **how)


def load_model(path: PathLike | Run, *, device: str = "auto", precision: str = "fp32") -> Predictor:
    """A saved model, ready to label many times without loading it again.

    Args:
        path: a run, a run folder or a model folder.
        device: `auto`, `cpu`, `cuda`.
        precision: see `Predictor`.

    Example:
        >>> load_model(trained).labels
        ('go', 'left', 'right', 'stop')
    """
    from audioft.inference.predictor import Predictor

    return Predictor(path, device=device, precision=precision)


def activity(
    model: PathLike | Run | Predictor,
    inputs: str | PathLike | Iterable[PathLike],
    *,
    recorded: PathLike | None = None,
    time_column: str | None = None,
    site: str | None = None,
    threshold: float | None = None,
    release: float | None = None,
    min_seconds: float | None = None,
    close_gaps: float | None = None,
    window: float | None = None,
    hop: float | None = None,
    device: str = "auto",
    precision: str = "fp32",
    batch_seconds: float | None = None,
    console: Console | None = None,
) -> Activity:
    """How long each label is heard by hour of the day, day and site, and how long was recorded there and then.

    Args:
        model: a run, a run folder, a model folder, or a `Predictor` made before.
        inputs: files, folders (searched in depth) and globs, each file once.
        recorded: a table that says when and where recordings were made; else their names, then their headers do.
        time_column: of that table; one of well-known names if not given.
        site: `name` for what stands before the time in a file's name, `folder` for the folder it lies in, or a column
            of the table; the first of column, name and folder that says one if not given.
        threshold, release, min_seconds, close_gaps: what is a segment, see `Timeline.segments`.
        window, hop: seconds, see `Predictor.timeline`.
        device, precision, batch_seconds: see `Predictor`.
        console: where progress and notes go; nowhere if not given.

    Returns:
        `rows("hour")` of it sums up, `draw("pictures")` draws it, `failures` lists what could not be heard.

    Raises:
        UsageError, DataError: no inputs were given, or a table or column that is not there or says no times.

    Example:
        >>> found = activity(trained, "samples/long")
        >>> sorted({(row["site"], row["recordings"]) for row in found.rows("site")})
        [('long', 2)]
    """
    from audioft.data.recorded.calendar import Calendar
    from audioft.inference import given
    from audioft.inference.predictor import Predictor
    from audioft.tasks.predict import by_time

    names = given.names_of(inputs)
    if names is None:
        raise UsageError("activity is of recordings in files: name files, folders or patterns")
    calendar = Calendar(recorded, time_column, site)
    if not isinstance(model, Predictor):
        model = Predictor(model, device=device, precision=precision, batch_seconds=batch_seconds)
    rules = model.rules(threshold, release=release, min_seconds=min_seconds, close_gaps=close_gaps)
    told = console or Console(quiet=True)
    return by_time.summed(model, names, rules, calendar, window=window, hop=hop, console=told)
