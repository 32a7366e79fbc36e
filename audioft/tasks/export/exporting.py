"""A model exported: the steps behind `audioft.export`."""

from __future__ import annotations

import os
from pathlib import Path

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.inference.exported import about
from audioft.models.hub import exported_file
from audioft.tasks.export.asked import Measuring, Wanted


def export(model: PathLike, out: PathLike | None, wanted: Wanted, measuring: Measuring, console: Console) -> Path:
    """See `audioft.export`."""
    name = _name(Path(os.fspath(model)))
    place = Path(f"{name}-{wanted.to}") if out is None else Path(out)
    _refuse(place, wanted)
    file = exported_file(model)
    if wanted.to == "page":
        from audioft.tasks.export import page_export

        return page_export.write(model, file, name, place, wanted, measuring, console)
    if file is not None:
        raise UsageError(f"{file} is an export already; give the model folder or the run that it was made of")
    from audioft.tasks.export import onnx_export

    return onnx_export.write(model, name, place, wanted, measuring, console)


def _refuse(place: Path, wanted: Wanted) -> None:
    """Say why nothing is written to a place where something is."""
    if wanted.alone(place):
        if place.exists() and not wanted.overwrite:
            raise UsageError(f"{place} exists: replace it (--overwrite), or give another --out")
        return
    if place.is_file():
        raise UsageError(f"{place} is a file; --out takes a folder")
    if not place.is_dir() or not any(place.iterdir()):
        return
    ours = any((place / own).is_file() for own in (about.FILE, "index.html"))
    if not ours:
        raise UsageError(f"{place} holds something else than an export, which is not touched: give another --out")
    if not wanted.overwrite:
        raise UsageError(f"{place} holds an export already: replace it (--overwrite), or give another --out")


def _name(model: Path) -> str:
    """What a model is called: its run, or its folder."""
    whole = model.resolve() if model.exists() else model
    inside = whole.name in ("model", about.FILE, about.QUANTISED)
    return whole.parent.name if inside else whole.stem if whole.suffix == ".onnx" else whole.name
