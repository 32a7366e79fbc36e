"""What a row of the table found out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """How a promise held.

    Attributes:
        tried: how often.
        kept: how often it held.
        told: figures besides, in words.
        broken: what happened where it did not.
    """

    tried: int = 0
    kept: int = 0
    told: str = ""
    broken: list[str] = field(default_factory=list)

    def count(self, held: bool, what: str = "") -> bool:
        """Another try."""
        self.tried += 1
        self.kept += bool(held)
        if not held:
            self.broken.append(what)
        return held

    @property
    def ok(self) -> bool:
        """Whether it held every time."""
        return self.tried > 0 and self.kept == self.tried
