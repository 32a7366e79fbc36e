"""Masked prediction: what an encoder learns from recordings without labels.

Spans of frames are hidden from the transformer, and it predicts what is said there: the cluster that the undisturbed
frame belongs to (HuBERT, Hsu et al. 2021; with noise and a second recording in what is heard, WavLM, Chen et al.
2022). Since clusters of cepstra forget voice, pitch and level, more may be asked for: two regressions, of the texture
(see `audio.spectra`) of the masked frames from the encoder's output, and of that of the visible ones as they are
heard from a low layer; and that whole crops be as alike in every layer as they are in sound (`training.likeness`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from audioft.audio.spectra import FrameGrid, log_mel, mfcc, texture, texture_size
from audioft.core.runtime import evaluating
from audioft.data.crops import CropBatch
from audioft.models.encoder import Encoder
from audioft.models.frames import Frames
from audioft.training.clusters import Clusters, Scale
from audioft.training.latent import LatentMasking
from audioft.training.likeness import Likeness

BANDS = 80


def grid_of(encoder: Encoder) -> FrameGrid:
    """Where the encoder's frames lie."""
    return FrameGrid(encoder.sample_rate, encoder.backbone.samples_per_frame, encoder.min_samples)


class FrameSource(Protocol):
    """Features of undisturbed frames, to be clustered: `(B, T)` and `(B,)` samples to `(B, F, D)`."""

    def __call__(self, clean: Tensor, lengths: Tensor, frames: int) -> Tensor: ...


@dataclass(frozen=True)
class Cepstra:
    """The first round's features: MFCCs with their deltas."""

    grid: FrameGrid

    def __call__(self, clean: Tensor, lengths: Tensor, frames: int) -> Tensor:
        return mfcc(log_mel(clean, self.grid, frames, BANDS, lengths), frames)


class LayerStates:
    """A later round's features: the states of one layer of an encoder that stays as it is.

    Args:
        teacher: the encoder; it is put into eval mode.
        layer: from 1 to its number of layers.
    """

    def __init__(self, teacher: Encoder, layer: int):
        if not 1 <= layer <= teacher.num_layers:
            raise ValueError(f"layer {layer} of an encoder of {teacher.num_layers} layers")
        self.teacher, self.layer = teacher.eval(), layer

    def __call__(self, clean: Tensor, lengths: Tensor, frames: int) -> Tensor:
        return self.teacher.frames(clean, lengths, stop=self.layer).states


class MaskedPredictor(nn.Module):
    """An encoder with what pretraining needs on top of it; the heads are thrown away afterwards.

    Args:
        encoder: what is pretrained.
        clusters: how many there are to choose from.
        regress: whether there are heads for the texture of masked and visible frames.
    """

    def __init__(self, encoder: Encoder, clusters: int, regress: bool):
        super().__init__()
        self.encoder = encoder
        self.clusters = nn.Linear(encoder.hidden_size, clusters)
        size = texture_size(BANDS)
        self.masked_texture = nn.Linear(encoder.hidden_size, size) if regress else None
        self.visible_texture = nn.Linear(encoder.hidden_size, size) if regress else None

    def head_parameters(self) -> list[nn.Parameter]:
        """All parameters outside the encoder."""
        return [p for name, p in self.named_parameters() if not name.startswith("encoder.")]


@dataclass(frozen=True)
class Outcome:
    """What came out for one batch, summed over its M masked frames.

    Attributes:
        loss: what is made small.
        count: M.
        cross_entropy: of the clusters, in nats.
        correct: how many clusters were predicted right.
        labels: `(M,)`, what was right.
        texture: squared error of the masked frames' texture, in units of its variance.
    """

    loss: Tensor
    count: int
    cross_entropy: float
    correct: int
    labels: Tensor
    texture: float


