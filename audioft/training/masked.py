"""Masked prediction: what an encoder learns from recordings without labels.

Spans of frames are hidden from the transformer, and it predicts what is said there: the cluster that the undisturbed
frame belongs to (HuBERT, Hsu et al. 2021; with noise and a second recording in what is heard, WavLM, Chen et al.
2022). Since clusters of cepstra forget voice, pitch and level, more may be asked for: two regressions, of the texture
(see `audio.spectra`) of the masked frames from the encoder's output, and of that of the visible ones as they are
heard from a low layer; and that whole crops be as alike in every layer as they are in sound (`training.likeness`).
A teacher's states may be learnt beside all this, or in its place (`training.distillation`).
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
from audioft.training.distillation import TeacherHeads, Teaching
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
        taught: numbers a frame of a teacher; 0 without one.
    """

    def __init__(self, encoder: Encoder, clusters: int, regress: bool, taught: int = 0):
        super().__init__()
        self.encoder = encoder
        self.clusters = nn.Linear(encoder.hidden_size, clusters) if clusters else None
        size = texture_size(BANDS)
        self.masked_texture = nn.Linear(encoder.hidden_size, size) if regress else None
        self.visible_texture = nn.Linear(encoder.hidden_size, size) if regress else None
        self.teacher = TeacherHeads(encoder, taught) if taught else None

    def head_parameters(self) -> list[nn.Parameter]:
        """All parameters outside the encoder."""
        return [p for name, p in self.named_parameters() if not name.startswith("encoder.")]


@dataclass(frozen=True)
class Outcome:
    """What came out for one batch, summed over its M masked frames; over all frames where none is masked.

    Attributes:
        loss: what is made small.
        count: M.
        cross_entropy: of the clusters, in nats.
        correct: how many clusters were predicted right.
        labels: `(M,)`, what was right; empty where there are no clusters.
        texture: squared error of the masked frames' texture, in units of its variance.
        teacher: how far the student is from its teacher.
    """

    loss: Tensor
    count: int
    cross_entropy: float
    correct: int
    labels: Tensor
    texture: float
    teacher: float = 0.0


