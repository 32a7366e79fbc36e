"""What settings are that a config leaves to audioft (`auto`): functions of what is known before the first step.

- A whole frozen encoder is what few clips allow: with 272 of ESC-10, no layer that was freed beat the probe on test
  clips. From `FEW` clips on the layers train.
- With a linear head on a frozen encoder there is nothing to train: the probe is the best such head, and solved for.
- Epochs fall with the root of the clips, so that the steps of a run grow as the root: short data are gone over often,
  long data seldom. `patience` ends a run that begins with a probe once it has ceased to gain.
- From a probe on the head and the layers learn at like rates (Kumar et al. 2022), a wider encoder at lower ones, as its
  numbers add up more changes (Yang et al. 2022, "Tensor Programs V"); adapters at ten times the rate (Hu et al. 2021).
- The probe is fitted to what an encoder says without dropout; with it, the deviations over time that `stats` pools are
  larger in training than afterwards, and all layers of `mini` fell from 0.84 to 0.72 of ESC-10.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.configuration.values import AUTO
from audioft.core import storage
from audioft.core.runtime import choose_precision
from audioft.errors import CheckpointError
from audioft.models import freezing

FEW = 1000  # clips
MOST_EPOCHS, FEWEST_EPOCHS, AMONG = 40, 3, 600.0  # epochs: AMONG / sqrt(clips)
FEWEST_WAITED, WAITED = 3, 0.2  # patience: at least, and as a share of the epochs
LR, HEAD_LR = 1e-4, 1e-3  # of a head that begins at random
LINEAR = ("own", "projection", "linear", "normalised")
WIDTH = 192  # of an encoder whose rate from a probe on is LR
OF_ADAPTERS = 10.0
OF_FITTED = 1e-5  # of a head that was fitted to a frozen encoder
FILE = "chosen.json"
OF_THE_MODEL = ("model.layers", "model.pooling")  # by the probe that a run begins with
RATES = ("train.lr", "train.head_lr")
CHOSEN = (
    *("freeze", "encoder.dropout", "encoder.layerdrop", "train.epochs", "train.patience", *RATES),
    "evaluate.precision",
)


def of_data(config: Config, clips: int) -> Config:
    """The config with all that hangs on the number of clips to learn from, before there is a model.

    >>> found = of_data(Config(), 400)
    >>> found.freeze, found.train.epochs, found.train.patience, found.encoder.dropout
    ('all', 0, 3, 0.0)
    """
    from_probe = config.model.start == "probe" and not few_shot.wanted(config)
    silent = 0.0 if from_probe else None
    left = "all" if from_probe and clips < FEW and _plain(config) else "feature_extractor"
    found = fill(config, {"freeze": left, "encoder.dropout": silent, "encoder.layerdrop": silent})
    epochs = max(FEWEST_EPOCHS, min(MOST_EPOCHS, round(AMONG / math.sqrt(max(1, clips)))))
    found = fill(found, {"train.epochs": 0 if from_probe and _solved(found) else epochs})
    waited = max(FEWEST_WAITED, round(WAITED * int(found.train.epochs)))
    waits = from_probe and config.train.metric != "last" and len(freezing.plan(found.freeze)) == 1
    return fill(found, {"train.patience": waited if waits else 0})


def of_model(config: Config, width: int) -> Config:
    """The config with the rates for an encoder of so many numbers a frame.

    >>> found = of_model(of_data(Config(), 4000), 768)
    >>> found.train.lr, found.train.head_lr
    (5e-05, 5e-05)
    """
    if config.model.start == "random" or few_shot.wanted(config):
        return fill(config, {"train.lr": LR, "train.head_lr": HEAD_LR})
    rate = float(f"{LR * math.sqrt(WIDTH / width):.2g}")
    head = OF_FITTED if config.freeze == "all" else rate
    return fill(config, {"train.lr": rate * (OF_ADAPTERS if config.adapt is not None else 1), "train.head_lr": head})


def of_machine(config: Config, device: Any) -> Config:
    """The config with what hangs on the device that a run began on."""
    return fill(config, {"evaluate.precision": choose_precision(AUTO, device)})


def told(asked: Config, found: Config) -> list[str]:
    """Sentences on what was chosen of what a config had left to audioft."""
    said = []
    if asked.freeze == AUTO and found.freeze == "all":
        said.append(
            f"the encoder stays frozen, as there are fewer than {FEW:,} clips to learn from; "
            "freeze=feature_extractor trains its layers"
        )
    if not found.train.epochs:
        return said
    rates = [key for key in RATES if value(asked, key) == AUTO and (found.freeze != "all" or key == "train.head_lr")]
    if rates:
        said.append("rates: " + ", ".join(f"{key}={value(found, key):g}" for key in rates))
    return said


def keep(asked: Config, found: Config, folder: Path) -> None:
    """Write what was chosen into a run folder: a run that goes on has it from there, whatever audioft chooses then."""
    left = [key for key in (*CHOSEN, *OF_THE_MODEL) if value(asked, key) == AUTO]
    storage.write_json(folder / FILE, kept(folder) | {key: value(found, key) for key in left})


def kept(folder: Path) -> dict[str, Any]:
    """What `keep` has written, by the keys; empty where nothing was.

    Raises:
        CheckpointError: the file is damaged.
    """
    file = folder / FILE
    if not file.is_file():
        return {}
    found = storage.read_json(file, CheckpointError)
    if not isinstance(found, dict):
        raise CheckpointError(f"{file} is damaged: expected settings by their keys; begin a new run in another folder")
    return found


def _plain(config: Config) -> bool:
    """Whether a new head learns clips as they are, and nobody asked for more."""
    changed = config.augment or config.mixup is not None or config.latent is not None or config.adapt is not None
    return not changed and config.events.use != "frames" and config.start.model is None


def _solved(config: Config) -> bool:
    """Whether the probe is the best head there is: a linear one of an encoder that stays frozen."""
    t, plain = config.train, _plain(config) and config.freeze == "all"
    return plain and config.model.head in LINEAR and t.loss is None and t.metric != "last"


def value(config: Config, key: str) -> Any:
    """A setting by its dotted key."""
    section, _, name = key.rpartition(".")
    return getattr(getattr(config, section) if section else config, name)


def fill(config: Config, found: Mapping[str, Any]) -> Config:
    """The config with values where it has `auto`."""
    for key, own in found.items():
        if value(config, key) == AUTO:
            config = put(config, key, own)
    return config


def put(config: Config, key: str, value: Any) -> Config:
    """The config with another value of a key."""
    section, _, name = key.rpartition(".")
    if not section:
        return config.model_copy(update={name: value})
    return config.model_copy(update={section: getattr(config, section).model_copy(update={name: value})})