@dataclass(eq=False)
class MaskedPrediction:
    """The objective, see the head of this file.

    Args:
        source: features of the undisturbed frames.
        clusters: of those features.
        masking: which frames are hidden.
        grid: the encoder's.
        features: the scale of the texture; None where nothing is regressed.
        masked_weight: of the squared error of the masked frames' texture beside the clusters' cross-entropy.
        visible_weight: of that of the visible frames.
        visible_layer: from which layer's states; 0 is before the first.
        likeness: of how far the likeness of the crops in the layers is from that of their sounds.
    """

    source: FrameSource
    clusters: Clusters
    masking: LatentMasking
    grid: FrameGrid
    features: Scale | None = None
    masked_weight: float = 0.0
    visible_weight: float = 0.0
    visible_layer: int = 1
    likeness: Likeness | None = None

    def __call__(self, model: MaskedPredictor, batch: CropBatch) -> tuple[Tensor, Tensor]:
        found = self.outcome(model, batch)
        return found.loss, torch.tensor(float(found.count))

    def outcome(self, model: MaskedPredictor, batch: CropBatch) -> Outcome:
        """The loss and what it is made of."""
        mask = self.masking.draw(model.encoder, batch.lengths, batch.addresses)
        assert mask.time is not None
        frames = model.encoder.frames(batch.waveforms, batch.lengths, mask, every_layer=True)
        hidden = mask.time
        labels = self._labels(batch, hidden.shape[1])[hidden]
        states = frames.states[hidden]
        logits = model.clusters(states).float()
        entropy = cross_entropy(logits, labels, reduction="sum")
        loss, error, count = entropy, 0.0, len(labels)
        regress, alike = self.features is not None, self.likeness is not None
        sound = self._spectra(batch.clean, batch.lengths, hidden.shape[1]) if regress or alike else None
        if self.features is not None and model.masked_texture is not None and model.visible_texture is not None:
            assert sound is not None
            wanted = self.features(sound)[hidden]
            off = (model.masked_texture(states).float() - wanted).square().mean(1).sum()
            loss, error = loss + self.masked_weight * off, off.item()
            loss = loss + self.visible_weight * self._visible(model.visible_texture, frames, hidden, batch)
        if self.likeness is not None:
            assert sound is not None
            loss = loss + self.likeness(frames, frames.valid & ~hidden, sound, batch.indices) * count
        correct = int((logits.detach().argmax(1) == labels).sum())
        return Outcome(loss, count, entropy.item(), correct, labels, error)

    def _labels(self, batch: CropBatch, frames: int) -> Tensor:
        device = batch.clean.device
        with torch.no_grad(), torch.autocast(device.type, enabled=False):  # the same clusters in every precision
            return self.clusters.nearest(self.source(batch.clean, batch.lengths, frames))

    def _spectra(self, waveforms: Tensor, lengths: Tensor, frames: int) -> Tensor:
        with torch.no_grad(), torch.autocast(waveforms.device.type, enabled=False):
            return texture(log_mel(waveforms, self.grid, frames, BANDS, lengths), frames)

    def _visible(self, head: nn.Module, frames: Frames, hidden: Tensor, batch: CropBatch) -> Tensor:
        """Of each clip the mean squared error over its visible frames, as often as it has hidden ones; the sum.

        By clips, so that the pieces of a step and the processes add up to the step.
        """
        assert frames.layers is not None
        assert self.features is not None
        shown = frames.valid & ~hidden
        wanted = self.features(self._spectra(batch.waveforms, batch.lengths, hidden.shape[1]))
        off = (head(frames.layers[self.visible_layer]).float() - wanted).square().mean(2)
        each = off.masked_fill(~shown, 0).sum(1) / shown.sum(1).clamp(min=1)
        return (each * hidden.sum(1)).sum()


@dataclass
class Measured:
    """Sums over held-out crops."""

    cross_entropy: float = 0.0
    texture: float = 0.0
    correct: int = 0
    count: int = 0
    labels: Counter[int] = field(default_factory=Counter)

    def figures(self) -> dict[str, float]:
        """Figures a masked frame: `loss` (nats), `masked_accuracy`, `guess`, `texture_error`.

        `guess` is the share of the commonest cluster among the masked frames: the best accuracy without looking.
        """
        count = max(1, self.count)
        return {
            "loss": self.cross_entropy / count,
            "masked_accuracy": self.correct / count,
            "guess": max(self.labels.values(), default=0) / count,
            "texture_error": self.texture / count,
        }


def measure(model: MaskedPredictor, objective: MaskedPrediction, batches: Iterable[CropBatch]) -> Measured:
    """How well the encoder does on held-out crops; its mode is restored afterwards."""
    sums = Measured()
    device = next(model.parameters()).device
    with evaluating(model):
        for batch in batches:
            if not len(batch):
                continue
            with torch.inference_mode():
                found = objective.outcome(model, batch.to(device))
            sums.cross_entropy += found.cross_entropy
            sums.texture += found.texture
            sums.correct += found.correct
            sums.count += found.count
            sums.labels.update(found.labels.tolist())
    return sums
