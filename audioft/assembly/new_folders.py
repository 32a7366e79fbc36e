"""Where a run goes that was given no folder."""

from __future__ import annotations

import os
from pathlib import Path


def default_folder(source: str, encoder: str) -> Path:
    """`runs/DATA-ENCODER`, numbered if that is taken."""
    data = os.path.splitext(os.path.basename(os.path.abspath(source)))[0] or "data"
    return free_folder(Path("runs") / f"{data}-{os.path.basename(encoder.rstrip('/')) or 'encoder'}")


def free_folder(base: Path) -> Path:
    """`base`, or the first of `base-2`, `base-3`, ... that is not there yet."""
    number = 1
    folder = base
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder
