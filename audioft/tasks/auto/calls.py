"""The calls that a step is made of, as a person would type them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """A verb of audioft with all that it is given.

    Attributes:
        verb: its name.
        given: what stands without an option: data, models.
        options: by their long names without dashes; True stands alone, None and False are left out.
        settings: `section.key=value`.

    >>> print(Call("probe", ["my clips.csv"], {"encoders": "mini", "clips": 200, "layers": False}, ["seed=1"]))
    audioft probe 'my clips.csv' --encoders mini --clips 200 seed=1
    """

    verb: str
    given: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Sequence[str] = ()

    def __str__(self) -> str:
        return shlex.join(["audioft", self.verb, *self.given, *self._options(), *self.settings])

    def _options(self) -> list[str]:
        told = []
        for name, value in self.options.items():
            if value is None or value is False:
                continue
            told += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return told
