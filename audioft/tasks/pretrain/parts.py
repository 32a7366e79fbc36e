"""What a pretraining is made of, once recordings and encoder are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audioft.assembly import build, heard_before
from audioft.configuration.config import PretrainConfig
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.data.crops import CropBatch, Crops
from audioft.data.dataset import Draw, Preparation
from audioft.data.inputs import content
from audioft.evaluation.probe import ProbeTask
from audioft.evaluation.scoring import preparation_of
from audioft.models.encoder import Encoder
from audioft.models.heard import Heard
from audioft.tasks.pretrain.recordings import PretrainingData
from audioft.tasks.pretrain.rounds import RoundPlan
from audioft.tasks.pretrain.teacher import fixed_crops
from audioft.training.teacher_states import TeacherStates

MEASURED = 256  # held-out crops at most


@dataclass
class Parts:
    """What a pretraining is made of."""

    config: PretrainConfig
    data: PretrainingData
    probes: list[ProbeTask]
    processes: Processes
    precision: str
    console: Console
    folder: Path  # of the run, `ENCODER/pretraining`
    before: dict[str, float] = field(default_factory=dict)  # the probes' figures before the first step
    rounds: list[RoundPlan] = field(default_factory=list)
    teacher: TeacherStates | None = None
    told_before: list[str] = field(default_factory=list)  # of probes whose clips the encoder has heard

    @property
    def heard(self) -> Heard:
        """What the encoder has heard at the end: what it is pretrained on, and what it had heard at the beginning."""
        start = self.config.encoder.start
        own = Heard.unlabelled(self.data.digests[i] for i in self.data.learnt)
        return own | ((None if start is None else heard_before.of_encoder(start)) or Heard())


def heard_of_probes(parts: Parts) -> list[str]:
    """Sentences on probes that test on recordings which the encoder is pretrained on."""
    own, told = parts.heard, []
    for task in parts.probes:
        tested = np.any([test for _, test in task.splits], axis=0)
        asked = [(content(clip.path), "") for clip, is_tested in zip(task.clips, tested, strict=True) if is_tested]
        told += own.told(asked, f"clips that probe_{task.name} tests on", "this encoder")
    return told


def crops_of(parts: Parts, encoder: Encoder) -> Crops:
    """Crops to learn from."""
    data, config = parts.data, parts.config
    shares = data.shares[data.learnt] / data.shares[data.learnt].sum()
    return Crops(
        [data.clips[i] for i in data.learnt],
        [data.seconds[i] for i in data.learnt],
        preparation_of(encoder),
        config.data.crop_seconds / encoder.hearing.expansion,
        config.seed,
        build.chain(config.augment, encoder.hearing),
        build.chain(config.disturb, encoder.hearing),
        build.single("mixing", config.mixing),
        shares,
        _taught(parts),
        fixed_crops(config, shares),
    )


def held_out(parts: Parts, encoder: Encoder) -> list[CropBatch]:
    """The same crops at every measure, disturbed as the others are."""
    data, config = parts.data, parts.config
    chosen = data.held_out[:MEASURED]
    crops = Crops(
        [data.clips[i] for i in chosen],
        [data.seconds[i] for i in chosen],
        preparation_of(encoder),
        config.data.crop_seconds / encoder.hearing.expansion,
        config.seed,
        disturb=build.chain(config.disturb, encoder.hearing),
        mixing=build.single("mixing", config.mixing),
        teacher=_taught(parts),
    )
    size = config.train.batch_size
    draws = [Draw(i, -1) for i in range(len(chosen))]
    return [crops.collate([crops[d] for d in draws[i : i + size]]) for i in range(0, len(draws), size)]


def _taught(parts: Parts) -> Preparation | None:
    """What a crop goes through on its way to the teacher."""
    return None if parts.teacher is None else preparation_of(parts.teacher.encoder)
