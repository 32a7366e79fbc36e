"""`audioft.pretrain`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audioft.assembly import run_folder
from audioft.configuration import config as configs
from audioft.configuration.config import PretrainConfig
from audioft.core import folder_lock
from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks.pretrain import build

__all__ = ["pretrain"]


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
    return [*([] if wrong is None else [f"encoder.start: {wrong}"]), *build.problems(config)]


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
            config = run_folder.stored(Path(out) / run_folder.PRETRAINING, PretrainConfig)
    resolved = _absolute_sources(settings(data, start, config, overrides, probe))
    if not resolved.data.sources:
        raise UsageError("no recordings given: `audioft pretrain DATA... --out ENCODER`, or set data.sources")
    folder = Path(out) if out is not None else run_folder.free_folder(Path("encoders") / _source_name(resolved))
    with folder_lock.held(folder, "encoder"):
        run_folder.refuse_encoder(folder)
        run_folder.refuse(folder / run_folder.PRETRAINING, resolved, resume=resume, overwrite=overwrite)
        return _pretrain(resolved, folder, resume, overwrite, console)


def _pretrain(config: PretrainConfig, folder: Path, resume: bool, overwrite: bool, console: Console) -> Path:
    from audioft.core.runtime import Processes
    from audioft.tasks.pretrain import pretraining_run

    processes = Processes(config.train.device)
    folder = Path(processes.gather([str(folder)])[0])
    if processes.main:
        if overwrite and not resume:
            run_folder.remove_encoder(folder)
        run_folder.prepare(folder / run_folder.PRETRAINING, config, resume=resume, overwrite=overwrite)
    processes.wait()
    return pretraining_run.run(config, folder, processes, console if processes.main else Console(quiet=True), resume)


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
