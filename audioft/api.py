"""What audioft does, as functions of plain arguments; the command is a few lines over these."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.errors import ConfigError, UsageError
from audioft.progress import Console

if TYPE_CHECKING:
    from audioft.config import Config
    from audioft.evaluation.report import Report
    from audioft.inference.prediction import Prediction
    from audioft.inference.predictor import Predictor
    from audioft.run import Run
    from audioft.runtime import Processes

PathLike = str | os.PathLike[str]


def settings(
    data: PathLike | None = None,
    encoder: str | None = None,
    config: PathLike | Config | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    start: PathLike | None = None,
    extend: bool = False,
    few_shot: bool = False,
) -> Config:
    """A checked config: a file or a `Config`, with what is given beside it on top.

    Args:
        data: `data.source`.
        encoder: `encoder.name`.
        config: a YAML file, or a config made before.
        overrides: dotted keys to values, or `section.key=value` strings.
        start: `start.model`.
        extend: `start.extend`.
        few_shot: of a run that fits prototypes and trains nothing.

    Raises:
        ConfigError: all problems at once, of keys, types, ranges, and of the parts' arguments.

    >>> settings("recordings", overrides={"train.epochs": 3}).train.epochs
    3
    """
    from audioft import build, few_shot_settings
    from audioft import config as configs

    if encoder is not None and start is not None:
        raise UsageError("a model to go on from brings its encoder; give either an encoder or a model (--from)")
    if extend and start is None:
        raise UsageError("--extend adds labels to a model: say to which (--from MODEL)")
    given = {
        "data.source": None if data is None else os.fspath(data),
        "encoder.name": encoder,
        "start.model": None if start is None else os.fspath(start),
        "start.extend": extend or None,
    }
    pairs = [*((k, v) for k, v in given.items() if v is not None), *configs.pairs(overrides)]
    if not few_shot:
        return configs.load(config, pairs, build.problems)
    found = configs.load(config, [*few_shot_settings.pairs(config), *pairs], build.problems)
    if not few_shot_settings.wanted(found):
        head = configs.spell(found.model.head)
        raise ConfigError(f"model.head: {head} is trained, and --few-shot trains nothing; leave out one of them")
    return found


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
    from audioft import holding, run

    console = console or Console()
    if resume:
        if out is None:
            raise UsageError("--resume needs the run folder: give it with --out")
        if config is None:  # the run's own settings; what is given besides must agree with them
            config = run.stored(Path(out))
    given = settings(data, encoder, config, overrides, start=start, extend=extend, few_shot=few_shot)
    resolved = _absolute_source(given)
    name = resolved.start.model or resolved.encoder.name
    folder = Path(out) if out is not None else run.default_folder(str(resolved.data.source), name)
    with holding.held(folder):
        run.refuse(folder, resolved, resume=resume, overwrite=overwrite)  # before torch is imported
        from audioft import finetuning

        return finetuning.start(resolved, folder, resume=resume, overwrite=overwrite, console=console)


def plan(config: Config, console: Console, examples: PathLike | None = None) -> None:
    """Say what `finetune` would do with a config, reading only headers.

    Args:
        config: from `settings`.
        console: what is found is said there.
        examples: a folder for a few augmented training clips, as audio and as a picture; none are made if not given.
    """
    from audioft import planning

    planning.plan(_absolute_source(config), console, None if examples is None else Path(examples))


def evaluate(
    model: PathLike | Run,
    data: PathLike,
    *,
    out: PathLike | None = None,
    side: str | None = None,
    label: str | None = None,
    group: str | None = None,
    events: bool = False,
    window: float | None = None,
    hop: float | None = None,
    device: str = "auto",
    precision: str = "fp32",
    batch_seconds: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
    console: Console | None = None,
) -> Report:
    """Measure a model on labelled recordings.

    Args:
        model: a run, a run folder or a model folder.
        data: folder or table with labels that the model knows.
        out: where to write `report.json`, `report.html`, `predictions.csv` and `bad_files.csv`; nowhere if not given.
        side: `train`, `valid` or `test` of a split that the data gives, or `all`; if not given, its test side where
            it has one, otherwise all of it.
        label, group: columns of the table, as in training.
        events: measure what happens when, against a table with `start` and `end`; with label files beside recordings,
            and with a model that labels frames, this is so in any case.
        window, hop: then, as for `Predictor.timeline`.
        device, precision, batch_seconds: see `Predictor`.
        resamples: bootstrap resamples for the intervals.
        seed: of the bootstrap.
        console: where messages go.

    Returns:
        The report; `print` shows it as a table. Recordings that cannot be read are left out, counted in its notes.

    Raises:
        DataError: the data has labels the model does not know, or no recording can be read.

    Example:
        >>> report = evaluate(trained, "samples/keywords", console=Console(quiet=True))
        >>> 0 <= report.figures["accuracy"] <= 1
        True
    """
    from audioft import evaluating
    from audioft.inference.predictor import Predictor
    from audioft.runtime import launched

    console = console or Console()
    processes = launched(device)
    if processes is not None:
        device, console = str(processes.device), console if processes.main else Console(quiet=True)
    predictor = Predictor(model, device=device, precision=precision, batch_seconds=batch_seconds)
    return evaluating.evaluate(
        predictor,
        Path(model),
        Path(data),
        out=None if out is None else Path(out),
        side=side,
        label=label,
        group=group,
        events=events,
        window=window,
        hop=hop,
        resamples=resamples,
        seed=seed,
        console=console,
        processes=processes,
    )


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
    from audioft import labelling
    from audioft.inference.predictor import Predictor

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


def _absolute_source(config: Config) -> Config:
    """The run's own config names its data by an absolute path, so that it works from any folder."""
    if config.data.source is None:
        raise UsageError("no data given: name a folder or a table, `audioft train DATA`, or set data.source")
    source = os.path.abspath(os.path.expanduser(config.data.source))
    return config.model_copy(update={"data": config.data.model_copy(update={"source": source})})
