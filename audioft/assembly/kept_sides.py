"""The clips of a run and the sides they are on, as its folder keeps them."""

from __future__ import annotations

import os
from pathlib import Path

from audioft.assembly import run_folder
from audioft.data import targets
from audioft.data.clip import Clip
from audioft.data.manifest import Manifest, absolute
from audioft.data.tables import read_table

TABLE = "manifest.csv"


def there(folder: Path) -> bool:
    """Whether a folder is that of a run that keeps its sides."""
    return (folder / TABLE).is_file() and (folder / "config.yaml").is_file()


def of(run: Path) -> Manifest:
    """All clips of a run, with their `split`; `columns` of each are the cells of its row. Recordings need not be there.

    Raises:
        UsageError, ConfigError: the run's config cannot be read.
    """
    config = run_folder.stored(run)
    source = Path(os.path.expanduser(config.data.source or "."))
    root = absolute(os.path.expanduser(config.data.audio_root or (source if source.is_dir() else source.parent)))
    rows = [row.cells for row in read_table(run / TABLE)]
    several = bool(rows) and "labels" in rows[0]
    clips = tuple(_clip(root, cells, several) for cells in rows)
    grouping = config.data.group or "recording"
    return Manifest(root, clips, targets.label_order(clips), several, "table", (), grouping)


def _clip(root: Path, cells: dict[str, str], several: bool) -> Clip:
    start, end = float(cells["start"] or 0), float(cells["end"]) if cells["end"] else None
    said = cells["labels"] if several else cells.get("label", "")
    labels, unknown = targets.several(said) if several else (tuple(filter(None, [said])), ())
    split = cells["split"] or None
    return Clip(root / cells["path"], cells["path"], start, end, labels, unknown, split, cells["group"], cells)
