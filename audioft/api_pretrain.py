"""Pretraining, and what goes with it, as functions of plain arguments, beside `audioft.api`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft import build_pretraining, holding, probing, run
from audioft import config as configs
from audioft.config import PretrainConfig
from audioft.errors import UsageError
from audioft.progress import Console

if TYPE_CHECKING:
    from audioft.evaluation.probe import Probe

PathLike = str | os.PathLike[str]


def settings(
    data: PathLike | Iterable[PathLike] = (),
    start: str | None = None,
    config: PathLike | PretrainConfig | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    probe: Iterable[PathLike] = (),
) -> PretrainConfig:
    """A checked config of a pretraining: a file or a `PretrainConfig`, with what is given beside it on top.

    Args:
        data: `data.sources`; if any are given, they replace those of the config.
        start: `encoder.start`.
        config: a YAML file, or a config made before.
        overrides: dotted keys to values, or `section.key=value` strings.
        probe: `probe.sources`, likewise.

    Raises:
        ConfigError: all problems at once.

    >>> settings("forest", "mini").encoder.start
    'mini'
    """
    sources = [os.fspath(d) for d in ([data] if isinstance(data, str | os.PathLike) else data)]
    probes = [os.fspath(p) for p in ([probe] if isinstance(probe, str | os.PathLike) else probe)]
    given = {"data.sources": sources or None, "encoder.start": start, "probe.sources": probes or None}
    pairs = [*((k, v) for k, v in given.items() if v is not None), *configs.pairs(overrides)]
    return configs.load(config, pairs, _problems, PretrainConfig)


def _problems(config: PretrainConfig) -> list[str]:
    """All that is wrong with what a config names, before anything is loaded."""
    from audioft.models.hub import misspelt

    start = config.encoder.start
    wrong = None if start is None else misspelt(start)
    return [*([] if wrong is None else [f"encoder.start: {wrong}"]), *build_pretraining.problems(config)]


def pretrain(
    data: PathLike | Iterable[PathLike] | PretrainConfig = (),
    *,
    out: PathLike | None = None,
    start: str | None = None,
    config: PathLike | PretrainConfig | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    probe: Iterable[PathLike] = (),
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> Path:
    """Let an encoder learn from recordings without labels, from nothing or going on from one there is.

    Args:
        data: folders (searched in depth), tables or recordings, labels ignored; or a whole config.
        out: the encoder's folder; `encoders/DATA`, numbered, if not given.
        start: an encoder to go on from: `mini`, a local folder or a hub id; None for what the config says.
        config: a YAML file or a `PretrainConfig`.
        overrides: dotted keys to values, on top of the config, as `{"train.batch_size": 8}`.
        probe: labelled folders or tables to probe the encoder on, every so often.
        resume: go on with the pretraining in `out`.
        overwrite: replace the pretraining in `out`.
        console: where messages go; standard error if not given.

    Returns:
        The encoder's folder, in transformers' format: `finetune(data, encoder=str(folder))` takes it.

    Raises:
        AudioftError: a child of it for whatever is wrong, see `audioft.errors`.

    Example:
        >>> folder = pretrain("samples/keywords", out=tmp / "encoder", start="mini", console=Console(quiet=True),
        ...                   overrides={"objective.rounds": [{"targets": "layer", "clusters": 20, "steps": 2}],
        ...                              "train.batch_size": 2, "data.workers": 0, "objective.sample_frames": 1000})
        >>> (folder / "model.safetensors").is_file()
        True
    """
    console = console or Console()
    if isinstance(data, PretrainConfig):
        config, data = data, ()
    if resume:
        if out is None:
            raise UsageError("--resume needs the encoder's folder: give it with --out")
        if config is None:
            config = run.stored(Path(out) / run.PRETRAINING, PretrainConfig)
    resolved = _absolute_sources(settings(data, start, config, overrides, probe))
    if not resolved.data.sources:
        raise UsageError("no recordings given: `audioft pretrain DATA... --out ENCODER`, or set data.sources")
    folder = Path(out) if out is not None else run.free_folder(Path("encoders") / _source_name(resolved))
    with holding.held(folder, "encoder"):
        run.refuse_encoder(folder)
        run.refuse(folder / run.PRETRAINING, resolved, resume=resume, overwrite=overwrite)
        return _pretrain(resolved, folder, resume, overwrite, console)


def _pretrain(config: PretrainConfig, folder: Path, resume: bool, overwrite: bool, console: Console) -> Path:
    from audioft import pretraining
    from audioft.runtime import Processes

    processes = Processes(config.train.device)
    folder = Path(processes.gather([str(folder)])[0])
    if processes.main:
        if overwrite and not resume:
            run.remove_encoder(folder)
        run.prepare(folder / run.PRETRAINING, config, resume=resume, overwrite=overwrite)
    processes.wait()
    return pretraining.run(config, folder, processes, console if processes.main else Console(quiet=True), resume)


def probe(
    encoder: PathLike,
    data: PathLike,
    *,
    clips: int = 600,
    seconds: float = 5.0,
    device: str = "auto",
    seed: int = 0,
) -> Probe:
    """How much of the labels a linear classifier finds in what an encoder says, as it is.

    Args:
        encoder: `mini`, a local folder or a hub id.
        data: labelled folder or table, one label a clip. If it gives a train and a test side, the classifier learns
            on the one and is tested on the other; otherwise on up to five folds.
        clips: at most so many, chosen by the seed.
        seconds: of each clip, from its beginning.
        device: `auto`, `cpu`, `cuda`.
        seed: of the choice of clips, and of the folds.

    Returns:
        Accuracy with its 95 % interval.

    Raises:
        AudioftError: a child of it for whatever is wrong, see `audioft.errors`.

    Example:
        >>> found = probe("mini", "samples/keywords", seconds=1)
        >>> found.low <= found.accuracy <= found.high
        True
    """
    given = {"probe.clips": clips, "probe.seconds": seconds, "seed": seed, "train.device": device}
    config = settings(overrides=given)
    from audioft.models.loading import load_encoder
    from audioft.runtime import Processes

    loaded, _ = load_encoder(os.fspath(encoder))
    task = probing.probe_task(os.fspath(data), config, loaded)
    return task.measure(loaded.to(Processes(device).device))


def _absolute_sources(config: PretrainConfig) -> PretrainConfig:
    """As `_absolute_source`; a path with `$VARIABLES` in it stays as it is, for other machines."""
    sources: list[Any] = []
    for given in config.data.sources:
        path = given if isinstance(given, str) else given["path"]
        path = path if "$" in path else os.path.abspath(os.path.expanduser(path))
        sources.append(path if isinstance(given, str) else given | {"path": path})
    probes = [p if "$" in p else os.path.abspath(os.path.expanduser(p)) for p in config.probe.sources]
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"sources": sources}),
            "probe": config.probe.model_copy(update={"sources": probes}),
        }
    )


def _source_name(config: PretrainConfig) -> str:
    first = config.data.sources[0]
    return Path(first if isinstance(first, str) else first["path"]).stem or "encoder"


def render(
    data: PathLike,
    out: PathLike,
    *,
    augment: Sequence[str | Mapping[str, Any]],
    root: PathLike | None = None,
    seed: int = 0,
    rate: int = 16000,
    overwrite: bool = False,
    console: Console | None = None,
) -> Path:
    """Write copies of labelled recordings with augmentations applied, as if they had been made elsewhere.

    The copies depend on the recordings, the augmentations and the seed alone. A recording that cannot be read is
    named and left out. A copy that would exceed the range of a file is turned down as a whole.

    Args:
        data: folder or table, as for `finetune`.
        out: the folder of the copies: 16-bit mono WAV files, a `metadata.csv` with the columns of the data's table
            (with `label`, and `split`, for a folder that has none), and `render.json`, which says what was done.
        augment: as the setting `augment`, in order; the `p` of each is how likely a clip is changed by it.
        root: the folder that a table's names are relative to; the table's own by default.
        seed: of what is drawn.
        rate: of the copies, Hz.
        overwrite: replace copies made before in `out`; no other folder is ever replaced.
        console: where messages go; standard error if not given.

    Returns:
        `out`.

    Raises:
        ConfigError: an augmentation is unknown or wrongly set; all problems at once.
        UsageError: `out` is there already.
        DataError: the data is wrong, or no recording can be read.

    Example:
        >>> copies = render("samples/keywords", tmp / "by telephone", augment=[{"name": "telephone", "p": 1}],
        ...                 console=Console(quiet=True))
        >>> sorted(p.name for p in copies.iterdir() if p.is_file())
        ['metadata.csv', 'render.json']
    """
    from audioft import rendering

    specs = [spec if isinstance(spec, str) else dict(spec) for spec in augment]
    console = console or Console()
    base = None if root is None else Path(root)
    return rendering.render(
        Path(data), Path(out), specs, root=base, seed=seed, rate=rate, overwrite=overwrite, console=console
    )
