"""A classifier that learns from a teacher: its probabilities, softened, and its states (Hinton et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from audioft.audio.spectra import FrameGrid
from audioft.data.batching import Batch, collate
from audioft.data.dataset import Draw, Item, Preparation, TrainingClips
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder
from audioft.models.frames import Frames
from audioft.training.clusters import Scale
from audioft.training.distillation import aligned, distance
from audioft.training.teacher_states import TeacherAnswers


def soft_loss(logits: Tensor, wanted: Tensor, temperature: float, multilabel: bool) -> Tensor:
    """How far a student's probabilities are from its teacher's, `(B,)`: divergence times squared temperature.

    That is the Kullback-Leibler divergence of distributions over the labels, or where several may hold the mean over
    the labels of that of each. The factor keeps gradients of one size at all temperatures.

    Args:
        logits, wanted: `(B, C)`, the student's and the teacher's.
        temperature: both are divided by it; above 1 it shows which of the wrong labels the teacher finds likely.
        multilabel: whether each label has a probability of its own.
    """
    found, wanted = logits.float() / temperature, wanted.float() / temperature
    if multilabel:
        share = wanted.sigmoid()
        off = F.binary_cross_entropy_with_logits(found, share, reduction="none")
        own = F.binary_cross_entropy_with_logits(wanted, share, reduction="none")
        return (off - own).mean(-1) * temperature**2
    shares = wanted.softmax(-1)
    return F.kl_div(found.log_softmax(-1), shares, reduction="none").sum(-1) * temperature**2


class LayerHeads(nn.Module):
    """A linear map a pair of layers, from the student's states to the teacher's; thrown away afterwards.

    Where both are of one width it begins as nothing but the states themselves.

    Args:
        student: the encoder that learns.
        width: of the teacher's states.
        count: of pairs.
    """

    def __init__(self, student: Encoder, width: int, count: int):
        super().__init__()
        made = [nn.Linear(student.hidden_size, width) for _ in range(count)]
        for own in made if width == student.hidden_size else ():
            nn.init.eye_(own.weight)
            nn.init.zeros_(own.bias)
        self.maps = nn.ModuleList(made)

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """`(B, F, K D)` of K states `(B, F, H)`."""
        return torch.cat([own(states) for own, states in zip(self.maps, layers, strict=True)], -1)


class Student(nn.Module):
    """A classifier that learns, and what is needed only while it does.

    Args:
        classifier: the student.
        heads: see `LayerHeads`; None where no states are learnt.
    """

    encoder: Encoder

    def __init__(self, classifier: AudioClassifier, heads: LayerHeads | None = None):
        super().__init__()
        self.classifier, self.heads = classifier, heads
        object.__setattr__(self, "encoder", classifier.encoder)  # the classifier's, and no module of its own

    def head_parameters(self) -> list[nn.Parameter]:
        """All parameters outside the encoder."""
        own = [] if self.heads is None else list(self.heads.parameters())
        return [*self.classifier.head_parameters(), *own]


@dataclass(frozen=True)
class TaughtItem(Item):
    """One example, also as a teacher hears it.

    Attributes:
        taught: `(T',)` float32; None if the recording failed.
    """

    taught: Tensor | None = None


@dataclass(frozen=True)
class TaughtBatch(Batch):
    """Examples, also as a teacher hears them.

    Attributes:
        taught: a waveform each.
    """

    taught: tuple[Tensor, ...] = ()


@dataclass(eq=False)
class TaughtClips(Dataset):
    """Clips for student and teacher, who hear the same: crops, augmentations and mixtures of few draws.

    An example of epoch e is view `e mod views` of its clip, so that what the teacher says of it is computed once.

    Args:
        inner: the clips, in samples that are prepared for nobody.
        student, teacher: what each wants done to a clip.
        views: how many are drawn of a clip of which anything is drawn.
    """

    inner: TrainingClips
    student: Preparation
    teacher: Preparation
    views: int

    def __len__(self) -> int:
        return len(self.inner)

    def view(self, draw: Draw) -> Draw:
        """The example that is taken; another use of a clip in the same epoch takes the next view."""
        drawn = self.inner.is_drawn(draw.index)
        return Draw(draw.index, (draw.epoch + draw.repeat) % self.views if drawn else 0)

    def __getitem__(self, draw: Draw) -> Item:
        item = self.inner[self.view(draw)]
        if item.waveform is None:
            return item
        samples = item.waveform.numpy()
        given = {**vars(item), "waveform": self.student(samples), "address": self.inner.address(draw)}
        return TaughtItem(**given, taught=self.teacher(samples))

    @staticmethod
    def collate(items: Sequence[Item]) -> Batch:
        """Examples as a batch; those that failed are set apart."""
        taught = tuple(i.taught for i in items if isinstance(i, TaughtItem) and i.taught is not None)
        return TaughtBatch(**vars(collate(items)), taught=taught)


@dataclass(frozen=True, eq=False)
class Matched:
    """Which states of a teacher a student is to have, and how they are compared.

    Attributes:
        layers: of the student, as `Frames.layers` counts them, one for each of the teacher's `layers`.
        scale: of the teacher's states, `(K D,)`.
        own, wanted: where the student's and the teacher's frames lie.
    """

    layers: tuple[int, ...]
    scale: Scale
    own: FrameGrid
    wanted: FrameGrid

    def distance(self, heads: LayerHeads, frames: Frames, states: Sequence[Tensor]) -> Tensor:
        """`(B,)`: DistilHuBERT's distance, a mean over a clip's own frames and the pairs of layers."""
        assert frames.layers is not None
        found = heads([frames.layers[k] for k in self.layers])
        scale, width = self.scale.to(found.device), found.shape[1]
        at = torch.stack([aligned(s.to(found.device), self.wanted, self.own, width) for s in states])
        off = distance(scale(found.float()), scale(at), len(self.layers))
        lengths = frames.lengths if frames.layer_lengths is None else frames.layer_lengths
        valid = torch.arange(width, device=lengths.device)[None] < lengths[:, None]
        return off.masked_fill(~valid, 0).sum(1) / lengths


@dataclass(eq=False)
class Distillation:
    """The objective: labels where they are known, and of every clip what the teacher says of it.

    Args:
        loss: of the labels, a part of the `losses` registry.
        teacher: see `TeacherAnswers`.
        temperature: see `soft_loss`.
        multilabel: likewise.
        hard: weight of the labels' loss.
        soft: weight of the teacher's probabilities.
        states: weight of its states.
        matched: which of them; None where none are learnt.
    """

    loss: Any
    teacher: TeacherAnswers
    temperature: float = 2.0
    multilabel: bool = False
    hard: float = 0.3
    soft: float = 1.0
    states: float = 0.3
    matched: Matched | None = None

    def __call__(self, model: Student, batch: TaughtBatch) -> tuple[Tensor, Tensor]:
        classifier, count = model.classifier, torch.tensor(float(len(batch)))
        every = classifier.every_layer or model.heads is not None
        frames = classifier.encoder.frames(batch.waveforms, batch.lengths, every_layer=every)
        logits = classifier.head(classifier.pooled(frames))
        wanted, states = self.teacher(batch.taught)
        total = self.soft * soft_loss(logits, wanted.to(logits.device), self.temperature, self.multilabel).sum()
        if self.hard:
            total = total + self.hard * self.loss(logits, batch.targets, batch.known)[0]
        if self.matched is not None and model.heads is not None:
            total = total + self.states * self.matched.distance(model.heads, frames, states).sum()
        return total, count
