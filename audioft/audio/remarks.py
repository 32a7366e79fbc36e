"""What is to be said of recordings that were heard otherwise than somebody may think, until it is told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from audioft.errors import Problem

_SAID: dict[str, dict[str, None]] = {}  # by path, each sentence once
_MOST = 100_000  # recordings of which nobody asks, as in a program that labels for weeks


def keep(path: str | Path, said: str) -> None:
    """Remember a sentence about a recording."""
    if len(_SAID) >= _MOST and os.fspath(path) not in _SAID:
        _SAID.pop(next(iter(_SAID)), None)
    _SAID.setdefault(os.fspath(path), {})[said] = None


def of(path: str | Path) -> str:
    """What is to be said of one recording, for whoever tells it from now on."""
    return "; ".join(_SAID.pop(os.fspath(path), ()))


def taken(paths: Iterable[str | Path]) -> list[Problem]:
    """What is to be said of these recordings, for whoever tells it from now on."""
    return [Problem(path, said) for path in paths if (said := of(path))]
