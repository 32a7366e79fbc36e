"""How far probabilities can be taken at their word.

- Expected calibration error: what is said with about the same confidence is put into 15 bins, and of each the mean
  confidence is compared with how much of it is right (Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural
  networks", 2017). Of one label a clip it is about the label that is given; of several, about every known one.
- Log loss, see `predictions.log_loss`, and Brier score: the mean squared distance of probabilities from what is true
  (Brier, Monthly Weather Review 78, 1950), of one label a clip summed over the labels, 0 to 2; of several, the mean
  over all known targets, 0 to 1.

Of all three less is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from audioft.evaluation.predictions import Predictions, log_loss

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """The three figures; nan where nothing is known of any clip."""

    ece: float
    log_loss: float
    brier: float


def measure(found: Predictions) -> Calibration:
    """The figures of predictions.

    >>> clip = {"path": "a.wav", "start": None, "end": None, "group": "a"}
    >>> how = [[1, 0], [0, 1]], np.ones((2, 2), bool), [clip, clip]
    >>> measure(Predictions(("cat", "dog"), False, [[0.8, 0.2], [0.8, 0.2]], *how)).ece.__round__(3)
    0.3
    """
    if not found.known.any():
        return Calibration(math.nan, math.nan, math.nan)
    loss = log_loss(found.scores, found.targets, found.known, found.multilabel)
    off = (found.scores - found.targets) ** 2
    if found.multilabel:
        own = found.known
        return Calibration(error(found.scores[own], found.targets[own]), loss, float(off[own].mean()))
    given = found.decisions()
    return Calibration(error(found.scores[given], found.targets[given]), loss, float(off.sum(1).mean()))


def error(confidence: np.ndarray, right: np.ndarray) -> float:
    """The expected calibration error, 0 to 1.

    Args:
        confidence: `(N,)` probabilities, N above 0.
        right: `(N,)`, 1 where what it is of is so, else 0.
    """
    place = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(place, confidence - right, BINS)
    return float(np.abs(gaps).sum() / len(confidence))
