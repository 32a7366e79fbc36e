"""A run folder: the whole story of one training."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.assembly import reading, recipe
from audioft.assembly.new_folders import free_folder
from audioft.assembly.run_places import BAD_FILES, FOLDS, ROUNDS, refuse_inputs
from audioft.configuration import config as configs
from audioft.configuration.config import AnyConfig, Config, Kind
from audioft.configuration.values import AUTO
from audioft.core.folder_lock import LOCK
from audioft.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from audioft.evaluation.report import Report

# settings that say where and how fast a run computes and what is told of it, and may differ when it goes on
FREE = (
    "data.workers",
    "train.device",
    "train.save_steps",
    "train.save_minutes",
    "train.keep",
    "train.tensorboard",
    "evaluate.players",
    "teacher.gigabytes",
)
#: Settings that change numbers and came later than some runs: section, name, and what it was without them.
LATER = (("start", "keep_sides", False), ("model", "start", "random"), ("cache", "moments", False))
NO_RUN = frozenset({BAD_FILES, LOCK})
PRETRAINING = "pretraining"  # the run folder inside the folder of an encoder


@dataclass(frozen=True, repr=False)
class Run:
    """A trained run, as `finetune` returns it and `Run(folder)` opens it.

    Attributes:
        folder: the run folder.

    >>> import tempfile
    >>> str(Run(Path(tempfile.gettempdir())).model).endswith("model")
    True
    """

    folder: Path

    def __repr__(self) -> str:
        from audioft.assembly.run_card import state

        return f"<Run in {self.folder}: {state(self.folder, self.history)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: how far it is, its figures, and links to its files."""
        from audioft.assembly.run_card import card

        return card(self.folder, self.history)

    def __fspath__(self) -> str:
        return str(self.folder)

    @property
    def model(self) -> Path:
        """The model folder inside."""
        return self.folder / "model"

    @property
    def config(self) -> Config:
        """The resolved config; running it again gives the same run."""
        return configs.load(self.folder / "config.yaml")

    @property
    def report(self) -> Report:
        """The measured figures; `print` shows them as a table.

        Raises:
            UsageError: the run has not been evaluated.
        """
        from audioft.evaluation.report import Report

        return Report.load(self.folder / "report.json")

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rows of `metrics.jsonl`."""
        from audioft.training.callbacks import read_rows

        return read_rows(self.folder / "metrics.jsonl")


def refuse(folder: Path, config: AnyConfig, *, resume: bool, overwrite: bool) -> None:
    """Say why a run with `config` must not be begun, or gone on with, in this folder; touch nothing.

    Raises:
        UsageError: it holds a run, or something else, and neither `resume` nor `overwrite` was asked for; or the model
            that the run is to go on from, or anything else that it reads.
        CheckpointError: there is nothing to resume, or a run of other settings.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give the run a folder of its own (--out)")
    if resume and overwrite:
        raise UsageError(f"{folder}: --resume goes on with a run and --overwrite replaces it; give one of them")
    start = getattr(getattr(config, "start", None), "model", None)
    own = None if start is None else os.path.realpath(start)
    if own is not None and os.path.realpath(folder) in (own, os.path.dirname(own)):
        raise UsageError(f"{folder} holds the model that the run is to go on from; give another --out")
    reading.refuse_lists(getattr(config.data, "exclude", ()), folder)
    refuse_inputs(folder, config)
    has_config = (folder / "config.yaml").is_file()
    if resume:
        if not has_config:
            raise _no_run(folder)
        _same_settings(folder, config)
    elif has_config and begun(folder) and not overwrite:
        raise UsageError(
            f"{folder} already holds a run: go on with it (--resume), replace it (--overwrite), or give another --out"
        )
    elif not has_config and folder.exists() and any(p.name not in NO_RUN for p in folder.iterdir()):
        if begun(folder):
            raise _no_run(folder)
        raise UsageError(f"{folder} is not empty and holds no run; nothing there is touched: give another --out")


def _no_run(folder: Path) -> UsageError:
    """What is said where there is no config, without which nothing is gone on with or replaced."""
    if begun(folder):
        return UsageError(
            f"{folder / 'config.yaml'} is missing, without which the run there is neither gone on with nor replaced; "
            "put it back from a copy, or give another --out"
        )
    return UsageError(f"{folder}: there is no run to resume; without --resume a new one begins there")


