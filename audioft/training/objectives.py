"""What a step tries to make small: a batch in, a summed loss and its weight out."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from audioft.data.batching import Batch
from audioft.models.classifier import AudioClassifier
from audioft.training.latent import LatentMasking


class Objective(Protocol):
    """`objective(model, batch) -> (total, weight)`: the loss summed over the batch, and what to divide sums by.

    Sums over pieces and processes are added up before the one division, so a short last piece counts as what it is.
    """

    def __call__(self, model: Any, batch: Any) -> tuple[Tensor, Tensor]: ...


class Classification:
    """Labels from clips, or from their frames.

    Args:
        loss: a part of the `losses` registry.
        latent: masking inside the encoder; None for none.
    """

    def __init__(self, loss, latent: LatentMasking | None = None):
        self.loss, self.latent = loss, latent

    def __call__(self, model: AudioClassifier, batch: Batch) -> tuple[Tensor, Tensor]:
        mask = None
        if self.latent is not None:
            mask = self.latent.draw(model.encoder, batch.lengths, batch.addresses)
        logits, targets, known = model(batch.waveforms, batch.lengths, mask), batch.targets, batch.known
        if model.frame_level:  # every frame is an example; of those beyond a clip's end nothing is known
            logits, targets, known = logits.flatten(0, 1), targets.flatten(0, 1), known.flatten(0, 1)
        return self.loss(logits, targets, known)
