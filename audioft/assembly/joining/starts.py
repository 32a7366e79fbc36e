"""What a run began from: models whose weights are averaged must have begun from the same ones."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audioft.assembly import recipe, run_folder
from audioft.assembly.joining.given import Given
from audioft.configuration import few_shot
from audioft.core.storage import read_json
from audioft.errors import ModelError, UsageError
from audioft.models.hub import model_folder


def refuse_unlike(given: Sequence[Given]) -> None:
    """Raise where models did not begin from the same weights, or nobody knows.

    Raises:
        UsageError: says which, and by what.
    """
    first, *others = [(g, _start(g)) for g in given]
    for other, own in others:
        keys = [k for k in first[1].keys() | own.keys() if first[1].get(k) != own.get(k)]
        if keys:
            key = sorted(keys)[0]
            was, found = (str(s.get(key, "none")) for s in (first[1], own))
            raise UsageError(
                f"a soup averages weights, which means something only where all began from the same: {first[0].name} "
                f"began with {key} {was}, {other.name} with {found}. Train them from one model "
                "(`audioft train DATA --from MODEL`), or take --how average"
            )


def _start(given: Given) -> dict[str, Any]:
    """What the first weights of a run are a function of."""
    run = given.run
    if run is None:
        raise UsageError(
            f"a soup averages weights of models that began from the same: what {given.place} began from is not known, "
            "as it is no run folder; give its run, or take --how average"
        )
    config = run_folder.stored(run)
    for key, value in recipe.kept(run).items():
        config = recipe.fill(config, {key: value})
    if config.start.model is not None:
        start: dict[str, Any] = {"start.model": os.path.realpath(config.start.model)}
        return start if _head_kept(config.start.model, given) else start | {"seed": config.seed}
    start = {"encoder.name": config.encoder.name, "encoder.revision": config.encoder.revision, "seed": config.seed}
    start["model.start"] = config.model.start
    if config.model.start == "probe" and not few_shot.wanted(config):
        start["training clips (of its probe)"] = _trained_on(run)
    return start


def _head_kept(start: str, given: Given) -> bool:
    """Whether the head came with the model that a run went on from."""
    try:
        about = read_json(model_folder(start) / "audioft.json", ModelError)
    except (ModelError, UsageError):
        return False
    return list(about.get("labels", ())) == list(given.card.labels)


def _trained_on(run: Path) -> str:
    """A name of the clips on the train side."""
    table = run / "manifest.csv"
    if not table.is_file():
        return f"of {run}"
    with open(table, newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.DictReader(file)
        own = sorted(f"{r.get('sha256')} {r.get('start')}" for r in rows if r.get("split") == "train")
    return f"{len(own)} clips, {hashlib.sha256(chr(10).join(own).encode()).hexdigest()[:8]}"
