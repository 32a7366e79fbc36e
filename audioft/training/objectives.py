"""What a step tries to make small: a batch in, a summed loss and its weight out."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from audioft.core.registry import Spec, split_spec
from audioft.data.batching import Batch
from audioft.models.classifier import AudioClassifier
from audioft.models.frames import LatentMask
from audioft.models.poolings_and_heads import heads
from audioft.training.latent import LatentMasking
from audioft.training.losses import losses


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
        logits, targets, known = self.logits(model, batch), batch.targets, batch.known
        if model.frame_level:  # every frame is an example; of those beyond a clip's end nothing is known
            logits, targets, known = logits.flatten(0, 1), targets.flatten(0, 1), known.flatten(0, 1)
        return self.loss(logits, targets, known)

    def logits(self, model: AudioClassifier, batch: Batch) -> Tensor:
        """`(B, C)`, or of frames `(B, F, C)`."""
        return model(batch.waveforms, batch.lengths, self.mask(model, batch))

    def mask(self, model: AudioClassifier, batch: Batch) -> LatentMask | None:
        """What is hidden of each clip, drawn at its address."""
        return None if self.latent is None else self.latent.draw(model.encoder, batch.lengths, batch.addresses)


def problems(loss: Spec, head: Spec, mixed: bool, several: bool) -> list[str]:
    """What of a loss does not go together with the rest of a config, as sentences that begin with a key.

    Args:
        loss: a spec that is right by itself.
        head: likewise.
        mixed: whether clips are mixed.
        several: whether a clip may carry several labels.
    """
    name, of_head = split_spec(loss)[0], split_spec(head)[0]
    if not losses[name].cosines:  # type: ignore[attr-defined]
        return []
    found = []
    if not _cosines(of_head):
        fitting = " or ".join(n for n in heads.names() if _cosines(n))
        found.append(
            f"train.loss: {name!r} needs a head that gives cosines, {of_head!r} gives none; set model.head={fitting}"
        )
    if mixed:
        found.append(
            f"mixup: {name!r} has a margin for the one label of a clip, and a mixture has two; "
            "set mixup=null, or train.loss=cross_entropy"
        )
    if several:
        found.append(f"train.loss: {name!r} is for one label a clip; set train.loss=bce")
    return found


def _cosines(head: str) -> bool:
    return getattr(heads[head], "cosines", False)
