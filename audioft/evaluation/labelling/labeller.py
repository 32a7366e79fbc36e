"""What labelling new recordings asks of a model, whatever computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from audioft.data.clip import Clip
from audioft.data.windowed import Preparation, Window
from audioft.evaluation.labelling.recording_vectors import Embeddings
from audioft.evaluation.labelling.window_scores import WindowScores


class Labeller(Protocol):
    """A model that says how probable each label is.

    Attributes:
        prepare: what every window goes through first; its `hearing` is how recordings reach the model.
        frame_level: whether it answers for each frame instead of the whole window.
        seconds_per_frame: from one frame to the next.
        max_seconds: of a window, at most; or infinite.
        family: what its encoder is called in messages.
        precision: what it computes in.
        notes: what is to be said of how it computes on this machine.
    """

    @property
    def prepare(self) -> Preparation: ...
    @property
    def frame_level(self) -> bool: ...
    @property
    def seconds_per_frame(self) -> float: ...
    @property
    def max_seconds(self) -> float: ...
    @property
    def family(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def notes(self) -> list[str]: ...

    def scores(self, sources: Iterable[Iterator[Window]], *, at_once: bool = False) -> Iterator[WindowScores]:
        """Of each recording's windows what the model says, see `window_scores.over_windows`."""
        ...

    def embed(
        self, clips: Sequence[Clip], *, window: float, progress: Callable[[float], None] | None = None
    ) -> Embeddings:
        """Recordings as vectors, heard in windows of so many seconds.

        Raises:
            UsageError: the model labels frames, so that it has no embedding of a clip.
        """
        ...

    def fingerprint(self, about: Mapping[str, object]) -> str:
        """A hash of its weights and of what else is given."""
        ...
