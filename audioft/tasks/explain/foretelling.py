"""How long explanations take, told before the first of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from audioft.audio.sounds import Sound
from audioft.core.progress import about
from audioft.core.runtime import evaluating
from audioft.core.wording import counted
from audioft.data.check import headers
from audioft.data.clip import Clip
from audioft.inference.predictor import Predictor
from audioft.tasks.explain import faithfulness, gradients, occlusion, removal
from audioft.tasks.explain.explaining import Asked
from audioft.tasks.explain.logodds import LogOdds

#: Passes that a window takes at most and as a rule, each forward and back counted as three.
MOST = {"occlusion": occlusion.passes((12, 8)), "gradients": gradients.MOST_PASSES}
USUAL = MOST | {"gradients": 180}


def told(predictor: Predictor, clips: Sequence[Clip | Sound], asked: Asked) -> str:
    """A sentence on what it will take: by one pass over a window, made now."""
    model, window = predictor.model, predictor.window
    said = iter(headers([c for c in clips if isinstance(c, Clip)]))
    lengths = [len(c.samples) / c.rate if isinstance(c, Sound) else next(said).seconds or window for c in clips]
    labels = [len(c.labels) if asked.true and isinstance(c, Clip) else 1 for c in clips]
    windows = [k * min(asked.windows, max(1, int(np.ceil(s / window)))) for k, s in zip(labels, lengths, strict=True)]
    count, longest = sum(windows), min(window, max(lengths, default=window))
    log_odds = LogOdds(model, 0, predictor.card.multilabel, predictor.batch_seconds)
    sound = torch.randn(round(longest * model.encoder.hearing.per_second), generator=torch.Generator().manual_seed(0))
    with evaluating(model):
        each = _seconds(log_odds, sound.to(log_odds.device), back=asked.method != "occlusion")
    most, usual = (of[asked.method] + faithfulness.PASSES + removal.PASSES for of in (MOST, USUAL))
    takes = about(count * usual * each + sum(lengths) / window * each)
    stretches = f"{counted(count, 'window')} of {counted(len(clips), 'recording')}"
    return f"{stretches}, up to {most} passes through the model each: {takes}"


def _seconds(log_odds: LogOdds, sound: torch.Tensor, *, back: bool) -> float:
    """Of one pass; where passes go back, too, a third of one forward and back."""
    batch = sound.expand(min(4, log_odds.at_once(len(sound))), -1)
    began = time.perf_counter()
    if back:
        given = batch.clone().requires_grad_()
        torch.autograd.grad(log_odds(given).sum(), given)
    else:
        log_odds.several(batch)
    return (time.perf_counter() - began) / len(batch) / (3 if back else 1)
