"""One labelled piece of audio."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Clip:
    """A recording with a start and an end: what is labelled, trained on and scored.

    Attributes:
        path: the recording, absolute.
        name: the recording as it was listed, relative to the manifest's root, with forward slashes.
        start: seconds from the recording's beginning.
        end: seconds from the recording's beginning, exclusive; None is the recording's end.
        labels: what is present, NFC; in a single-label manifest exactly one.
        unknown: labels of which nothing is known; `"rest"` stands for every label not in `labels`.
        split: `train`, `valid` or `test` where the source says so.
        group: clips of one group stay on one side of a split.
        columns: the cells of the clip's row in its table as they were read, but `start` and `end`, which are empty: the
            clip has them, and so cuts of one recording share what else is said of them.
    """

    path: Path
    name: str
    start: float = 0.0
    end: float | None = None
    labels: tuple[str, ...] = ()
    unknown: tuple[str, ...] | Literal["rest"] = ()
    split: str | None = None
    group: str = ""
    columns: dict[str, str] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def whole(self) -> bool:
        """Whether the clip is its whole recording."""
        return self.start == 0.0 and self.end is None

    @property
    def named(self) -> tuple[str, ...]:
        """All labels of which something is said: those that are present, and those of which nothing is known."""
        return self.labels if self.unknown == "rest" else (*self.labels, *self.unknown)

    @property
    def key(self) -> str:
        """What names the clip within its manifest, once.

        >>> Clip(Path("/d/a.wav"), "a.wav").key, Clip(Path("/d/a.wav"), "a.wav", 1.5, 3.0).key
        ('a.wav', 'a.wav@1.5-3')
        """
        if self.whole:
            return self.name
        return f"{self.name}@{seconds(self.start)}-{'' if self.end is None else seconds(self.end)}"


def seconds(value: float) -> str:
    """A time in seconds, to the microsecond, without trailing zeros.

    >>> seconds(1000.125), seconds(3.0)
    ('1000.125', '3')
    """
    return f"{value:.6f}".rstrip("0").rstrip(".")
