"""How a compressed encoder is told from others before it is loaded."""

from __future__ import annotations

import json
from pathlib import Path

FORMAT, VERSION = "audioft-compressed-encoder", 1
CONFIG = "config.json"


def is_one(folder: Path) -> bool:
    """Whether a folder holds a compressed encoder, as its config says."""
    try:
        about = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("format") == FORMAT
