"""Labelled clips to probe an encoder on: read once, measured again and again while it is pretrained."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audioft.config import PretrainConfig
from audioft.errors import AudioError, DataError

if TYPE_CHECKING:
    from audioft.data.clip import Clip
    from audioft.evaluation.probe import ProbeTask
    from audioft.models.encoder import Encoder


def probe_task(source: str, config: PretrainConfig, encoder: Encoder) -> ProbeTask:
    """Read a labelled source for a probe; a split that it gives is used, otherwise folds are made over its groups.

    Raises:
        UsageError: no such path.
        DataError: its clips carry several labels, or are too few.
    """
    from audioft.data import manifest as manifests
    from audioft.data.dataset import beginning
    from audioft.evaluation.probe import ProbeTask
    from audioft.evaluation.scoring import preparation_of
    from audioft.runtime import generator

    manifest = manifests.load(os.path.expandvars(os.path.expanduser(source)))
    if manifest.multilabel:
        raise DataError(f"{source}: a probe needs one label a clip; these clips carry several")
    prepare, clips = preparation_of(encoder), list(manifest.clips)
    if len(clips) > config.probe.clips:
        rng = generator(config.seed, "probe", source)
        clips = [clips[i] for i in sorted(rng.permutation(len(clips))[: config.probe.clips].tolist())]
    waveforms, kept = [], []
    for clip in clips:
        try:
            waveforms.append(prepare(beginning(clip, prepare.sample_rate, config.probe.seconds)))
        except AudioError:  # told where the data is trained on; a probe measures what is left
            continue
        kept.append(clip)
    labels = np.array([c.labels[0] for c in kept])
    groups = np.array([c.group or c.key for c in kept])
    return ProbeTask(_name(source, config), waveforms, labels, groups, _splits(source, kept, labels, groups, config))


def _splits(
    source: str, clips: list[Clip], labels: np.ndarray, groups: np.ndarray, config: PretrainConfig
) -> list[tuple[np.ndarray, np.ndarray]]:
    from audioft.evaluation import probe

    sides = np.array([c.split or "" for c in clips])
    learn, test = sides == "train", sides == "test"
    try:
        splits = [(learn, test)] if learn.any() and test.any() else probe.folds(labels, groups, config.seed)
    except ValueError as e:
        raise DataError(f"{source}: nothing to probe on: {e}") from e
    if any(len(np.unique(labels[learn])) < 2 for learn, _ in splits):
        raise DataError(f"{source}: nothing to probe on: fewer than two labels among the clips to learn from")
    return splits


def _name(source: str, config: PretrainConfig) -> str:
    """The folder's name, numbered where several sources have the same."""
    names = [_base(s) for s in config.probe.sources]
    number = f"-{config.probe.sources.index(source) + 1}" if names.count(_base(source)) > 1 else ""
    return _base(source) + number


def _base(source: str) -> str:
    path = Path(os.path.abspath(source))
    return (path.parent.name if path.stem == "metadata" else path.stem) or "data"
