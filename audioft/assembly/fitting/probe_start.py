"""A run begins with the probe: a linear classifier of what the encoder says before it is trained becomes the head.

Linear probing, then fine-tuning (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution"): a head that already fits asks the layers below for small changes only. Where the head can be any
linear map it is the probe to the last digits; the centres of a cosine head lie where the clips of their labels are.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from audioft.assembly import build
from audioft.assembly.fitting import frame_examples
from audioft.assembly.fitting.frozen_states import Cache
from audioft.configuration import few_shot
from audioft.core.progress import spell_seconds
from audioft.core.runtime import generator
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.data.dataset import Draw, TrainingClips
from audioft.errors import AudioError, AudioftError
from audioft.evaluation import choosing, linear
from audioft.evaluation.linear import Labels, Linear
from audioft.evaluation.recording_embeddings import pooled
from audioft.models.boundary import embedded
from audioft.models.heads import linear_start
from audioft.models.heads.cosine import CosineHead
from audioft.models.heads.linear_start import LinearMap

MOST_CLIPS = 4000  # that are listened to where the encoder is to be trained, and fitted to in any case
MOST_NUMBERS = 4e7  # clips times features times labels, beyond which fewer clips are fitted to


def wanted(parts: build.Parts) -> bool:
    """Whether the head is to begin as a probe: it is new, and can."""
    asked = parts.config.model.start == "probe" and not few_shot.wanted(parts.config)
    return asked and not parts.loaded.head_kept and linear_start.startable(parts.model)


@dataclass(frozen=True)
class Examples:
    """What a probe is fitted to.

    Attributes:
        features: `(N, D)`, what the head sees.
        labels: of the N examples.
        groups: their names.
    """

    features: np.ndarray
    labels: Labels
    groups: list[str]

    def of(self, features: np.ndarray) -> Examples:
        """The same with other features."""
        return Examples(features, self.labels, self.groups)

    def with_more(self, others: Examples) -> Examples:
        """These examples, and then others."""
        features = np.concatenate([self.features, others.features])
        return Examples(features, self.labels.with_more(others.labels), [*self.groups, *others.groups])


def begin(
    parts: build.Parts, inner: TrainingClips, cache: Cache | None, heard: Examples | None = None
) -> Examples | None:
    """Let the head of a model that was standardised begin as a probe.

    Args:
        parts: of the run.
        inner: what is trained on.
        cache: of what is frozen.
        heard: what it is fitted to, if that is there already.

    Returns:
        What it was fitted to; None where there is nothing to learn, and the head begins at random.

    Raises:
        AudioftError: what the encoder says is not finite.
    """
    began, model = time.monotonic(), parts.model
    if model.frame_level:
        features, labels, groups = frame_examples.of(parts, inner, _chosen(parts))
        found = Examples(features, labels, groups)
    else:
        found = heard or clips_of(parts, cache)
        features, labels, groups = _seen(parts, found.features), found.labels, found.groups
    if not np.isfinite(features).all():
        raise AudioftError(
            f"{parts.loaded.name}: what the encoder says of clips is not finite (NaN or infinity): its weights are "
            "damaged; model.start=random begins all the same"
        )
    if len(labels) < 2 or int(labels.there.sum()) < (1 if labels.multilabel else 2):
        parts.console.say("note: nothing to fit a probe to; the head begins at random")
        return None
    loss = _fit_head(parts, features, labels, groups)
    what = counted(len(labels), "frame" if model.frame_level else "clip")
    sure = "" if math.isnan(loss) else f", log loss {loss:.3f} on those left out"
    parts.console.say(f"starting from the probe: fitted to {what}{sure}, in {spell_seconds(time.monotonic() - began)}")
    return found


def put(parts: build.Parts, examples: Examples) -> None:
    """Let the head of a model that was standardised be the probe of examples."""
    _fit_head(parts, _seen(parts, examples.features), examples.labels, examples.groups)


def _fit_head(parts: build.Parts, features: np.ndarray, labels: Labels, groups: list[str]) -> float:
    """Let the head be the probe; the mean log loss of clips left out, nan where none could be."""
    weights = b"" if labels.weights is None else labels.weights.tobytes()
    seen = hashlib.sha256(features.tobytes() + labels.targets.tobytes() + labels.known.tobytes() + weights)
    about = "probe", seen.hexdigest(), features.shape, tuple(groups), parts.config.seed, _rank(parts)
    found = parts.shared.once(about, lambda: _fit(parts, features, labels, groups))
    fit, loss = parts.processes.gather([found])[0]
    _put(parts, features, labels, fit)
    return loss


def _chosen(parts: build.Parts) -> list[int]:
    """Positions, within the train side, of the clips that are listened to."""
    total = len(parts.data.side("train"))
    if total <= MOST_CLIPS:
        return list(range(total))
    order = generator(parts.config.seed, "probe").permutation(total)
    return sorted(order[:MOST_CLIPS].tolist())


def _seen(parts: build.Parts, pooled: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return linear_start.seen(parts.model, torch.from_numpy(pooled)).numpy()


def clips_of(parts: build.Parts, cache: Cache | None) -> Examples:
    """The pooled vectors of clips, as many as are listened to."""
    chosen = _chosen(parts)
    vectors = _kept(parts, chosen, cache)
    if vectors is None:
        own, seconds = parts.data.clips("train"), parts.data.seconds("train")
        vectors = listen(parts, [own[i] for i in chosen], [seconds[i] for i in chosen])
    return examples_of(parts, "train", chosen, vectors)


def examples_of(parts: build.Parts, side: str, positions: Sequence[int], vectors: np.ndarray) -> Examples:
    """Pooled vectors `(K, D)` of the clips at `positions` within a side, without those that failed, which are nan."""
    data, clips = parts.data, parts.data.clips(side)
    good = ~np.isnan(vectors).all(1)
    rows = np.array(positions)[good]
    index = np.array(data.side(side))[rows]
    groups = [clips[i].group or clips[i].key for i in rows]
    labels = Labels(data.targets[index], data.known[index], parts.multilabel, _weights(parts))
    return Examples(vectors[good], labels, groups)


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
    device = next(model.parameters()).device
    for i in chosen:
        try:
            states = cache.find(cut, Draw(i, 0)).states
        except AudioError:
            found.append(torch.full((model.pooling.output_size,), torch.nan))
            continue
        with torch.inference_mode():
            found.append(embedded(model, states[None].to(device))[0].cpu())
    return torch.stack(found).numpy()


def listen(parts: build.Parts, clips: Sequence[Clip], seconds: Sequence[float]) -> np.ndarray:
    """The pooled vectors of clips of so many seconds, `(K, D)`, nan for one that failed: each process hears a share."""
    processes = parts.processes
    mine = slice(processes.rank, None, processes.count)
    with parts.console.job("listening for the probe", round(sum(seconds[mine])), unit=" s of sound") as job:
        vectors, _ = pooled(
            parts.model,
            clips[mine],
            window=parts.max_seconds,
            batch_seconds=parts.config.evaluate.batch_seconds,
            precision=parts.config.evaluate.precision,
            progress=lambda heard: job.at(round(heard)),
        )
    found = np.empty((len(clips), vectors.shape[1]), np.float32)
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
    return present.sum() / np.maximum(present, 1) / max(1, int((present > 0).sum()))


def _fit(parts: build.Parts, features: np.ndarray, labels: Labels, groups: list[str]) -> tuple[Linear, float]:
    """The classifier, and the mean log loss of clips left out; nan where none could be."""
    seed = parts.config.seed
    rows = _rows(features, labels, seed)
    features, labels, groups = features[rows], labels[rows], [groups[i] for i in rows]
    try:
        folds = choosing.several_folds(labels.targets * labels.known, groups, seed, choosing.FOLDS)
    except ValueError:  # all of one group
        folds = []
    folds = [(a, b) for a, b in folds if labels[a].there.sum() > (0 if labels.multilabel else 1)]
    penalty, loss = choosing.best_penalty(features, labels, folds[:1] if len(labels) > choosing.MANY else folds)
    return linear.fit(features, labels, penalty, _rank(parts)), loss


def _rank(parts: build.Parts) -> int | None:
    """Of the linear map that the head can be."""
    head = linear_start.inner(parts.model)
    return head.first.out_features if isinstance(head, CosineHead) else head.rank


def _rows(features: np.ndarray, labels: Labels, seed: int) -> np.ndarray:
    """Positions of so many examples as are fitted to in seconds, chosen by the seed."""
    count = labels.targets.shape[1]
    most = max(int(MOST_NUMBERS / max(1, features.shape[1] * count)), 4 * count)
    return np.sort(generator(seed, "probe", "fit").permutation(len(labels))[:most])


def _put(parts: build.Parts, features: np.ndarray, labels: Labels, fit: Linear) -> None:
    model = parts.model
    device = next(model.parameters()).device
    scale = np.where(np.isfinite(fit.scale), fit.scale, 1.0)  # of what does not vary, which has no weight
    made = [torch.from_numpy(x).to(device) for x in (fit.mean, scale, fit.weights, fit.bias)]
    if isinstance(linear_start.inner(model), CosineHead):
        x, y = torch.from_numpy(features).double().to(device), torch.from_numpy(labels.targets * labels.known)
        linear_start.begin_at_means(model, made[0], made[1], _directions(made[2]), x, y)
    else:
        linear_start.begin(model, LinearMap(*made))


def _directions(weight: torch.Tensor) -> torch.Tensor:
    """`(r, D)` of a classifier's weight `(C, D)`: the directions in which it tells labels apart."""
    sizes, right = torch.linalg.svd(weight, full_matrices=False)[1:]
    kept = sizes > 1e-6 * sizes[0]
    return sizes[kept, None] * right[kept]