def refuse_encoder(folder: Path, start: str | None) -> None:
    """Say why no encoder may be written into `folder`: something else is there than a pretraining, or its own `start`.

    Raises:
        UsageError: what is there.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give the encoder a folder of its own (--out)")
    if folder.is_dir() and any(p.name != LOCK for p in folder.iterdir()) and not (folder / PRETRAINING).is_dir():
        raise UsageError(
            f"{folder} is not empty and was not pretrained by audioft; nothing there is touched: give another --out"
        )
    if (
        start is not None
        and folder.is_dir()
        and os.path.realpath(os.path.expanduser(start)) == os.path.realpath(folder)
    ):
        raise UsageError(f"{folder} holds the encoder that the pretraining is to go on from; give another --out")


def begun(folder: Path) -> bool:
    """Whether there is anything to lose: a run that failed before its first step leaves its config, no more."""
    checkpoints = folder / "checkpoints"
    if (folder / "model").exists() or (checkpoints.is_dir() and any(checkpoints.iterdir())):
        return True
    return any(any(folder.glob(f"{inner}/checkpoints/*")) for inner in (ROUNDS, f"{FOLDS}/*"))


def stored(folder: Path, kind: type[Kind] = Config) -> Kind:  # type: ignore[assignment]
    """The config of the run in a folder."""
    if not (folder / "config.yaml").is_file():
        raise _no_run(folder)
    return configs.load(folder / "config.yaml", kind=kind)


def as_begun(config: Config, folder: Path) -> Config:
    """The config of a run that goes on: one begun before there was a setting of `LATER` has what is said there."""
    written = configs.read(folder / "config.yaml")
    for section, name, before in LATER:
        if name not in (written.get(section) or {}):
            config = recipe.put(config, f"{section}.{name}", before)
    return config


def identity(config: AnyConfig, clips: Sequence[tuple[str, ...]], folder: Path) -> str:
    """A hash of all that a run's numbers depend on: its settings and its clips (key, side, content hash, ...).

    Settings that `config.yaml` in the run folder does not have came later than the run: they are left out, so that a
    newer audioft goes on with it. That they have their defaults, `refuse` has seen.
    """
    written = configs.read(folder / "config.yaml")
    settings = {key: _as_written(value, written[key]) for key, value in config.model_dump().items() if key in written}
    kept = {
        k: v
        for k, v in flat(settings).items()
        if k not in FREE and k not in ("data.source", "data.sources", "probe.sources")
    }
    return hashlib.sha256(json.dumps([kept, sorted(clips)], sort_keys=True, default=str).encode()).hexdigest()


def _as_written(value: Any, written: Any) -> Any:
    both = isinstance(value, dict) and isinstance(written, dict)
    return {k: v for k, v in value.items() if k in written} if both else value


def flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Sections as dotted keys; what lies deeper than a section stays as it is.

    >>> flat({"seed": 1, "train": {"lr": 2}})
    {'seed': 1, 'train.lr': 2}
    """
    sections = ("data", "encoder", "start", "model", "train", "cache", "evaluate", "objective", "probe", "teacher")
    found: dict[str, Any] = {}
    for key, value in settings.items():
        whole = key in sections and isinstance(value, dict)
        found |= {f"{key}.{k}": v for k, v in value.items()} if whole else {key: value}
    return found


def _same_settings(folder: Path, config: AnyConfig) -> None:
    kind: Any = type(config)
    before, now = flat(stored(folder, kind).model_dump()), flat(config.model_dump())
    chosen = recipe.kept(folder)
    before = {k: chosen.get(k, v) if v == AUTO else v for k, v in before.items()}
    now = {k: before.get(k) if v == AUTO else v for k, v in now.items()}
    free = {*FREE, *(["start.probe"] if before.get("start.probe") and now.get("start.probe") else [])}  # it was moved
    changed = [k for k in now if before.get(k) != now[k] and k not in free]
    if changed:
        listed = "".join(f"\n  - {k}: was {configs.spell(before.get(k))}, is {configs.spell(now[k])}" for k in changed)
        raise CheckpointError(
            f"{folder} holds a run of other settings, and going on would mix two runs:{listed}\n"
            f"leave these settings as they were, or {_way_on(folder, config, changed)}"
        )


def _way_on(folder: Path, config: AnyConfig, changed: Sequence[str]) -> str:
    """How else to have what was asked for: a new run that begins with what this one has learnt."""
    out = shlex.quote(str(free_folder(folder.with_name(f"{folder.name}-2"))))
    given = flat(config.model_dump())
    if not all(k.startswith("train.") for k in changed) or not (folder / "model").is_dir():
        return f"begin a new run with them in another folder (`--out {out}`, without --resume)"
    wanted = " ".join(f"{k}={shlex.quote(configs.spell(given[k]))}" for k in changed)
    own, start = (shlex.quote(str(p)) for p in (folder / "config.yaml", folder))
    told = f"`audioft train --config {own} --from {start} {wanted} --out {out}`"
    return f"train on from its model in another folder: {told}"
