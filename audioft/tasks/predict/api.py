"""`audioft.predict`, and a model that stays loaded."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.core.runtime import Processes
    from audioft.inference.prediction import Prediction
    from audioft.inference.predictor import Predictor

__all__ = ["load_model", "predict"]


def predict(
    model: PathLike | Run | Predictor,
    inputs: PathLike | Iterable[PathLike],
    *,
    skip: Collection[str] = (),
    device: str = "auto",
    precision: str = "fp32",
    batch_seconds: float | None = None,
    window: float | None = None,
    hop: float | None = None,
    processes: Processes | None = None,
    console: Console | None = None,
) -> Iterator[Prediction]:
    """Label recordings, each as a whole; `Predictor.timeline` says what happens when.

    Args:
        model: a run, a run folder, a model folder, or a `Predictor` made before.
        inputs: files, folders (searched in depth) and globs.
        skip: names of recordings, as predictions have them, to leave out.
        device, precision, batch_seconds: see `Predictor`.
        window: seconds; longer recordings are labelled in windows of this length, by default as long as the clips
            that the model was trained on.
        hop: seconds between two windows; `window` if not given.
        processes: share the recordings out over these; all that is found comes to the first of them.
        console: where progress goes; nowhere if not given.

    Yields:
        One prediction an input, in their order; inputs that lead to no file come last. A recording that cannot be
        read, and an input that leads to none, has its `error` set and no label. One that breaks off has the label of
        what came before, and its `error` set.

    Example:
        >>> for p in predict(trained, "samples/keywords"):
        ...     assert p.error is None and 0 <= p.score <= 1
    """
    from audioft.inference.predictor import Predictor
    from audioft.tasks.predict import labelling

    console = console or Console(quiet=True)
    if not isinstance(model, Predictor):
        model = Predictor(model, device=device, precision=precision, batch_seconds=batch_seconds)
    wanted = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    names = [os.fspath(i) for i in wanted]
    yield from labelling.label(model, names, skip=skip, window=window, hop=hop, console=console, processes=processes)


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
