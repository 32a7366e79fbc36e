"""`audioft.pretrain`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.configuration.pretraining import PretrainConfig

__all__ = ["pretrain"]


def pretrain(
    data: PathLike | Iterable[PathLike] | PretrainConfig = (),
    *,
    out: PathLike | None = None,
    start: str | None = None,
    config: PathLike | PretrainConfig | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    probe: Iterable[PathLike] = (),
    teacher: str | None = None,
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
        teacher: an encoder whose states are learnt, a local folder or a hub id; None for what the config says.
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
    from audioft.assembly import new_folders, run_beginning, run_folder
    from audioft.configuration.pretraining import PretrainConfig
    from audioft.core import folder_lock
    from audioft.tasks.pretrain import resolve

    console = console or Console()
    if isinstance(data, PretrainConfig):
        config, data = data, ()
    if resume:
        if out is None:
            raise UsageError("--resume needs the encoder's folder: give it with --out")
        if config is None:
            config = run_folder.stored(Path(out) / run_folder.PRETRAINING, PretrainConfig)
    resolved = resolve.absolute_sources(resolve.settings(data, start, config, overrides, probe, teacher))
    if not resolved.data.sources:
        raise UsageError("no recordings given: `audioft pretrain DATA... --out ENCODER`, or set data.sources")
    folder = Path(out) if out is not None else new_folders.free_folder(Path("encoders") / resolve.source_name(resolved))
    with folder_lock.held(folder, "encoder"):
        run_beginning.going_on(folder / run_folder.PRETRAINING)
        run_folder.refuse_encoder(folder, resolved.encoder.start)
        run_folder.refuse(folder / run_folder.PRETRAINING, resolved, resume=resume, overwrite=overwrite)
        from audioft.tasks.pretrain import pretraining_run

        return pretraining_run.start(resolved, folder, resume=resume, overwrite=overwrite, console=console)
