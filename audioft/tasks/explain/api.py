"""`audioft.explain`, and what many explanations have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.inference.given import Inputs
    from audioft.inference.predictor import Predictor
    from audioft.tasks.explain.explanation import Explanation
    from audioft.tasks.explain.summary import Carried

__all__ = ["explain", "explain_side", "summarise_explanations"]

LIMIT = 100  # labelled clips that are explained


def explain(
    model: PathLike | Run | Predictor,
    recordings: Inputs,
    *,
    label: str | None = None,
    against: str | None = None,
    out: PathLike | None = None,
    method: str = "occlusion",
    windows: int = 1,
    neighbours: int = 5,
    rate: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    cache: bool = True,
    device: str = "auto",
    batch_seconds: float | None = None,
    console: Console | None = None,
) -> list[Explanation]:
    """Say on which moments and bands answers rest.

    Args:
        model: a run, a run folder, a model folder, or a `Predictor` made before.
        recordings: files, folders and patterns, or arrays with their `rate`, as for `predict`.
        label: the label that is explained; by default the answer that the model gives each recording.
        against: why `label` and not this one; by default it is weighed against all others.
        out: a folder for a page a recording, each written as soon as it is done, and `explanations.csv`.
        method: `occlusion`; `gradients`, integrated gradients on the spectrum, which need captum.
        windows: of a recording longer than the model's window, so many are explained: those in which the label scores
            highest.
        neighbours: how many training clips are named that sound like it; 0 for none.
        rate: of arrays, samples a second.
        resume: keep the pages that `out` has, and add the missing ones; what was kept is not in the list.
        overwrite: replace the pages that `out` has.
        cache: keep embeddings of the training clips, and use those that were kept.
        device, batch_seconds: see `Predictor`.
        console: where messages go; standard error if not given.

    Returns:
        One a recording, or `windows` of a longer one, in their order; one that cannot be heard has its `error` set.
        They hold no sound.

    Raises:
        UsageError: the model has no such label, or gives several labels a clip, of which none is against another; the
            method needs what is not installed, or `out` is there already.
        ModelError: the folder is not a whole model.

    Example:
        >>> (found,) = explain(trained, "samples/recordings/ada_letter.ogg", neighbours=0, console=Console(quiet=True))
        >>> found.label in ("go", "left", "right", "stop"), found.evidence.shape[1]
        (True, 8)
    """
    from audioft.core import runtime
    from audioft.inference.given import heard
    from audioft.inference.predictor import Predictor
    from audioft.tasks.explain import explaining, one_by_one

    console = console or Console()
    runtime.refuse_several("explain")
    explaining.refuse(method)
    how = {"device": device, "batch_seconds": batch_seconds}
    predictor = model if isinstance(model, Predictor) else Predictor(model, **how)  # type: ignore[arg-type]
    position = None if label is None else explaining.position(predictor.labels, label)
    rival = None if against is None else explaining.rival(predictor, position, against)
    asked = explaining.Asked(position, rival, method, windows, neighbours)
    clips, failures = heard(recordings, rate)
    written = one_by_one.Written(out, resume, overwrite, cache)
    found = list(one_by_one.explained(predictor, clips, asked, written, console))
    return [*found, *(explaining.unheard(failure, method) for failure in failures)]


def explain_side(
    model: PathLike | Run | Predictor,
    data: PathLike | None = None,
    *,
    side: str | None = None,
    label: str | None = None,
    against: str | None = None,
    true_label: bool = False,
    limit: int = LIMIT,
    each: Callable[[Explanation], None] | None = None,
    rename: Mapping[str, str] | None = None,
    out: PathLike | None = None,
    method: str = "occlusion",
    windows: int = 1,
    neighbours: int = 5,
    resume: bool = False,
    overwrite: bool = False,
    cache: bool = True,
    device: str = "auto",
    batch_seconds: float | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    console: Console | None = None,
) -> dict[str, Carried]:
    """Say of labelled clips, a label, which bands and durations carry it, and whether that is silence.

    Explanations are not kept in memory, however many clips there are.

    Args:
        model: a run, a run folder, a model folder, or a `Predictor` made before.
        data: folder or table with labels that the model knows, or a run with the clips and sides that it keeps; if not
            given, those of the run that the model lies in.
        side: `train`, `valid`, `test` or `all`; if not given, the test side where there is one, otherwise all.
        label, against: the label that is explained, by default the answer that the model gives each clip; and why it is
            `label` and not this one, as for `explain`.
        true_label: explain the labels that the clips have in the data, not the model's answers.
        limit: clips at most, evenly over the labels; 0 for all.
        each: told of each explanation as soon as it is made; its `right` says whether the model is right.
        rename, overrides: how the data is read, as for `audioft.evaluate`.
        out: a folder for a page a clip, and `explanations.csv`.
        method, windows, neighbours, resume, overwrite, cache: as for `explain`; with `resume`, what `out` has counts.
        device, batch_seconds: see `Predictor`.
        console: where messages go.

    Returns:
        By label that was explained, see `Carried`; `wrong` is of those clips in which the model is wrong.

    Raises:
        UsageError: the call itself is wrong, or the model lies in no run and no data is given.
        DataError: the data has labels the model does not know, or no recording can be read.

    Example:
        >>> how = {"limit": 4, "console": Console(quiet=True)}
        >>> found = explain_side(trained, "samples/keywords", true_label=True, **how)
        >>> sorted(found) == ["go", "left", "right", "stop"]
        True
    """
    from audioft.assembly import reading
    from audioft.core import runtime
    from audioft.errors import UsageError
    from audioft.inference.predictor import Predictor
    from audioft.tasks.explain import explaining, labelled, one_by_one, summary

    if limit < 0 or (true_label and label is not None):
        raise UsageError(f"limit is {limit} and label {label!r}; expected at least 0, and no label with true_label")
    console = console or Console()
    runtime.refuse_several("explain")
    explaining.refuse(method)
    reading.of(overrides, labelled.WHY, rename=rename)
    how = {"device": device, "batch_seconds": batch_seconds}
    predictor = model if isinstance(model, Predictor) else Predictor(model, **how)  # type: ignore[arg-type]
    position = None if label is None else explaining.position(predictor.labels, label)
    nearest = neighbours if out is not None else 0  # they stand on the pages alone
    rival = None if against is None else explaining.rival(predictor, position, against)
    asked = explaining.Asked(position, rival, method, windows, nearest, labelled=True, true=true_label)
    clips = labelled.clips(predictor, data, side, limit, rename, overrides, console)
    found = summary.Summary()
    for one in one_by_one.explained(
        predictor, clips, asked, one_by_one.Written(out, resume, overwrite, cache), console
    ):
        found.add(summary.cells(one))
        if each is not None:
            each(one)
    return found.carried() if out is None else summarise_explanations(out)


def summarise_explanations(explanations: Iterable[Explanation] | PathLike) -> dict[str, Carried]:
    """Say of each label that was explained which bands and durations carry it, and whether that is silence.

    Args:
        explanations: of `explain`, of many recordings, or a folder of their pages (`out`); those without evidence are
            left out.

    Returns:
        By label, see `Carried`.

    Raises:
        UsageError: the folder is none of such pages.

    Example:
        >>> found = explain(trained, "samples/recordings/ada_letter.ogg", neighbours=0, console=Console(quiet=True))
        >>> [one.recordings for one in summarise_explanations(found).values()]
        [1]
    """
    import os
    from pathlib import Path

    from audioft.tasks.explain import pages, summary

    if isinstance(explanations, str | os.PathLike):
        return summary.of_rows(pages.rows(Path(explanations)))
    return summary.of_rows(map(summary.cells, explanations))
