"""A run that ends with the probe it began with has it fitted once more, to the validation side too.

By then that side has chosen all that it chooses, and few clips are left out to no purpose. The figures of the run stay
honest: those of the validation are of the probe before, those at the end of a test side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from audioft.assembly import build, side_scores
from audioft.assembly.fitting import probe_start
from audioft.assembly.fitting.frozen_states import Cache
from audioft.assembly.fitting.validation import scoring
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.evaluation.predictions import Predictions
from audioft.models.boundary import embedded
from audioft.models.heads import linear_start
from audioft.models.heads.cosine import CosineHead
from audioft.training.trainer import LAST, Trainer


def wanted(parts: build.Parts, trainer: Trainer) -> bool:
    """Whether the probe is kept, and the validation side is needed for no figure any more."""
    data = parts.data
    sides = len(data.side("test")) and len(data.side("valid")) and parts.metric != LAST
    kept = trainer.state.best_epoch == 0 and not parts.model.frame_level
    few = len(data.side("train")) + len(data.side("valid")) <= probe_start.MOST_CLIPS
    if parts.config.data.fold is not None:  # what is said of the fold is kept as said by who has not learnt from it
        return False
    return bool(sides) and kept and few and not isinstance(linear_start.inner(parts.model), CosineHead)


def fit(
    parts: build.Parts, trainer: Trainer, cache: Cache | None, train: probe_start.Examples | None
) -> Predictions | None:
    """Fit it; the head of the model, and all else of the best checkpoint, is what the run ends with.

    Args:
        parts: of the run.
        trainer: at the end of its training.
        cache: of what is frozen.
        train: what it was fitted to at the beginning; None where that was another process.

    Returns:
        What the probe before says of the validation side, which thresholds are chosen by; None where none are.
    """
    parts.processes.wait()  # the checkpoint is there
    trainer.checkpoints.load_best(parts.model, 0)
    data, model = parts.data, parts.model
    train, side = train or probe_start.clips_of(parts, cache), data.clips("valid")
    vectors = _kept(parts, side, cache)
    if vectors is None:
        vectors = probe_start.listen(parts, side, data.seconds("valid"))
    both = train.with_more(probe_start.examples_of(parts, "valid", range(len(side)), vectors))
    before = None
    if parts.multilabel:
        before = side_scores.score_side(model, data, "valid", scoring(parts)).predictions
    probe_start.put(parts, both)
    parts.console.say(f"the probe is fitted once more, to {counted(len(both.labels), 'clip')}, the validation's too")
    return before


def _kept(parts: build.Parts, side: Sequence[Clip], cache: Cache | None) -> np.ndarray | None:
    """`(K, D)`, nan for a clip that failed: the mean over its windows; None where that is not kept."""
    cut = None if cache is None else cache.cut_of(0)
    if cache is None or cut is None or cut.kind != "pooled":
        return None
    found, device = [], next(parts.model.parameters()).device
    for clip in side:
        windows = cache.side_states(cut, clip)
        if windows is None:
            found.append(torch.full((parts.model.pooling.output_size,), torch.nan))
            continue
        with torch.inference_mode():
            found.append(embedded(parts.model, torch.stack(windows).to(device)).mean(0).cpu())
    return torch.stack(found).numpy()
