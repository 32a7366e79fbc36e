"""Labelled clips to probe an encoder on: read once, measured again and again while it is pretrained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audioft.core.runtime import generator
from audioft.data.clip import Clip
from audioft.data.dataset import beginning
from audioft.data.manifest import Manifest
from audioft.errors import AudioError, DataError
from audioft.evaluation.probe import ProbeTask, folds
from audioft.evaluation.scoring import preparation_of
from audioft.models.encoder import Encoder


def probe_task(
    manifest: Manifest, source: str, encoder: Encoder, *, clips: int, seconds: float, seed: int, name: str | None = None
) -> ProbeTask:
    """Clips heard for a probe; a split that they have is used, otherwise folds are made over their groups.

    Args:
        manifest: of clips with one label each.
        source: the folder or table that it is of.
        encoder: what it is read for.
        clips: at most so many, chosen by the seed.
        seconds: of each clip as the encoder hears it, from its beginning.
        seed: of the choice of clips, and of the folds.
        name: what the task is called; the folder's name if not given.

    Raises:
        DataError: its clips carry several labels, or are too few.
    """
    if manifest.multilabel:
        raise DataError(f"{source}: a probe needs one label a clip; these clips carry several")
    prepare, chosen = preparation_of(encoder), list(manifest.clips)
    seconds /= encoder.hearing.expansion
    if len(chosen) > clips:
        rng = generator(seed, "probe", source)
        chosen = [chosen[i] for i in sorted(rng.permutation(len(chosen))[:clips].tolist())]
    waveforms, kept = [], []
    for clip in chosen:
        try:
            waveforms.append(prepare(beginning(clip, prepare.hearing, seconds)))
        except AudioError:  # told where the data is trained on; a probe measures what is left
            continue
        kept.append(clip)
    labels = np.array([c.labels[0] for c in kept])
    groups = np.array([c.group or c.key for c in kept])
    splits = _splits(source, kept, labels, groups, seed)
    return ProbeTask(name or _base(source), waveforms, labels, groups, splits, kept)


def _splits(
    source: str, clips: list[Clip], labels: np.ndarray, groups: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    sides = np.array([c.split or "" for c in clips])
    learn, test = sides == "train", sides == "test"
    try:
        splits = [(learn, test)] if learn.any() and test.any() else folds(labels, groups, seed)
    except ValueError as e:
        raise DataError(f"{source}: nothing to probe on: {e}") from e
    if any(len(np.unique(labels[learn])) < 2 for learn, _ in splits):
        raise DataError(f"{source}: nothing to probe on: fewer than two labels among the clips to learn from")
    return splits


def names_of(sources: Sequence[str]) -> list[str]:
    """The folders' names, numbered where several sources have the same.

    >>> names_of(["a/test", "b/test", "c/valid"])
    ['test-1', 'test-2', 'valid']
    """
    names = [_base(s) for s in sources]
    return [f"{name}-{i + 1}" if names.count(name) > 1 else name for i, name in enumerate(names)]


def _base(source: str) -> str:
    path = Path(os.path.abspath(source))
    return (path.parent.name if path.stem == "metadata" else path.stem) or "data"
