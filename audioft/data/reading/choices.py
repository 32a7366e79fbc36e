"""What a user chose where a source can be meant in several ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Choices:
    """The settings `data.*` of these names; the defaults are those of the settings.

    Attributes:
        assumed: settings, as `data.drop`, that nobody gave for this source: names in them that it does not have are no
            mistake.
    """

    na: Literal["empty", "keep"] = "empty"
    audio_root: str | None = None
    source_kind: Literal["classes", "events"] | None = None
    label_files: str | None = None
    min_score: float | None = None
    unlabelled: Literal["skip", "background"] | None = None
    folders: Literal["plain", "birdnet"] = "plain"
    rename: Mapping[str, str] = dataclasses.field(default_factory=dict)
    merge: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    drop: Sequence[str] = ()
    keep: Sequence[str] = ()
    negatives: Sequence[str] = ()
    exclude: Sequence[str] = ()
    assumed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: object, assumed: Collection[str] = ()) -> Choices:
        """Those of anything that has attributes of these names."""
        names = (field.name for field in dataclasses.fields(cls) if field.name != "assumed")
        return cls(**{name: getattr(settings, name) for name in names}, assumed=frozenset(assumed))

    @property
    def tidies(self) -> bool:
        """Whether labels are called otherwise than the source calls them, or left out."""
        return any((self.rename, self.merge, self.drop, self.keep, self.negatives))


PLAIN = Choices()
