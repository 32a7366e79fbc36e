"""`audioft.search`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.configuration.config import Config
    from audioft.tasks.search.result import Search

__all__ = ["search"]


def search(
    data: PathLike | None = None,
    *,
    out: PathLike,
    space: PathLike | Mapping[str, Any] | None = None,
    encoder: str | None = None,
    start: PathLike | None = None,
    from_probe: PathLike | None = None,
    config: PathLike | Config | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    trials: int = 30,
    minutes: float | None = None,
    metric: str | None = None,
    objectives: Sequence[str] | None = None,
    folds: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    seeds: int = 3,
    take: str = "certain",
    refit: str = "train",
    jobs: int = 1,
    storage: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> Search:
    """Search for settings by measurement, and train a model with those that are taken.

    Trials learn from and are validated by the training and the validation side; the test side is heard once, by the
    model at the end. What a trial tries depends on its number and on trials long done, not on how many processes work.

    Args:
        data: labelled folder or table, as for `audioft.finetune`.
        out: the folder of the study.
        space: YAML with settings and the values they may take, or the same as a mapping; by default the one that ships.
        encoder, start, config, overrides: what the search begins with, as for `audioft.finetune`; its first trial.
        from_probe: a folder that `audioft.compare_encoders` has written: its encoder is that of the search, and the
            layer and pooling of its probe are an early trial. It must not have learnt from what is to be tested.
        trials: how many at most, those of a study that goes on included.
        minutes: within which the model is to be there.
        metric: what the validation sides are scored by; by default `refined_loss`, of labels with times `map`.
        objectives: of `score`, `time` and `size`; by default the score alone.
        folds: 1 for the validation side that there is; by default that from 1,000 clips on, else 5.
        sampler: `tpe` (the default), `gp` or `random`.
        pruner: `wilcoxon` over folds; `median` or `hyperband` over the epochs of one validation side; `none`; by
            default `wilcoxon` or `median`.
        seeds: under how many seeds the best trial and the first are compared.
        take: `certain` takes other settings than the search began with only where they are better beyond chance;
            `best` those of the best trial in any case.
        refit: `both` trains the model on the validation side too.
        jobs: processes on this machine that do trials beside each other.
        storage: address of a database, as SQLAlchemy spells it, through which several machines work on one study; the
            name of `out` is that of the study.
        resume: go on with the study in `out`, or join others at work on it.
        overwrite: replace the study in `out`.
        console: where messages go; standard error if not given.

    Returns:
        What was found; `print` shows it. Its `run` is the final model's.

    Raises:
        AudioftError: a child of it for whatever is wrong, see `audioft.errors`; every trial failed.

    Example:
        >>> found = search("samples/keywords", out=tmp / "study", space={"model.head": {"choice": ["own", "mlp"]}},
        ...                trials=2, folds=2, seeds=1, overrides={"freeze": "all", "train.epochs": 1},
        ...                console=Console(quiet=True))
        >>> len(found.trials), found.run.report.side
        (2, 'test')
    """
    from audioft.assembly import kept_probe, resolve
    from audioft.configuration import config as configs
    from audioft.core import places
    from audioft.tasks.search import probed, study_folder
    from audioft.tasks.search import storage as storages

    storages.require()
    console = console or Console()
    folder = Path(out)
    if min(trials, seeds, jobs) < 1 or (folds is not None and folds < 1) or (minutes is not None and minutes <= 0):
        raise UsageError("trials, seeds, jobs, folds and minutes are numbers above 0")
    study_folder.refuse(folder, resume=resume, overwrite=overwrite)
    base: Any = config
    if resume:
        if space is not None or config is not None or from_probe is not None:
            given_too = "--space, --config and --from-probe"
            raise UsageError(f"{folder} has its own space and settings; leave out {given_too} beside --resume")
        base = configs.load(folder / study_folder.CONFIG)
    given = resolve.settings(data, encoder, base, overrides, start=start)
    settled = resolve.absolute_source(given, "`audioft search DATA --out STUDY`")
    if resume and settled != base:
        changed = [k for k, v in configs.differing(settled).items() if configs.differing(base).get(k) != v]
        raise UsageError(f"{folder} holds a study with other settings ({', '.join(changed)}); give another --out")
    kept = None if from_probe is None else kept_probe.read(from_probe)
    if kept is not None:
        settled = probed.with_encoder(settled, kept)
    storages.refuse_network(folder if folder.exists() else places.existing(folder), "a study")
    from audioft.tasks.search import searching

    asked = searching.Asked(
        space=space,
        trials=trials,
        minutes=minutes,
        metric=metric,
        objectives=None if objectives is None else tuple(objectives),
        folds=folds,
        sampler=sampler,
        pruner=pruner,
        seeds=seeds,
        take=take,
        refit=refit,
        jobs=jobs,
        storage=storage,
        probe=kept,
    )
    if overwrite and storage is not None:
        storages.forget(folder, storage)
    with study_folder.made(folder, resume=resume, overwrite=overwrite):
        return searching.search(settled, folder, asked, console, resume=resume)
