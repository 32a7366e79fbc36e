"""What machines that work on one study through a database have in common there, besides Optuna's trials.

They are one study if they began alike; they take trials one at a time; and what a trial said of each clip goes through
the database, since whoever concludes the search needs that of all trials.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core import storage as files
from audioft.errors import UsageError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage, RDBStorage

ABOUT, SAID = "about", "said"
PART = 40_000  # characters of an attribute; MySQL takes 65,535 bytes
#: Settings that may differ from machine to machine: where things lie there, and what nothing hangs on.
OWN = ("data.source", "data.audio_root", "data.workers", "train.device", "train.tensorboard", "evaluate.players")


@contextlib.contextmanager
def alone(storage: RDBStorage, study: int) -> Iterator[None]:
    """Inside, no other machine takes or gives a trial of the study: a row that nobody else writes is held.

    The server lets go of it when the connection ends, as it does with a machine that dies.
    """
    from sqlalchemy import text

    held = text("UPDATE study_directions SET objective = objective WHERE study_id = :study")
    with storage.engine.begin() as connection:
        connection.execute(held, {"study": study})
        yield


def agree(storage: BaseStorage, study: int, about: Mapping[str, Any], where: str) -> None:
    """Say what a study is of, or that the one that is there is of something else.

    Args:
        storage: where it stands.
        study: its id.
        about: by name, what all machines must have in common; JSON.
        where: it stands, for the message.

    Raises:
        UsageError: all that differs.
    """
    there = storage.get_study_user_attrs(study).get(ABOUT)
    if there is None:
        storage.set_study_user_attr(study, ABOUT, dict(about))
        there = storage.get_study_user_attrs(study)[ABOUT]  # of two that begin at once the last one counts
    if other := [name for name in about if there.get(name) != about[name]]:
        raise UsageError(
            f"{where} holds a study of that name which began with other {', '.join(other)}; begin with the same call "
            "on each machine, or give --out another name"
        )


def give(storage: BaseStorage, study: int, number: int, folder: Path) -> None:
    """Put what a trial said of each clip, `fold-N.npz` in its folder, into the database."""
    for place in sorted(folder.glob("fold-*.npz")):
        told = base64.b64encode(place.read_bytes()).decode("ascii")
        parts = [told[i : i + PART] for i in range(0, len(told), PART)]
        for i, part in enumerate(parts):
            storage.set_study_user_attr(study, f"{SAID} {number} {place.stem} {i}", part)
        storage.set_study_user_attr(study, f"{SAID} {number} {place.stem}", len(parts))


def fetch(storage: BaseStorage, study: int, folders: Iterable[tuple[int, Path]]) -> None:
    """Write what trials of other machines said of each clip where it would be if they were done here.

    Args:
        storage, study: see `agree`.
        folders: numbers of trials, each with its folder.
    """
    kept: dict[str, Any] = {}
    for number, folder in folders:
        if any(folder.glob("fold-*.npz")):
            continue
        kept = kept or storage.get_study_user_attrs(study)
        heads = [k for k in kept if k.startswith(f"{SAID} {number} ") and len(k.split()) == 3]
        for head in heads:
            parts = [kept[f"{head} {i}"] for i in range(kept[head])]
            folder.mkdir(parents=True, exist_ok=True)
            files.write_bytes(folder / f"{head.split()[-1]}.npz", base64.b64decode("".join(parts)))
