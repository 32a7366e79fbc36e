"""Frames as examples for a probe: of windows of the training side, what the encoder says and what is heard in them."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch

from audioft.assembly import build
from audioft.core.runtime import evaluating, generator
from audioft.data.batching import loader
from audioft.data.dataset import Draw, TrainingClips
from audioft.evaluation.linear import Labels
from audioft.evaluation.scoring import autocast
from audioft.models.heads import linear_start

MOST_WINDOWS = 1000  # that are listened to
MOST_FRAMES = 20_000  # that are fitted to


def of(parts: build.Parts, inner: TrainingClips, chosen: Sequence[int]) -> tuple[np.ndarray, Labels, list[str]]:
    """Features `(N, H)`, labels and recordings of frames of the windows `chosen`, positions within the train side.

    Each process hears a share of them.
    """
    plain = copy.copy(inner)
    plain.augment = plain.mixup = None
    processes, seed = parts.processes, parts.config.seed
    some = [chosen[i] for i in sorted(generator(seed, "probe", "windows").permutation(len(chosen))[:MOST_WINDOWS])]
    mine = [Draw(i, 0) for i in some[processes.rank :: processes.count]]
    each = max(1, MOST_FRAMES // max(1, len(some)))
    heard = []
    with parts.console.job("listening for the probe", len(mine), unit=" windows") as job, evaluating(parts.model):
        for done, batch in enumerate(loader(plain, [[d] for d in mine], parts.config.data.workers)):
            if len(batch):
                heard.append(_frames(parts, batch, each))
            job.at(done + 1)
    shares = processes.gather([_joined(heard)])
    features, targets, known, index = (np.concatenate([s[i] for s in shares if len(s)]) for i in range(4))
    groups = [parts.data.clips("train")[i].name for i in index.tolist()]
    return features, Labels(targets, known, True), groups


def _frames(parts: build.Parts, batch, each: int) -> tuple[np.ndarray, ...]:
    """Some frames of a window: features, targets, which are known, and the window's position."""
    device = parts.processes.device
    with torch.inference_mode(), autocast(device, parts.config.evaluate.precision):
        states = parts.model.embed(batch.waveforms.to(device), batch.lengths.to(device))
        seen = linear_start.seen(parts.model, states[0].float()).cpu().numpy()
    index = batch.indices[0]
    count = min(len(seen), batch.targets.shape[1])
    rows = np.sort(generator(parts.config.seed, "probe", "frames", index).permutation(count)[:each])
    return seen[rows], batch.targets[0, rows].numpy(), batch.known[0, rows].numpy(), np.full(len(rows), index)


def _joined(found: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate([f[i] for f in found]) for i in range(4)) if found else ()
