"""`audioft.finetune`, and what it would do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.configuration.config import Config

__all__ = ["finetune"]

USAGE = "`audioft train DATA`, or set data.source"


def finetune(
    data: PathLike | None = None,
    *,
    encoder: str | None = None,
    start: PathLike | None = None,
    extend: bool = False,
    out: PathLike | None = None,
    config: PathLike | Config | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    few_shot: bool = False,
    from_probe: PathLike | None = None,
    budget: str | float | None = None,
    folds: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> Run:
    """Fine-tune an encoder to the labels of a folder or table of recordings.

    The result depends on the config alone; `config.yaml` in the run folder gives the same run again.

    Args:
        data: folder, `.csv`, `.tsv` or `.jsonl`; may stand in the config instead.
        encoder: `mini`, a local folder in transformers' format, or a hub id.
        start: a run, a model folder or a classifier's hub id to go on from, instead of `encoder`: where the data has
            the same labels its head is kept.
        extend: keep all labels of `start`, and add those of the data.
        out: the run folder; `runs/DATA-ENCODER`, numbered, if not given.
        config: a YAML file or a `Config`.
        overrides: dotted keys to values, on top of the config, as `{"train.epochs": 5}`.
        few_shot: fit prototypes in one pass over the clips and train nothing: the head `prototype`, `freeze: all`.
        from_probe: a folder that `audioft.compare_encoders` has written: its probe becomes the model, with the data
            and the encoder that it was measured with; nothing is heard or trained.
        budget: how long the run may take, as `"5m"`, `"1h30m"` or seconds: it trains as many layers and epochs as fit,
            by a measurement before the first step.
        folds: a model a fold of the clips that are not tested, joined into an ensemble: `run.model`; each is a run in
            `folds/1` and so on, and `out_of_fold.csv` has what was said of each clip by the one that did not learn it.
        resume: go on with the run in `out`.
        overwrite: replace the run in `out`.
        console: where messages go; standard error if not given.

    Returns:
        The run: its folder, model, report and history.

    Raises:
        AudioftError: a child of it for whatever is wrong, see `audioft.errors`.

    Example:
        >>> run = finetune("samples/keywords", out=tmp / "run", overrides={"train.epochs": 1, "data.workers": 0},
        ...                console=Console(quiet=True))
        >>> run.report.side
        'test'
    """
    from audioft.assembly import new_folders, read_on, resolve, run_beginning, run_folder
    from audioft.core import folder_lock

    began = time.monotonic()
    console = console or Console()
    if resume:
        if out is None:
            raise UsageError("--resume needs the run folder: give it with --out")
        if config is None and from_probe is None:  # the run's own settings; what is given besides must agree with them
            config = run_folder.stored(Path(out))
    given = resolve.settings(
        data,
        encoder,
        config,
        overrides,
        start=start,
        extend=extend,
        few_shot=few_shot,
        from_probe=from_probe,
        budget=budget,
        folds=folds,
    )
    resolved = resolve.absolute_source(given, USAGE)
    name = resolved.start.model or resolved.encoder.name
    folder = Path(out) if out is not None else new_folders.default_folder(str(resolved.data.source), name)
    with folder_lock.held(folder):
        run_beginning.going_on(folder)
        if resume:
            resolved = read_on.as_stored(resolved, run_folder.stored(folder))
        run_folder.refuse(folder, resolved, resume=resume, overwrite=overwrite)  # before torch is imported
        from audioft.tasks.train import folds_run, training_run

        if resolved.train.folds is not None:
            return folds_run.start(resolved, folder, resume=resume, overwrite=overwrite, console=console)
        return training_run.start(resolved, folder, resume=resume, overwrite=overwrite, console=console, began=began)


def plan(config: Config, console: Console, examples: PathLike | None = None) -> Config:
    """Say what `finetune` would do with a config, reading only headers.

    Args:
        config: from `settings`.
        console: what is found is said there.
        examples: a folder for a few augmented training clips, as audio and as a picture; none are made if not given.

    Returns:
        The config with all that the run would take over from its model.
    """
    from audioft.assembly import resolve
    from audioft.tasks.train import dry_run

    if config.start.probe is not None:
        raise UsageError("start.probe makes a model in seconds and trains nothing: there is nothing to plan")
    absolute = resolve.absolute_source(config, USAGE)
    if config.train.folds is not None:
        from audioft.tasks.train import folds_run

        folds_run.refuse(config)
        console.say(f"{config.train.folds} models, one a fold, each as the first one below; joined into an ensemble")
        absolute = folds_run.of_fold(absolute, 1)
    planned = dry_run.plan(absolute, console, None if examples is None else Path(examples))
    as_given = {"source": config.data.source, "audio_root": config.data.audio_root}
    return planned.model_copy(update={"data": planned.data.model_copy(update=as_given)})
