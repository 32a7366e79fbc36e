"""What was asked of `audioft auto`, and the folder in which it begins or goes on."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.assembly import new_folders, resolve
from audioft.configuration import config as configs
from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.core.registry import suggest
from audioft.errors import UsageError
from audioft.models.hub import misspelt
from audioft.tasks.auto import kept, own_files
from audioft.tasks.auto.brief import LOG
from audioft.tasks.auto.places import PLACES

MINUTES = 30.0
USUAL = "laptop"
TAKEN = ("data", "events", "seed")  # sections that say how data is read and split


@dataclass(frozen=True)
class Asked:
    """Arguments of `audioft.auto`; see there."""

    data: PathLike | None
    minutes: float | None
    encoders: Sequence[PathLike] | None
    place: str | None
    overrides: Mapping[str, Any] | Sequence[str]


def folder_of(asked: Asked, out: PathLike | None, *, resume: bool) -> Path:
    """Where it goes.

    Raises:
        UsageError: it cannot be told.
    """
    if out is not None:
        return Path(out)
    if resume:
        raise UsageError("--resume needs the folder: give it with --out")
    if asked.data is None:
        raise UsageError("no data given: name a folder or a table, `audioft auto DATA`")
    return new_folders.default_folder(os.fspath(asked.data), "auto")


def refuse(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Say why nothing may be begun, or gone on with, in a folder.

    Raises:
        UsageError: it holds such work and nobody asked for it, none and somebody did, or something else;
            Optuna is missing.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UsageError('audioft auto searches for settings with Optuna: pip install "audioft[search]"')
    own_files.put_back(folder)  # of one that was killed before it had a model
    if resume and overwrite:
        raise UsageError(f"{folder}: --resume goes on with it and --overwrite replaces it; give one of them")
    there = (folder / kept.FILE).is_file()
    if resume and not there:
        raise UsageError(f"{folder}: there is nothing to go on with; without --resume it begins there")
    if there and not resume and not overwrite:
        raise UsageError(
            f"{folder} already holds a model and its choices: go on (--resume), replace them (--overwrite), or give "
            "another --out"
        )
    if not there and folder.is_dir() and any(not own_files.own(p.name) for p in folder.iterdir()):
        raise UsageError(
            f"{folder} is not empty and holds something else; nothing there is touched: give another --out"
        )


def work(asked: Asked, folder: Path, console: Console, *, resume: bool, overwrite: bool) -> Any:
    """What the steps work with.

    Raises:
        UsageError: an argument is wrong, or is not that of the work that is to go on.
        ConfigError: a setting is.
    """
    from audioft.tasks.auto import auto_run
    from audioft.tasks.auto.work import Work

    before = kept.read(folder) if resume else None
    told = _told(asked, before)
    config = resolve.settings(told["data"], overrides=told["settings"])
    config = resolve.absolute_source(config, "`audioft auto DATA`")
    if not os.path.exists(str(config.data.source)):
        raise UsageError(f"{told['data']}: no such file or folder; expected a folder of recordings or a table of them")
    if overwrite:
        own_files.put_by(folder)
    more = before is not None and told["minutes"] > before.asked["minutes"]
    state = before or kept.Kept(told)
    state.asked = told
    found = Work(
        folder,
        config,
        tuple(told["encoders"]),
        PLACES[told["place"]],
        60 * told["minutes"],
        console,
        state,
    )
    if before is not None:
        state.spent += _unsaved(folder, before)
        sides = before.found("data").get("sides")
        if sides is not None:
            found.config = config.model_copy(update={"data": config.data.model_copy(update=dict(sides))})
        auto_run.again(found, console, more=more)
    return found


def _unsaved(folder: Path, before: kept.Kept) -> float:
    """Seconds that a killed call worked after its last whole step, as far as its files tell."""
    from audioft.tasks.auto.auto_run import STEPS

    if len(before.steps) == len(STEPS) and not before.again:
        return 0.0
    written = [p.stat().st_mtime for p in (folder / LOG, folder / "search" / "journal.log") if p.is_file()]
    return max(0.0, max(written, default=0.0) - (folder / kept.FILE).stat().st_mtime)


def _told(asked: Asked, before: kept.Kept | None) -> dict[str, Any]:
    """What is asked for, by name; what is not given is as before, or as usual."""
    settings = [f"{k}={configs.spell(v)}" for k, v in configs.pairs(asked.overrides)]
    if wrong := [s for s in settings if s.partition("=")[0].split(".")[0] not in TAKEN]:
        raise UsageError(
            f"{wrong[0]}: audioft auto chooses how the model is trained; settings of {', '.join(TAKEN)} are taken; "
            "`audioft search` takes all"
        )
    if asked.place is not None and asked.place not in PLACES:
        raise UsageError(f"--for {asked.place}: unknown{suggest(asked.place, PLACES)}")
    given = {
        "data": None if asked.data is None else os.path.abspath(os.path.expanduser(asked.data)),
        "settings": settings or None,
        "encoders": None if asked.encoders is None else [_absolute(os.fspath(e)) for e in asked.encoders],
        "place": asked.place,
    }
    if before is None:
        if given["data"] is None:
            raise UsageError("no data given: name a folder or a table, `audioft auto DATA`")
        names = given["encoders"] if given["encoders"] is not None else usual_encoders()
        if not names:
            raise UsageError("no encoders given: name them with --encoders A,B")
        if wrong := [w for n in names if (w := misspelt(n) or _gone(n)) is not None]:
            raise UsageError(f"encoder {wrong[0]}")
        told = given | {"encoders": list(dict.fromkeys(names)), "place": asked.place or USUAL, "settings": settings}
        return told | {"minutes": asked.minutes or MINUTES}
    differing = [k for k, v in given.items() if v is not None and v != before.asked[k]]
    if differing:
        k = differing[0]
        raise UsageError(
            f"--resume goes on with what was asked for: {k} was {before.asked[k]}, is {given[k]}; leave it out, or "
            "give another --out"
        )
    return dict(before.asked) | {"minutes": asked.minutes or before.asked["minutes"]}


def usual_encoders() -> list[str]:
    """`mini`, and what is downloaded already of the families that audioft knows."""
    from audioft.models.downloaded import encoders

    return ["mini", *encoders()]


def _gone(name: str) -> str | None:
    """What is to be said of an encoder that can only be a folder and is none."""
    place = os.path.expanduser(name)
    local = os.path.isabs(place) or name.startswith((".", "~"))
    return f"{name}: no such folder" if local and not os.path.isdir(place) else None


def _absolute(name: str) -> str:
    place = os.path.expanduser(name)
    return os.path.abspath(place) if os.path.isdir(place) else name
