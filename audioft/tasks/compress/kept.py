"""What a compression has made and measured so far: on the disk after each model, so that it goes on from there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audioft.core import storage
from audioft.errors import CheckpointError, UsageError
from audioft.evaluation.ratios import plain
from audioft.tasks.compress.measuring import Row

FILE, MODELS, STEPS = "compress.json", "models", "steps"
FORMAT, VERSION = "audioft-compress", 1
ORIGINAL = "original"  #: the row of the model itself


@dataclass
class Kept:
    """The state of a compression.

    Attributes:
        folder: where it lies.
        made_of: what it depends on: the model, the clips and the settings of training.
        rows: the models that were measured, by their names, in the order in which they were.
    """

    folder: Path
    made_of: str
    rows: dict[str, Row] = field(default_factory=dict)

    def place(self, name: str) -> Path:
        """The folder of a model."""
        return self.folder / MODELS / slug(name)

    def steps(self, name: str) -> Path:
        """A folder for what is kept while a model is made."""
        place = self.folder / STEPS / slug(name)
        place.mkdir(parents=True, exist_ok=True)
        return place

    def add(self, row: Row) -> None:
        """Keep a row; what was kept while its model was made goes."""
        self.rows[row.name] = row
        told = {"format": FORMAT, "version": VERSION, "made_of": self.made_of}
        storage.write_json(self.folder / FILE, plain(told | {"rows": [r.told() for r in self.rows.values()]}))
        shutil.rmtree(self.folder / STEPS / slug(row.name), ignore_errors=True)


def slug(name: str) -> str:
    """A name as one of a folder.

    >>> slug("prune 2 + quantise")
    'prune-2-quantise'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def folder_of(out: Path) -> Path:
    """Where the state of what is to be written into a folder lies: beside it, until that is there."""
    out = Path(out).absolute()
    return out.with_name(f".{out.name}.compress")


def opened(folder: Path, made_of: str, *, resume: bool, overwrite: bool) -> Kept:
    """The state in a folder, or a new one.

    Raises:
        UsageError: there is one and nobody says what to do with it; or it is of another model, other clips or settings.
        CheckpointError: it is damaged.
    """
    there = (folder / FILE).is_file()
    if there and not resume and not overwrite:
        raise UsageError(
            f"{folder} holds what a stopped compression has made: go on with it (--resume), or begin anew (--overwrite)"
        )
    if not (there and resume):
        for name in (MODELS, STEPS):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / FILE).unlink(missing_ok=True)
        return Kept(folder, made_of)
    told = storage.read_json(folder / FILE, CheckpointError)
    try:
        if told["version"] != VERSION:
            raise CheckpointError(f"{folder / FILE} is of another version of audioft; begin anew with --overwrite")
        rows = {row.name: row for row in map(_row, told["rows"])}
        before = str(told["made_of"])
    except (KeyError, TypeError, ValueError) as e:
        raise CheckpointError(f"{folder / FILE} is damaged: {e}; begin anew with --overwrite") from e
    if before != made_of:
        raise UsageError(
            f"{folder}: the model, the clips or the settings are not those that it began with; give the same ones, or "
            "begin anew with --overwrite"
        )
    return Kept(folder, made_of, {name: row for name, row in rows.items() if name == ORIGINAL or _whole(folder, name)})


def _row(told: Mapping[str, Any]) -> Row:
    return Row.of(told)


def _whole(folder: Path, name: str) -> bool:
    return (folder / MODELS / slug(name) / "audioft.json").is_file()
