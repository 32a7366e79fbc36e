"""`audioft.explain`, and what many explanations have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.inference.given import Inputs
    from audioft.inference.predictor import Predictor
    from audioft.tasks.explain.explanation import Explanation
    from audioft.tasks.explain.summary import Carried

__all__ = ["explain", "summarise_explanations"]


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
    from audioft.tasks.explain import explaining, pages
    from audioft.tasks.explain.neighbours import Neighbours, known

    console = console or Console()
    runtime.refuse_several("explain")
    explaining.refuse(method)
    how = {"device": device, "batch_seconds": batch_seconds}
    predictor = model if isinstance(model, Predictor) else Predictor(model, **how)  # type: ignore[arg-type]
    position = None if label is None else explaining.position(predictor.labels, label)
    rival = None if against is None else explaining.rival(predictor, position, against)
    asked = explaining.Asked(position, rival, method, windows, neighbours)
    clips, failures = heard(recordings, rate)
    with pages.opened(out, resume=resume, overwrite=overwrite) as written:
        clips = [clip for clip in clips if clip.name not in written.done]
        near = known(predictor, console, cache) if neighbours and clips else Neighbours()
        if clips:
            console.say(explaining.told_beforehand(predictor, clips, asked))
        found = []
        for one in explaining.explained(predictor, clips, asked, near, console):
            written.add(one)
            found.append(one)
    return [*found, *(explaining.unheard(failure, method) for failure in failures)]


def summarise_explanations(explanations: Iterable[Explanation]) -> dict[str, Carried]:
    """Say of each label that was explained which bands and durations carry it, and whether that is silence.

    Args:
        explanations: of `explain`, of many recordings; those without evidence are left out.

    Returns:
        By label, see `Carried`.

    Example:
        >>> found = explain(trained, "samples/recordings/ada_letter.ogg", neighbours=0, console=Console(quiet=True))
        >>> [one.recordings for one in summarise_explanations(found).values()]
        [1]
    """
    from audioft.tasks.explain.summary import summarised

    return summarised(explanations)
