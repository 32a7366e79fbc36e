"""A model of torch's as what labels recordings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from audioft.data.clip import Clip
from audioft.data.windowed import Preparation, Window
from audioft.evaluation.labelling.recording_vectors import Embeddings
from audioft.evaluation.labelling.window_scores import WindowScores
from audioft.evaluation.recording_embeddings import embed
from audioft.evaluation.scoring import cast_products, preparation, score_windows
from audioft.models.classifier import AudioClassifier
from audioft.models.compression import compressed
from audioft.models.weight_files import weights_hash


class TorchLabeller:
    """See `Labeller`.

    Args:
        model: on the device that it is to compute on.
        multilabel: whether several labels may hold at once.
        precision: `fp32` or `bf16`.
        batch_seconds: audio that goes through at once; None is what suits the device.
    """

    def __init__(self, model: AudioClassifier, multilabel: bool, precision: str, batch_seconds: float | None):
        self.model, self.multilabel = model, multilabel
        self.precision, self.batch_seconds = precision, batch_seconds

    @functools.cached_property
    def scoring(self) -> AudioClassifier:
        """The model that scores: `model`, or in bfloat16 one whose large weights are cast once and for all."""
        return cast_products(self.model) if self.precision == "bf16" else self.model

    @functools.cached_property
    def prepare(self) -> Preparation:
        return preparation(self.model)

    @property
    def frame_level(self) -> bool:
        return self.model.frame_level

    @property
    def seconds_per_frame(self) -> float:
        return self.model.encoder.seconds_per_frame

    @property
    def max_seconds(self) -> float:
        return self.model.encoder.max_seconds

    @property
    def family(self) -> str:
        return self.model.encoder.family

    @property
    def notes(self) -> list[str]:
        return compressed.notes(self.model)

    def scores(self, sources: Iterable[Iterator[Window]], *, at_once: bool = False) -> Iterator[WindowScores]:
        how = {"batch_seconds": self.batch_seconds, "precision": self.precision, "at_once": at_once}
        return score_windows(self.scoring, sources, multilabel=self.multilabel, **how)  # type: ignore[arg-type]

    def embed(
        self, clips: Sequence[Clip], *, window: float, progress: Callable[[float], None] | None = None
    ) -> Embeddings:
        how = {"batch_seconds": self.batch_seconds, "precision": self.precision}
        return embed(self.model, clips, window=window, progress=progress, **how)

    def fingerprint(self, about: Mapping[str, object]) -> str:
        return weights_hash(self.model.state_dict(), about)
