"""What is asked of an export; see `audioft.export`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.core.places import PathLike
from audioft.errors import UsageError

KINDS, INT8 = ("onnx", "page"), ("measured", "unmeasured", "no")
PAGES = (".html", ".htm")  # endings of a page that is one file


@dataclass(frozen=True)
class Wanted:
    """What is to be written; see `audioft.export`."""

    to: str
    int8: str
    transformers_js: bool
    overwrite: bool

    def __post_init__(self) -> None:
        for name, value, known in (("to", self.to, KINDS), ("int8", self.int8, INT8)):
            if value not in known:
                raise UsageError(f"{name}={value!r}: expected one of {', '.join(known)}")

    def alone(self, place: Path) -> bool:
        """Whether a page is to be one file."""
        return self.to == "page" and place.suffix.lower() in PAGES


@dataclass(frozen=True)
class Measuring:
    """On what it is measured."""

    data: PathLike | None
    side: str | None
    limit: int
    overrides: Mapping[str, Any] | Sequence[str]
