"""Something that happens in a recording, with its times."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A label with a beginning and an end.

    Attributes:
        label: what happens.
        start: seconds from the recording's beginning, at least 0.
        end: seconds from the recording's beginning, exclusive, not before `start`.
        score: how sure a model is of it, 0 to 1; None where a person said it.

    >>> Event("robin", 1.5, 3.0).seconds
    1.5
    """

    label: str
    start: float
    end: float
    score: float | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start
