"""Encoders that lie on this machine, downloaded from the hub before."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path


def encoders() -> list[str]:
    """Hub ids of what is downloaded of the families that audioft knows, by name; no address is asked."""
    from huggingface_hub import scan_cache_dir

    from audioft.models.families import FAMILIES

    found = []
    with contextlib.suppress(Exception):  # there is no such folder yet, or not one that can be read
        for repo in scan_cache_dir().repos:
            kinds = {_kind(Path(r.snapshot_path)) for r in repo.revisions if repo.repo_type == "model"}
            if kinds & set(FAMILIES):
                found.append(repo.repo_id)
    return sorted(found)


def _kind(place: Path) -> str | None:
    """The `model_type` of a downloaded model that has weights; None where it is not whole."""
    if not (any(place.glob("*.safetensors")) or any(place.glob("*.bin"))):
        return None
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads((place / "config.json").read_text(encoding="utf-8")).get("model_type"))
    return None
