"""Predictions made up for the tests of this folder."""

from __future__ import annotations

import numpy as np

from audioft.evaluation.predictions import Predictions


def clips(count: int, each: int = 1) -> list[dict]:
    """`count` clips in groups of `each`."""
    return [{"path": f"{i}.wav", "start": None, "end": None, "group": f"g{i // each}"} for i in range(count)]


def predictions(scores, targets, multilabel=False, known=None, labels=None, each=1) -> Predictions:
    scores = np.asarray(scores, dtype=float)
    known = np.ones(scores.shape, dtype=bool) if known is None else known
    labels = labels or tuple(f"label {c}" for c in range(scores.shape[1]))
    return Predictions(labels, multilabel, scores, targets, known, clips(len(scores), each))


def single(seed: int, count: int = 60, classes: int = 4, absent: bool = False, ties: bool = False) -> Predictions:
    """Random single-label predictions, better than chance; `absent`: no clip has the last class."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.full(classes, 0.5), size=count)
    if ties:
        # quarters, kept exact and with a sum of 1, so that whole rows and columns tie
        parts = random.multinomial(4, np.full(classes, 1 / classes), size=count)
        scores = parts / 4
    usable = classes - absent
    truth = np.where(random.random(count) < 0.5, scores[:, :usable].argmax(1), random.integers(usable, size=count))
    return predictions(scores, np.eye(classes)[truth])


def multi(seed: int, count: int = 60, classes: int = 4, ties: bool = False, masked: bool = False) -> Predictions:
    """Random multi-label predictions, better than chance."""
    random = np.random.default_rng(seed)
    targets = (random.random((count, classes)) < 0.3).astype(float)
    scores = np.clip(0.3 * targets + 0.7 * random.random((count, classes)), 0, 1)
    known = random.random((count, classes)) < 0.7 if masked else None
    return predictions(np.round(scores, 1) if ties else scores, targets, True, known)
