"""`audioft.compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.tasks.compare.comparison import Comparison

__all__ = ["compare"]

FILES = ("comparison.csv", "comparison.json", "comparison.html")


def compare(
    models: Sequence[PathLike | Run],
    data: PathLike,
    *,
    out: PathLike | None = None,
    metric: str | None = None,
    rounds: int = 5,
    side: str | None = None,
    label: str | None = None,
    group: str | None = None,
    rename: Mapping[str, str] | None = None,
    device: str = "auto",
    precision: str = "fp32",
    batch_seconds: float | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 0,
    overwrite: bool = False,
    console: Console | None = None,
) -> Comparison:
    """Measure models on the same clips: how good, whether they differ by more than chance, and what each costs.

    Args:
        models: at least two that label clips: runs, run folders, model folders, classifiers of transformers as folders
            or hub ids. A folder that holds runs, each trained on other clips, is one model: each clip is labelled by
            the run that was tested on it.
        data: folder or table with labels that all of them know.
        out: where to write `comparison.json`, `.csv` and `.html`, and the scores, which the same call takes from
            there. Nowhere if not given.
        metric: the score, see `audioft.evaluation.metrics`; accuracy if not given, for several labels a clip the mean
            average precision.
        rounds: how often each model's time is taken, in turn with the others; 0 measures neither time nor memory.
        side, label, group, rename, overrides: which clips, and how they are read, as for `audioft.evaluate`. Where
            the data gives no split, a side is of those clips that were on it for every model.
        device, precision, batch_seconds: see `Predictor`.
        resamples: bootstrap resamples for the intervals, at least 1.
        seed: of the bootstrap.
        overwrite: replace the results in `out`, if there are any.
        console: where messages go.

    Returns:
        What was found; `print` shows it as tables and a sentence, `best` is the model to take.

    Raises:
        UsageError: the call itself is wrong, or a model labels frames.
        DataError: the data has labels that a model does not know, or no recording can be read.

    Example:
        >>> import shutil
        >>> twin = shutil.copytree(trained.folder, tmp / "twin")
        >>> found = compare([trained, twin], "samples/keywords", rounds=0, console=Console(quiet=True))
        >>> found.gaps[0].alone, found.gaps[0].p
        ((0, 0), 1.0)
    """
    import os

    from audioft.assembly import labelled_clips, reading
    from audioft.core import places, runtime
    from audioft.errors import UsageError
    from audioft.tasks.compare import candidates, comparison_run, page

    runtime.refuse_several("compare")
    if resamples < 1 or rounds < 0:
        raise UsageError(f"resamples is {resamples} and rounds {rounds}; expected at least 1 and 0")
    labelled_clips.refuse_side(side)
    why = "compare measures models as they are"
    named: dict[str, Any] = {"label": label, "group": group, "rename": rename}
    reading.of(overrides, why, **named)
    place, console = None if out is None else Path(out), console or Console()
    if place is not None and any((place / name).is_file() for name in ("config.yaml", "audioft.json")):
        raise UsageError(f"{place} holds a run or a model; give another --out")
    with places.results(place, FILES, overwrite=overwrite):
        names = [os.fspath(m) for m in models]
        found = candidates.opened(names, device=device, precision=precision, batch_seconds=batch_seconds)
        how = reading.as_learnt(candidates.reading_of(found, console), overrides, why, console, **named)
        run = comparison_run.ComparisonRun(found, place, metric, rounds, resamples, seed, console)
        compared = run.on(Path(data), how, side)
        if place is not None:
            compared.save(place)
            page.write(place / "comparison.html", compared)
        return compared
