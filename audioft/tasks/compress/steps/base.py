"""The form of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from audioft.models.classifier import AudioClassifier
from audioft.tasks.compress.work import Work


@dataclass(frozen=True)
class Made:
    """A smaller model.

    Attributes:
        model: in eval mode, on the processor.
        said: what was done, in words.
        about: the same for `audioft.json`.
    """

    model: AudioClassifier
    said: Sequence[str] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


class Step(Protocol):
    """A way to make a model smaller.

    Attributes:
        name: as `--how` knows it.
        makes: what it makes, in words.
        trains: whether it takes training; what does not is tried first.
        last: whether nothing can be trained after it.
    """

    @property
    def name(self) -> str: ...
    @property
    def makes(self) -> str: ...
    @property
    def trains(self) -> bool: ...
    @property
    def last(self) -> bool: ...

    def make(self, model: AudioClassifier, stage: int, work: Work, folder: Path) -> Made | None:
        """The next smaller model.

        Args:
            model: what to begin from: the original, or what the stage before has made; it is not changed.
            stage: from 0; how often this step has been taken on the way to `model`.
            work: data, original and settings.
            folder: of its own, for what is kept while it lasts: there again when it goes on after a stop.

        Returns:
            None where nothing more can be made smaller this way.

        Raises:
            AudioftError: it cannot be done with such a model; the other steps are tried without it.
        """
        ...
