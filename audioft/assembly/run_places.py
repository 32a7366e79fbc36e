"""What a run writes into its folder, and that nothing which it reads lies there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audioft.configuration.config import AnyConfig
from audioft.errors import UsageError

BAD_FILES = "bad_files.csv"  # all that may be left of a run that never began
ROUNDS = "round-*"  # folders of a pretraining
FOLDS = "folds"  # the run folders inside the folder of a run in folds
OWN_FOLDERS = ("checkpoints", "model", "tensorboard", "decoded", "states", FOLDS)
OWN_FILES = (
    *("manifest.csv", "metrics.jsonl", "chosen.json", BAD_FILES),
    *("report.json", "report.html", "predictions.csv", "out_of_fold.csv"),
)


def own(folder: Path) -> list[Path]:
    """All that a run writes into its folder."""
    return [*(folder / name for name in ("config.yaml", *OWN_FOLDERS, *OWN_FILES)), *folder.glob(ROUNDS)]


def refuse_inputs(folder: Path, config: AnyConfig) -> None:
    """Say that a setting names a file or folder which the run would take away before it is read; touch nothing.

    Raises:
        UsageError: it does.
    """
    places = [Path(os.path.realpath(place)) for place in own(folder) if place.exists()]
    for key, value in _names(config.model_dump()):
        named = Path(os.path.realpath(os.path.expanduser(value)))
        if any(named.is_relative_to(place) for place in places) and named.exists():
            raise UsageError(
                f"{key}={value} lies in {folder}, the folder of the run, which writes its files anew; give another "
                "--out, or a copy of it elsewhere"
            )


def _names(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """All texts in settings, with their dotted keys."""
    if isinstance(value, str) and "\0" not in value:
        yield key, value
    elif isinstance(value, dict | list | tuple):
        for k, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _names(inner, f"{key}.{k}".lstrip("."))
