"""`audioft.compress`."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.tasks.compress.result import Compression

__all__ = ["compress"]

HOW = ("distil", "prune", "quantise")
TAKEN = ("data", "train", "freeze", "augment", "mixup", "latent", "cache", "seed")


def compress(
    model: PathLike | Run,
    data: PathLike,
    *,
    out: PathLike,
    how: Sequence[str] = HOW,
    student: str | int | None = None,
    unlabelled: Sequence[PathLike] = (),
    target_speed: float | None = None,
    target_size: float | None = None,
    max_loss: float = 0.01,
    force: bool = False,
    side: str = "valid",
    metric: str | None = None,
    label: str | None = None,
    group: str | None = None,
    rename: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    rounds: int = 3,
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> Compression:
    """Make a model smaller and faster, and write it only if what is lost is shown to be small.

    Each step makes a smaller model, which is saved, opened again and measured beside the original on the validation
    side: size, time, memory, score, and how far the two agree. A model passes where the whole 95 % interval of its
    change of score, taken on the same clips, says that no more than `max_loss` is lost.

    Args:
        model: a run, a run folder or a model folder; it stays as it is.
        data: labelled folder or table with labels that the model knows, as for `audioft.finetune`; clips keep the
            sides that they had for the model, where that is known.
        out: the folder of the smaller model.
        how: steps, of `distil`, `prune` and `quantise`: what takes no training is tried first, of the others that goes
            on which gains most for what it loses. An ensemble can be distilled, and what comes of that quantised.
        student: what learns from the model in `distil`: a number of its own layers, `mini`, another encoder or a
            classifier of the same labels; half of its layers, then a quarter, and so on, at last `mini` if not given.
        unlabelled: folders, tables or recordings that students hear besides, labels ignored.
        target_speed: how many times as fast as the original it is to be; steps end there. None: as fast as passes.
        target_size: the share of the original's size on disk, at most, above 0 and below 1.
        max_loss: of the score, above 0 and below 1.
        force: write what does not pass, too; without a target each step is then done once.
        side: by which it is shown, `valid` or `test`; clips that the model was trained on are left out. Of `valid`, the
            test side is looked at once, at the end.
        metric: the score, see `audioft.evaluation.metrics`; accuracy if not given, for several labels a clip the mean
            average precision.
        label, group, rename: columns of the table and new names of labels, as in training.
        overrides: how the data is read, and how is trained again after pruning, as in training: dotted keys to values,
            or `section.key=value` strings.
        rounds: how often times are taken, in turn with the original; 0 measures neither time nor memory.
        resume: go on with what was stopped, on the way to the same `out`.
        overwrite: replace what is in `out`.
        console: where messages go; standard error if not given.

    Returns:
        The table and what was written; `print` shows it. Its `folder` is None where nothing passed.

    Raises:
        UsageError: the call itself is wrong, the model cannot be compressed, or there are too few validation clips to
            show anything.
        DataError: the data has labels that the model does not know, or no validation clips.

    Example:
        >>> found = compress(trained, "samples/keywords", out=tmp / "small", how=["quantise"], force=True, rounds=0,
        ...                  console=Console(quiet=True))
        >>> found.taken.name, found.taken.size < 0.6 * found.original.size
        ('quantise', True)
    """
    import os

    from audioft.core import folder_lock, runtime

    runtime.refuse_several("compress")
    steps = list(dict.fromkeys(how))
    _refuse(steps, target_speed, target_size, max_loss, rounds)
    if side not in ("valid", "test"):
        raise UsageError(f"--side {side}: expected valid or test")
    place, name = Path(out), os.fspath(model)
    _refuse_out(place, Path(name), overwrite=overwrite)
    given = {"data.label": label, "data.group": group, "data.rename": None if rename is None else dict(rename)}
    said = _said({k: v for k, v in given.items() if v is not None}, overrides)
    from audioft.assembly import reading, resolve
    from audioft.tasks.compress import compression_run, kept, work
    from audioft.tasks.compress.ladder import Target

    original = work.opened(name, steps)
    usual = {"train.tensorboard": False, "freeze": "feature_extractor", **reading.usual(original.card.reading, said)}
    folder = kept.folder_of(place)
    target = Target(target_speed, target_size)
    others = tuple(os.path.abspath(os.fspath(u)) for u in unlabelled)
    learning = work.Learning(student, others)
    asked = compression_run.Asked(
        name, steps, target, max_loss, force, side, metric, place, rounds, learning, resume=resume, overwrite=overwrite
    )
    try:
        with folder_lock.held(folder, "model"), work.start(original, name, learning) as begins:
            config = resolve.settings(data, overrides={**usual, **said}, start=begins, extend=True)
            config = resolve.absolute_source(config, "`audioft compress MODEL --data DATA`")
            return compression_run.run(asked, original, config, folder, console or Console())
    finally:
        with contextlib.suppress(OSError):  # which is not empty where there is something to go on with
            folder.rmdir()


def _said(named: Mapping[str, Any], overrides: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """The settings that are given; what is wrong with them is told before anything is loaded."""
    from audioft.configuration import config as configs

    said = {**named, **dict(configs.pairs(overrides))}
    for key in said:
        if key.split(".")[0] not in TAKEN:
            raise UsageError(f"{key}: compress takes the model as it is; settings of {', '.join(TAKEN)} are taken")
    configs.load(None, said)
    return said


def _refuse(steps: Sequence[str], speed: float | None, size: float | None, max_loss: float, rounds: int) -> None:
    from audioft.core.registry import suggest

    for name in steps:
        if name not in HOW:
            raise UsageError(f"--how: no step {name!r}{suggest(name, HOW)}")
    if not steps:
        raise UsageError(f"--how: name at least one step, of {', '.join(HOW)}")
    if not 0 < max_loss < 1:
        raise UsageError(f"--max-loss is {max_loss:g}; expected a number above 0 and below 1")
    if speed is not None and not (1 < speed < math.inf):
        raise UsageError(f"--target-speed is {speed:g}; expected a number above 1")
    if size is not None and not 0 < size < 1:
        raise UsageError(f"--target-size is {size:g}; expected a share of the original's size, above 0 and below 1")
    if rounds < 0 or (not rounds and speed is not None):
        raise UsageError("--target-speed needs times, at least one round" if not rounds else f"rounds is {rounds}")


def _refuse_out(out: Path, model: Path, *, overwrite: bool) -> None:
    if out.resolve() in {model.resolve(), (model / "model").resolve()}:
        raise UsageError(f"{out} is the model itself; give the smaller one another --out")
    if (out / "config.yaml").is_file():
        raise UsageError(f"{out} holds a run; give another --out")
    if out.is_file():
        raise UsageError(f"{out} is a file; give the model a folder of its own (--out)")
    if out.is_dir() and any(out.iterdir()):
        if not (out / "audioft.json").is_file():
            raise UsageError(f"{out} is not empty and holds no model; nothing there is touched: give another --out")
        if not overwrite:
            raise UsageError(f"{out} holds a model already: replace it (--overwrite), or give another --out")
