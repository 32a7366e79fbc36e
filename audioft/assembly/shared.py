"""What runs of one process beside or after each other need not compute again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Made = TypeVar("Made")


@dataclass
class Shared:
    """Things by all that they depend on.

    >>> shared = Shared()
    >>> shared.once("a", list) is shared.once("a", list)
    True
    """

    held: dict[Any, Any] = field(default_factory=dict)

    def once(self, address: Any, make: Callable[[], Made]) -> Made:
        """What is at an address; made where nothing is."""
        if address not in self.held:
            self.held[address] = make()
        return self.held[address]
