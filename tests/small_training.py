"""A trainer on a tiny encoder and clips in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tiny
import torch
from torch.utils.data import Dataset

from audioft.core.runtime import Processes
from audioft.data.batching import StepPlan
from audioft.data.dataset import Draw, Item
from audioft.training.checkpoint import Checkpoints
from audioft.training.losses import CrossEntropy
from audioft.training.objectives import Classification
from audioft.training.optim import adamw, parameter_groups
from audioft.training.schedules import Linear
from audioft.training.trainer import Trainer

QUIET = {"hidden_dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "feat_proj_dropout": 0.0}
QUIET |= {"layerdrop": 0.0}


class ToneItems(Dataset):
    """Tones of three labels in memory; `bad` ones come as items that failed."""

    def __init__(self, size: int, bad: frozenset[int] = frozenset()):
        rng = np.random.default_rng(0)
        self.waves = [torch.from_numpy(tiny.tone(i % 3, rng, (0.1, 0.25))) for i in range(size)]
        self.bad = bad

    def __len__(self) -> int:
        return len(self.waves)

    def __getitem__(self, draw: Draw) -> Item:
        from audioft.errors import AudioError

        targets = torch.eye(3)[draw.index % 3]
        known = torch.ones(3, dtype=torch.bool)
        address = (0, draw.epoch, draw.index, draw.repeat)
        if draw.index in self.bad:
            failure = AudioError(f"{draw.index}.wav", "decode", "it is damaged")
            return Item(None, targets, known, draw.index, address, failure)
        return Item(self.waves[draw.index], targets, known, draw.index, address)


class Rows:
    """A callback that keeps what it is told."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.steps: list[int] = []
        self.ended = 0

    def row(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def step(self, done: int, total: int, note: str) -> None:
        self.steps.append(done)

    def end(self) -> None:
        self.ended += 1


def make_trainer(
    folder: Path, *, kind: str = "wav2vec2", size: int = 10, batch_size: int = 4, **options: Any
) -> Trainer:
    """`options` of `Trainer`, and `encoder`, `objective`, `bad`, `lr`, `schedule`, `weight_decay`."""
    model = tiny.make_classifier(kind, encoder=options.pop("encoder", QUIET))
    dataset = ToneItems(size, frozenset(options.pop("bad", ())))
    plan = StepPlan(size, batch_size, seed=0)
    epochs = options.pop("epochs", 2)
    groups = parameter_groups(model, options.pop("lr", 1e-3), weight_decay=options.pop("weight_decay", 0.01))
    return Trainer(
        model,
        options.pop("objective", None) or Classification(CrossEntropy()),
        dataset,
        plan,
        adamw(groups),
        options.pop("schedule", None) or Linear(plan.total(epochs)),
        epochs=epochs,
        checkpoints=Checkpoints(folder / "checkpoints", options.pop("identity", "this"), options.pop("keep", 2)),
        processes=Processes("cpu"),
        **options,
    )
