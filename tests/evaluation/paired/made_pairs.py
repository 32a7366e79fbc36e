"""Two models that are alike, or not, on clips in groups: for tests, and drawn by the thousand in the benchmark."""

from __future__ import annotations

import numpy as np

from audioft.evaluation.predictions import Predictions


def alike(
    random: np.random.Generator, groups: int, each: int, together: float, gap: float = 0.0, scale: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether two models are right in each clip, `(N,)` bool each, and the group of each, `(N,)`.

    Args:
        random: what is drawn from.
        groups, each: how many, and clips in each.
        together: the share, 0 to 1, of what makes a model right that all clips of a group have in common.
        gap: by how much likelier the second is right; 0 for models that are alike.
        scale: how far models differ in what is hard for them, beside what is hard for both.
    """
    member = np.repeat(np.arange(groups), each)

    def hard() -> np.ndarray:
        own, common = random.normal(size=len(member)), random.normal(size=groups)[member]
        return np.sqrt(together) * common + np.sqrt(1 - together) * own

    both = hard()
    first, second = (both + scale * hard() for _ in range(2))
    limit = 0.5 * np.sqrt(1 + scale**2)
    return first < limit, second < limit + gap, member


def scored(
    random: np.random.Generator, groups: int, each: int, labels: int = 2, together: float = 0.0, better: float = 1.0
) -> tuple[Predictions, Predictions, np.ndarray]:
    """Predictions of two models, and the group of each clip, `(N,)`.

    Args:
        random, groups, each, together: as for `alike`.
        labels: of which each clip has one; where clips of a group have something in common, all of a group the same.
        better: times what tells clips apart for the second; 1 for models that are alike.
    """
    member = np.repeat(np.arange(groups), each)
    true = random.integers(labels, size=groups)[member] if together else random.integers(labels, size=len(member))
    targets = np.eye(labels)[true]

    def scores(strength: float) -> np.ndarray:
        common = np.sqrt(together) * random.normal(size=(groups, labels))[member]
        noise = common + np.sqrt(1 - together) * random.normal(size=targets.shape)
        odds = np.exp(strength * targets + noise)
        return odds / odds.sum(1, keepdims=True)

    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": str(g)} for i, g in enumerate(member)]
    names, known = tuple(f"label {c}" for c in range(labels)), np.ones(targets.shape, bool)
    pair = (Predictions(names, False, scores(s), targets, known, clips) for s in (1.0, better))
    return (*pair, member)
