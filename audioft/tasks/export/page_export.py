"""A model as a page: exported to ONNX first where it is not yet, then written around that file."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.inference.exported import about
from audioft.tasks.export.asked import Measuring, Wanted
from audioft.tasks.export.page import writing


def write(
    model: PathLike, file: Path | None, name: str, place: Path, wanted: Wanted, measuring: Measuring, console: Console
) -> Path:
    """See `audioft.export`; `file` is what was exported before, if the model is that."""
    if wanted.transformers_js:
        raise UsageError("a page has no files for transformers.js; leave --transformers-js out, or take --to onnx")
    with tempfile.TemporaryDirectory() as held:
        if file is None:
            from audioft.tasks.export import onnx_export

            made = onnx_export.write(model, name, Path(held) / "onnx", wanted, measuring, console)
            quantised = made / about.QUANTISED
            file = quantised if quantised.is_file() else made / about.FILE
        told, _ = about.read(file)
        page = writing.write(file, asdict(told) | {"window": min(told.window, told.max_seconds)}, place)
    console.say(
        f"page: {page}, {_size(place) / 1e6:.1f} MB; open it in a browser, from the disk or from any web server"
    )
    return page


def _size(place: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    return sum(p.stat().st_size for p in ([place] if place.is_file() else place.rglob("*")) if p.is_file())
