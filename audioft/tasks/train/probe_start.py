"""A run begins with the probe: a linear classifier of what the encoder says before it is trained becomes the head.

Linear probing, then fine-tuning (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution"): a head that already fits asks the layers below for small changes only. Where the head can be any
linear map it is the probe to the last digits; the centres of a cosine head lie where the clips of their labels are.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from audioft.assembly import build
from audioft.configuration import few_shot
from audioft.core.progress import spell_seconds
from audioft.core.runtime import generator
from audioft.core.wording import counted
from audioft.data.dataset import Draw, TrainingClips
from audioft.errors import AudioError, AudioftError
from audioft.evaluation import linear_fit
from audioft.evaluation.linear_fit import Examples
from audioft.evaluation.recording_embeddings import pooled
from audioft.models import linear_start
from audioft.models.heads import CosineHead
from audioft.models.linear_start import LinearMap
from audioft.tasks.train import frame_examples
from audioft.tasks.train.frozen_states import Cache

MOST_CLIPS = 4000  # that are listened to where the encoder is to be trained, and fitted to in any case
MOST_NUMBERS = 4e7  # clips times features times labels, beyond which fewer clips are fitted to


@dataclass(frozen=True)
class Begun:
    """What a run began with.

    Attributes:
        clips: fitted to.
        strength: of the penalty of the weights.
        loss: the mean log loss of clips left out; nan where none could be.
    """

    clips: int
    strength: float
    loss: float


def wanted(parts: build.Parts) -> bool:
    """Whether the head is to begin as a probe: it is new, and can."""
    asked = parts.config.model.start == "probe" and not few_shot.wanted(parts.config)
    return asked and not parts.loaded.head_kept and linear_start.startable(parts.model)


def begin(parts: build.Parts, inner: TrainingClips, cache: Cache | None) -> Begun | None:
    """Let the head of a model that was standardised begin as a probe; None where there is nothing to learn.

    Raises:
        AudioftError: what the encoder says is not finite.
    """
    began, model = time.monotonic(), parts.model
    chosen = _chosen(parts)
    if model.frame_level:
        examples = frame_examples.of(parts, inner, chosen)
    else:
        examples = _clips(parts, chosen, cache)
    if not np.isfinite(examples.features).all():
        raise AudioftError(
            f"{parts.loaded.name}: what the encoder says of clips is not finite (NaN or infinity): its weights are "
            "damaged; model.start=random begins all the same"
        )
    if len(examples) < 2 or not _learnable(examples):
        parts.console.say("note: nothing to fit a probe to, the head begins at random")
        return None
    begun = parts.processes.gather([_fit(parts, examples)])[0]
    found = _put(parts, examples, begun)
    parts.console.say(
        f"starting from the probe: fitted to {counted(found.clips, 'frame' if model.frame_level else 'clip')}"
        f" in {spell_seconds(time.monotonic() - began)}"
    )
    return found


def _chosen(parts: build.Parts) -> list[int]:
    """Positions, within the train side, of the clips that are listened to."""
    total = len(parts.data.side("train"))
    if total <= MOST_CLIPS:
        return list(range(total))
    order = generator(parts.config.seed, "probe").permutation(total)
    return sorted(order[:MOST_CLIPS].tolist())


def _learnable(examples: Examples) -> bool:
    has = (examples.targets * examples.known) > 0
    of = has.any(0)
    return bool((of & (has.sum(0) < examples.known.sum(0))).any()) if examples.several else int(of.sum()) > 1


def _clips(parts: build.Parts, chosen: Sequence[int], cache: Cache | None) -> Examples:
    """The pooled vectors of clips."""
    vectors = _kept(parts, chosen, cache)
    if vectors is None:
        vectors = _heard(parts, chosen)
    data, clips = parts.data, parts.data.clips("train")
    good = ~np.isnan(vectors).all(1)
    rows = np.array(chosen)[good]
    index = np.array(data.side("train"))[rows]
    with torch.inference_mode():
        seen = linear_start.seen(parts.model, torch.from_numpy(vectors[good])).numpy()
    groups = [clips[i].group or clips[i].key for i in rows]
    weights = _weights(parts)
    return Examples(seen.astype(np.float64), data.targets[index], data.known[index], groups, parts.multilabel, weights)


def _kept(parts: build.Parts, chosen: Sequence[int], cache: Cache | None) -> np.ndarray | None:
    """`(K, D)`, nan for a clip that failed, of what has been computed for the whole run; None where that is not so, or
    is of clips as they were drawn.
    """
    cut = None if cache is None else cache.cut_of(0)
    if cache is None or cut is None or cut.kind != "pooled":
        return None
    if any(cache.clips.is_drawn(i, cut) for i in chosen):
        return None
    model, found = parts.model, []
    for i in chosen:
        try:
            states = cache.find(cut, Draw(i, 0)).states
        except AudioError:
            found.append(torch.full((model.pooling.output_size,), torch.nan))
            continue
        if model.layer_sum is not None:
            states = model.layer_sum.of(states[:, None].to(model.layer_sum.layer_weights.device))[0].detach().cpu()
        found.append(states)
    return torch.stack(found).numpy()


def _heard(parts: build.Parts, chosen: Sequence[int]) -> np.ndarray:
    """The same, computed: one pass over the clips, each process over a share of them."""
    processes, data = parts.processes, parts.data
    mine = chosen[processes.rank :: processes.count]
    clips, seconds = data.clips("train"), data.seconds("train")
    with parts.console.job("listening for the probe", round(sum(seconds[i] for i in mine)), unit=" s of sound") as job:
        vectors, _ = pooled(
            parts.model,
            [clips[i] for i in mine],
            window=parts.max_seconds,
            batch_seconds=parts.config.evaluate.batch_seconds,
            precision=parts.precision,
            progress=lambda heard: job.at(round(heard)),
        )
    found = np.empty((len(chosen), vectors.shape[1]), np.float32)
    for rank, share in enumerate(processes.gather([vectors])):
        found[rank :: processes.count] = share
    return found


def _weights(parts: build.Parts) -> np.ndarray | None:
    """`(C,)`, how much the clips of a label count, as the loss and the sampler of the run have it."""
    t, data = parts.config.train, parts.data
    if t.class_weights == "none" and t.sampler == "shuffle":
        return None
    index = data.side("train")
    present = ((data.targets[index] * data.known[index]) > 0).sum(0)
    weights = present.sum() / np.maximum(present, 1) / max(1, int((present > 0).sum()))
    return weights


def _fit(parts: build.Parts, examples: Examples) -> linear_fit.LinearFit:
    head = linear_start.inner(parts.model)
    few = _fewer(examples, parts.config.seed)
    rank = head.first.out_features if isinstance(head, CosineHead) else head.rank
    return linear_fit.fit(few, rank=rank, seed=parts.config.seed)


def _fewer(examples: Examples, seed: int) -> Examples:
    """Examples in numbers that are fitted to in seconds."""
    most = int(MOST_NUMBERS / max(1, examples.features.shape[1] * examples.targets.shape[1]))
    most = max(most, 4 * examples.targets.shape[1])
    if len(examples) <= most:
        return examples
    return examples.of(np.sort(generator(seed, "probe").permutation(len(examples))[:most]))


def _put(parts: build.Parts, examples: Examples, fit: linear_fit.LinearFit) -> Begun:
    model = parts.model
    device = next(model.parameters()).device
    mean, scale, weight, bias = (
        torch.from_numpy(np.asarray(x)).to(device) for x in (fit.mean, fit.scale, fit.weight, fit.bias)
    )
    if isinstance(linear_start.inner(model), CosineHead):
        x, y = torch.from_numpy(examples.features).to(device), torch.from_numpy(examples.targets * examples.known)
        linear_start.begin_at_means(model, mean, scale, _directions(weight), x, y)
    else:
        linear_start.begin(model, LinearMap(mean, scale, weight, bias))
    return Begun(len(examples), fit.strength, fit.loss)


def _directions(weight: torch.Tensor) -> torch.Tensor:
    """`(r, D)` of a classifier's weight `(C, D)`: the directions in which it tells labels apart."""
    sizes, right = torch.linalg.svd(weight, full_matrices=False)[1:]
    kept = sizes > 1e-6 * sizes[0]
    return sizes[kept, None] * right[kept]