@dataclass(eq=False)
class MaskedPrediction:
    """The objective, see the head of this file.

    Args:
        source: features of the undisturbed frames.
        clusters: of those features; None where none are predicted.
        masking: which frames are hidden; None hides none, and what is asked of hidden frames is asked of all.
        grid: the encoder's.
        features: the scale of the texture; None where nothing is regressed.
        masked_weight: of the squared error of the masked frames' texture beside the clusters' cross-entropy.
        visible_weight: of that of the visible frames.
        visible_layer: from which layer's states; 0 is before the first.
        likeness: of how far the likeness of the crops in the layers is from that of their sounds.
        teaching: of how far the encoder is from its teacher.
        cluster_weight: of the clusters' cross-entropy.
    """

    source: FrameSource | None
    clusters: Clusters | None
    masking: LatentMasking | None
    grid: FrameGrid
    features: Scale | None = None
    masked_weight: float = 0.0
    visible_weight: float = 0.0
    visible_layer: int = 1
    likeness: Likeness | None = None
    teaching: Teaching | None = None
    cluster_weight: float = 1.0

    def __call__(self, model: MaskedPredictor, batch: CropBatch) -> tuple[Tensor, Tensor]:
        found = self.outcome(model, batch)
        return found.loss, torch.tensor(float(found.count))

    def outcome(self, model: MaskedPredictor, batch: CropBatch) -> Outcome:
        """The loss and what it is made of."""
        mask = None if self.masking is None else self.masking.draw(model.encoder, batch.lengths, batch.addresses)
        frames = model.encoder.frames(batch.waveforms, batch.lengths, mask, every_layer=True)
        asked = frames.valid if mask is None or mask.time is None else mask.time
        shown = frames.valid if mask is None else frames.valid & ~asked
        states, count, width = frames.states[asked], int(asked.sum()), asked.shape[1]
        loss, entropy, correct, labels = self._clusters(model, batch, asked, states)
        error, taught = 0.0, 0.0
        regress, alike = self.features is not None, self.likeness is not None
        sound = self._spectra(batch.clean, batch.lengths, width) if regress or alike else None
        if self.features is not None and model.masked_texture is not None and model.visible_texture is not None:
            assert sound is not None
            wanted = self.features(sound)[asked]
            off = (model.masked_texture(states).float() - wanted).square().mean(1).sum()
            loss, error = loss + self.masked_weight * off, off.item()
            loss = loss + self.visible_weight * self._visible(model.visible_texture, frames, shown, asked, batch)
        if self.likeness is not None:
            assert sound is not None
            loss = loss + self.likeness(frames, shown, sound, batch.indices) * count
        if self.teaching is not None and model.teacher is not None:
            off = self.teaching(model.teacher, frames, shown, asked.sum(1), batch.taught)
            loss, taught = loss + off, off.item()
        return Outcome(loss, count, entropy, correct, labels, error, taught)

    def _clusters(
        self, model: MaskedPredictor, batch: CropBatch, asked: Tensor, states: Tensor
    ) -> tuple[Tensor, float, int, Tensor]:
        """Weighted cross-entropy, the same without its weight, how many are right, and what was right."""
        if self.clusters is None or model.clusters is None:
            return states.new_zeros((), dtype=torch.float32), 0.0, 0, torch.zeros(0, dtype=torch.long)
        labels = self._labels(batch, asked.shape[1])[asked]
        logits = model.clusters(states).float()
        entropy = cross_entropy(logits, labels, reduction="sum")
        correct = int((logits.detach().argmax(1) == labels).sum())
        return self.cluster_weight * entropy, entropy.item(), correct, labels

    def _labels(self, batch: CropBatch, frames: int) -> Tensor:
        device = batch.clean.device
        assert self.clusters is not None
        assert self.source is not None
        with torch.no_grad(), torch.autocast(device.type, enabled=False):  # the same clusters in every precision
            return self.clusters.nearest(self.source(batch.clean, batch.lengths, frames))

    def _spectra(self, waveforms: Tensor, lengths: Tensor, frames: int) -> Tensor:
        with torch.no_grad(), torch.autocast(waveforms.device.type, enabled=False):
            return texture(log_mel(waveforms, self.grid, frames, BANDS, lengths), frames)

    def _visible(self, head: nn.Module, frames: Frames, shown: Tensor, asked: Tensor, batch: CropBatch) -> Tensor:
        """Of each clip the mean squared error over its visible frames, as often as it has hidden ones; the sum.

        By clips, so that the pieces of a step and the processes add up to the step.
        """
        assert frames.layers is not None
        assert self.features is not None
        wanted = self.features(self._spectra(batch.waveforms, batch.lengths, asked.shape[1]))
        off = (head(frames.layers[self.visible_layer]).float() - wanted).square().mean(2)
        each = off.masked_fill(~shown, 0).sum(1) / shown.sum(1).clamp(min=1)
        return (each * asked.sum(1)).sum()


@dataclass
class Measured:
    """Sums over held-out crops."""

    cross_entropy: float = 0.0
    texture: float = 0.0
    teacher: float = 0.0
    correct: int = 0
    count: int = 0
    labels: Counter[int] = field(default_factory=Counter)

    def add(self, found: Outcome) -> None:
        """One batch more."""
        for name in ("cross_entropy", "texture", "teacher", "correct", "count"):
            setattr(self, name, getattr(self, name) + getattr(found, name))
        self.labels.update(found.labels.tolist())

    def figures(self, taught: bool = False) -> dict[str, float]:
        """Figures a masked frame: `loss` (nats), `masked_accuracy`, `guess`, `texture_error`, `teacher_loss`.

        `guess` is the share of the commonest cluster among the masked frames: the best accuracy without looking.
        Without clusters the loss is the teacher's.

        Args:
            taught: whether there is a teacher.
        """
        count = max(1, self.count)
        told = {"teacher_loss": self.teacher / count} if taught else {}
        if taught and not self.labels:
            return {"loss": self.teacher / count, "texture_error": self.texture / count} | told
        return {
            "loss": self.cross_entropy / count,
            "masked_accuracy": self.correct / count,
            "guess": max(self.labels.values(), default=0) / count,
            "texture_error": self.texture / count,
        } | told


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
            sums.add(found)
    return sums
