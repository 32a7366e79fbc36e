"""The config of the model that a search ends with: trained as its trial was, or on the validation side too."""

from __future__ import annotations

from typing import Any

import numpy as np

from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.configuration.values import AUTO
from audioft.errors import UsageError
from audioft.tasks.search.ledger import Entry


def settled(config: Config, entry: Entry, refit: str) -> Config:
    """The config that a run with the settings of a trial has; `refit` is `train`, or `both` sides."""
    return of_both(config, entry) if refit == "both" else config


def of_both(config: Config, entry: Entry) -> Config:
    """Settings that train on the validation side too, for as long as its folds were best after.

    Where that is no epoch at all, the folds kept what they began with, and so does the run: the probe, solved for.
    """
    if isinstance(config.data.valid, str) or config.data.valid is None:
        raise UsageError(f"--refit both: data.valid={config.data.valid} gives the validation side; leave --refit out")
    epochs = round(float(np.median(entry.about["epochs"])))
    trained: dict[str, Any] = {"train.epochs": epochs, "train.metric": "last", "train.patience": 0}
    if not epochs:
        trained = {"freeze": "all", "model.head": "own", "train.epochs": AUTO} if config.model.start == "probe" else {}
    return configs.load(config, {"data.valid": None, **trained})
