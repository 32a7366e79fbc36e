"""What makes a study the same study, and where it is written."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audioft.assembly.fitting.run_trainer import told_apart
from audioft.assembly.recordings import Data
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core import storage
from audioft.core.places import clear, no_empty_folders
from audioft.errors import CheckpointError, UsageError
from audioft.tasks.search import served
from audioft.tasks.search.space import Space

STUDY, SPACE, CONFIG = "study.json", "space.yaml", "config.yaml"
VERSION = 1  # of what trials are and how they are drawn: raise it whenever that becomes something else
#: What a search writes into its folder; nothing else there is touched.
OWN = (
    *(STUDY, SPACE, CONFIG, "journal.log", ".journal-lock", ".ledger-lock", "trials", "seeds", "run"),
    *("bad_files.csv", "trials.csv", "search.json", "search.html", "best.yaml"),
)


@dataclass(frozen=True)
class About:
    """What a study is of, besides its config and its space.

    Attributes:
        metric: what is searched by.
        objectives: their names.
        folds: how many; 1 for the validation side that there is.
        sampler, pruner: how trials are drawn and ended early.
        seed: of the search.
        ahead: trials that may be under way beside each other.
        data: a hash of all clips and their sides.
        name: of the study in its storage: that which the folder had when it began.
        storage: the address of its database, without a password; None for the journal.
        probed: the settings that a probe suggested; None for none.
        version: of how trials are drawn.
    """

    metric: str
    objectives: tuple[str, ...]
    folds: int
    sampler: str
    pruner: str
    seed: int
    ahead: int
    data: str
    name: str
    storage: str | None = None
    probed: dict[str, Any] | None = None
    version: int = VERSION


def in_common(config: Config, space: Space, about: About) -> dict[str, Any]:
    """What machines that work on one study must have in common; without where things lie on each."""
    settings = {k: configs.spell(v) for k, v in configs.differing(config).items() if k not in served.OWN}
    if os.path.isdir(config.encoder.name):
        settings["encoder.name"] = os.path.basename(os.path.normpath(config.encoder.name))
    own = {k: v for k, v in asdict(about).items() if k not in ("data", "name", "storage")}
    own["objectives"] = list(about.objectives)
    return {"data": about.data, "space": space.spelled(), "settings": settings, "options": own}


def digest(data: Data) -> str:
    """What tells data apart: each clip with its side, content and labels."""
    return hashlib.sha256(json.dumps(sorted(told_apart(data))).encode()).hexdigest()


def refuse(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Say why no search may be begun, or gone on with, in a folder.

    Raises:
        UsageError: there is a study and nobody asked for it, none and somebody did, or something else.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give the study a folder of its own (--out)")
    if resume and overwrite:
        raise UsageError(f"{folder}: --resume goes on with a study and --overwrite replaces it; give one of them")
    there = (folder / STUDY).is_file()
    if resume and not there:
        raise UsageError(f"{folder}: there is no study to go on with; without --resume a new one begins there")
    if there and not resume and not overwrite:
        raise UsageError(
            f"{folder} already holds a study: go on with it (--resume), replace it (--overwrite), or give another --out"
        )
    if not there and folder.is_dir() and any(p.name not in OWN and p.name != ".lock" for p in folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no study; nothing there is touched: give another --out")


def begin(folder: Path, config: Config, space: Space, about: About) -> None:
    """Write what makes the study."""
    storage.write_text(folder / CONFIG, configs.save(config))
    storage.write_text(folder / SPACE, space.spelled())
    storage.write_json(folder / STUDY, asdict(about))


def kept(folder: Path) -> About:
    """What a study is of.

    Raises:
        CheckpointError: the file is damaged, or of an audioft that draws trials in another way.
    """
    found = storage.read_json(folder / STUDY, CheckpointError)
    try:
        about = About(**{**found, "objectives": tuple(found["objectives"])})
    except (TypeError, KeyError) as e:
        raise CheckpointError(f"{folder / STUDY} is damaged: {e}; put it back from a copy") from e
    if about.version != VERSION:
        raise CheckpointError(
            f"{folder} was made by another version of audioft, which draws trials in another way "
            f"(study {about.version}, here {VERSION}); finish it with that version, or begin another one"
        )
    return about


def refuse_other(folder: Path, asked: dict[str, Any], data: str) -> None:
    """Say where a study is of other data than are there now, or of other settings than are given beside --resume.

    Raises:
        CheckpointError: all that differs.
    """
    about = kept(folder)
    told = [
        f"{name}: was {configs.spell(getattr(about, name))}, is {configs.spell(value)}"
        for name, value in asked.items()
        if value is not None and getattr(about, name) != value
    ]
    if about.data != data:
        told.append("the recordings, their labels or their sides are others than it began with")
    if told:
        listed = "".join(f"\n  - {t}" for t in told)
        raise CheckpointError(f"{folder} holds another study, and going on would mix two:{listed}\ngive another --out")


@contextlib.contextmanager
def made(folder: Path, *, resume: bool, overwrite: bool) -> Iterator[None]:
    """The folder of a study, for as long as one works on it; a new one that fails before its first trial leaves none.

    Raises:
        UsageError: it cannot be made.
    """
    if resume:
        yield
        return
    if overwrite and folder.is_dir():
        clear(folder, OWN)
    with no_empty_folders(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise UsageError(f"{folder} cannot be made: {e.strerror}; give another --out") from e
        try:
            yield
        except Exception:
            if not any((folder / "trials").glob("*/fold-*")):
                clear(folder, OWN)
            raise
