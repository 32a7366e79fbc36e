"""What a user chose where a source can be meant in several ways."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Choices:
    """The settings `data.*` of these names; the defaults are those of the settings."""

    na: Literal["empty", "keep"] = "empty"
    audio_root: str | None = None
    source_kind: Literal["classes", "events"] | None = None
    label_files: str | None = None
    min_score: float | None = None
    unlabelled: Literal["skip", "background"] | None = None
    folders: Literal["plain", "birdnet"] = "plain"

    @classmethod
    def of(cls, settings: object) -> Choices:
        """Those of anything that has attributes of these names."""
        return cls(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(cls)})


PLAIN = Choices()
