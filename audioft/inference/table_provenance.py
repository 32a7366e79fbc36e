"""What a table was made with, kept beside it: so that rows of another model or other settings are never added to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.storage import read_json, write_json
from audioft.errors import AudioftError, UsageError

if TYPE_CHECKING:
    from audioft.inference.predictor import Predictor

#: Where the model was; another place with the same weights is the same model.
PLACE = "model"


def made_with(predictor: Predictor, grid: tuple[float, float], **settings: Any) -> dict[str, Any]:
    """What decides about the rows of a table, as JSON holds it.

    Args:
        predictor: its weights and labels, and its precision.
        grid: window and hop in seconds.
        settings: what else.
    """
    about = {"labels": predictor.labels, "thresholds": predictor.card.thresholds}
    weights = predictor.labeller.fingerprint(about)
    hearing = predictor.hearing
    settings |= {} if hearing.plain else {"hearing": str(hearing)}
    settings |= {"precision": predictor.precision, "window": grid[0], "hop": grid[1]}
    found: dict[str, Any] = json.loads(json.dumps({PLACE: str(predictor.folder), "weights": weights, **settings}))
    return found


def beside(table: Path) -> Path:
    """Where that is kept."""
    return table.with_name(f".{table.name}.made.json")


def refuse(table: Path, made: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Say why a table must not be written, or not be gone on with; touch nothing.

    Args:
        table: where it is to be.
        made: see `made_with`; empty where it is not known.
        resume, overwrite: what may be done with one that is there.

    Raises:
        UsageError: one is there and nothing may be done with it; or it was made with something else.
    """
    if resume and overwrite:
        raise UsageError(f"--out {table}: --resume goes on with a table and --overwrite replaces it; give one of them")
    if overwrite or not table.is_file() or not table.stat().st_size:
        return
    if not resume:
        raise UsageError(
            f"--out {table} is there already: go on with it (--resume), replace it (--overwrite), or give another path"
        )
    try:
        before = read_json(beside(table), AudioftError)
    except AudioftError:
        return  # it was not kept: the rows themselves are looked at
    if not made or not isinstance(before, dict):
        return
    changed = [k for k in {**before, **made} if before.get(k) != made.get(k) and k != PLACE]
    if not changed:
        return
    models = f"was {before.get(PLACE)}, is {made.get(PLACE)}"
    told = {"weights": f"the model: {models}, with other weights, labels or thresholds"}
    told |= {k: f"{k}: was {before.get(k)}, is {made.get(k)}" for k in changed if k != "weights"}
    listed = "".join(f"\n  - {told[k]}" for k in changed)
    raise UsageError(
        f"{table} was begun with something else, and going on would mix two tables:{listed}\n"
        "give what it was begun with, or another --out"
    )


def keep(table: Path, made: Mapping[str, Any]) -> None:
    """Keep it beside a table that is a file; no more is known of one where `made` is empty."""
    if made and table.is_file():
        write_json(beside(table), dict(made))
    else:
        beside(table).unlink(missing_ok=True)
