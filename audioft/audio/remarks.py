"""What is to be said of recordings that were heard otherwise than somebody may think, until it is told."""

from __future__ import annotations

import os
from pathlib import Path

from audioft.errors import Problem

_SAID: dict[str, dict[str, None]] = {}  # by path, each sentence once


def keep(path: str | Path, said: str) -> None:
    """Remember a sentence about a recording."""
    _SAID.setdefault(os.fspath(path), {})[said] = None


def of(path: str | Path) -> str:
    """What is to be said of one recording, for whoever tells it from now on."""
    return "; ".join(_SAID.pop(os.fspath(path), ()))


def taken() -> list[Problem]:
    """All that is to be said, for whoever tells it from now on."""
    return [Problem(path, of(path)) for path in list(_SAID)]
