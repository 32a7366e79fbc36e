"""What an encoder knows without being trained further: a linear classifier on what its layers say of a clip.

Features of a clip are the mean and the deviation over time of every layer's states, the states before the first layer
included, as the pooling `stats` has them, each scaled over the clips that are learnt from; the classifier is a logistic
regression with C = 0.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from audioft.core.runtime import evaluating
from audioft.core.wording import listed, quoted
from audioft.data.batching import pad
from audioft.data.buckets import batches_of
from audioft.data.clip import Clip
from audioft.evaluation.effective_size import of_clips
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.linear import ITERATIONS, quietly
from audioft.models.encoder import Encoder
from audioft.models.log_mel import LogMel
from audioft.models.pooling import statistics

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

C = 0.1  # inverse strength of the regression's penalty
FOLDS = 5  # where the data gives no split


@dataclass(frozen=True)
class Probe:
    """What a probe found.

    Attributes:
        accuracy: share of the tested clips that were labelled right, the mean over the folds.
        low, high: 95 % interval, over the tested groups; nan where all are of one.
        clips: how many were tested.
        labels: how many labels there are.
        chance: the share of the commonest label.

    >>> print(Probe(0.9, 0.85, 0.94, clips=160, labels=10, chance=0.1))
    0.900 (0.850 to 0.940; 160 clips, 10 labels)
    """

    accuracy: float
    low: float
    high: float
    clips: int
    labels: int
    chance: float

    def __str__(self) -> str:
        return f"{self.accuracy:.3f} ({self.low:.3f} to {self.high:.3f}; {self.clips} clips, {self.labels} labels)"


@dataclass
class ProbeTask:
    """Labelled clips in memory.

    Attributes:
        name: for figures and pictures.
        waveforms: N clips `(T_i,)`, prepared as the encoder wants them.
        labels: `(N,)`.
        groups: `(N,)`, the recordings that the clips are from, which the interval is over.
        splits: `(learn, test)` masks `(N,)`.
        clips: where the N clips are from, where that is known.
    """

    name: str
    waveforms: list[Tensor]
    labels: np.ndarray
    groups: np.ndarray
    splits: list[tuple[np.ndarray, np.ndarray]]
    clips: Sequence[Clip] = ()

    def measure(self, encoder: Encoder) -> Probe:
        """How well a linear classifier does on the encoder as it is now."""
        return probe(embed(encoder, self.waveforms), self.labels, self.groups, self.splits)


def embed(
    encoder: Encoder | LogMel,
    waveforms: Sequence[Tensor],
    batch_samples: int = 960_000,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """`(N, (L + 1) * 2 * H)` float32: mean and deviation over a clip's own frames of all L + 1 layers' states.

    Args:
        encoder: its mode is restored afterwards.
        waveforms: N clips `(T_i,)`, prepared as the encoder wants them.
        batch_samples: samples that go through at once, padding and an encoder's canvas included.
        progress: is called with the number of clips done.
    """
    found: dict[int, np.ndarray] = {}
    # what has nothing to learn, as a `LogMel`, is where its input is
    device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    with evaluating(encoder):
        for batch in batches_of(waveforms, batch_samples, canvas=encoder.canvas_samples):
            padded, lengths = pad([waveforms[i] for i in batch])
            with torch.inference_mode():
                frames = encoder.frames(padded.to(device), lengths.to(device), every_layer=True)
                assert frames.layers is not None
                # as transformers' hidden_states: the last ones come before the final norm of an encoder that has one
                pooled = [torch.cat(statistics(frames.of_layers(states)), -1) for states in frames.layers]
            for row, i in zip(torch.cat(pooled, 1).cpu().numpy(), batch, strict=True):
                found[i] = row
            if progress is not None:
                progress(len(found))
    return np.stack([found[i] for i in range(len(waveforms))])


def fit_and_score(features: np.ndarray, labels: np.ndarray, learn: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Whether each tested clip is labelled right, `(T,)` bool, by a classifier fitted to the others.

    Args:
        features: `(N, D)`.
        labels: `(N,)`.
        learn, test: `(N,)` bool.
    """
    return fitted(features[learn], labels[learn]).predict(features[test]) == labels[test]


def fitted(features: np.ndarray, labels: np.ndarray) -> Pipeline:
    """The probe's classifier, fitted to features `(N, D)` and labels `(N,)`, of at least two kinds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=ITERATIONS))
    with quietly():
        return model.fit(features, labels)


def folds(labels: np.ndarray, groups: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """`(learn, test)` masks `(N,)`, labels spread evenly, no group on both sides of one.

    Raises:
        ValueError: there are too few clips of a label, which is named, or too few groups for two folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    names, each = np.unique(labels, return_counts=True)
    alone = [str(name) for name in names[each < 2]]
    if alone:
        raise ValueError(
            f"there is only one clip of {quoted(alone)}, and learning and testing take one each; add recordings, or "
            f"leave {'it' if len(alone) == 1 else 'them'} out with data.drop={listed(alone)}"
        )
    count = min(FOLDS, len(set(groups.tolist())), min(each.tolist()))
    if count < 2:
        raise ValueError("all clips are of one group, and learning and testing take one each; add recordings of others")
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    made = []
    for learn, test in splitter.split(labels, labels, groups):
        masks = np.zeros((2, len(labels)), bool)
        masks[0, learn], masks[1, test] = True, True
        made.append((masks[0], masks[1]))
    return made


def probe(
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Probe:
    """Fit and test on every split.

    Args:
        features: `(N, D)`, from `embed`.
        labels: `(N,)`.
        groups: `(N,)`, clips of one are taken to be right or wrong together for the interval.
        splits: `(learn, test)` masks `(N,)`.
    """
    right = [fit_and_score(features, labels, learn, test) for learn, test in splits]
    chance = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    found = over_folds(right, [groups[test] for _, test in splits])
    clips = sum(map(len, right))
    return Probe(found.value, found.low, found.high, clips, len(set(labels.tolist())), chance)


def over_folds(right: Sequence[np.ndarray], groups: Sequence[np.ndarray]) -> Estimate:
    """Accuracy, the mean over the folds, and its 95 % interval.

    Args:
        right: of each fold whether each tested clip is labelled right, `(T,)` bool.
        groups: of each fold `(T,)`, clips of one are taken to be right or wrong together.
    """
    mean = float(np.mean([r.mean() for r in right]))
    low, high = of_clips(np.concatenate(right), np.concatenate(groups))
    # folds of unlike size count alike in the one, not in the other
    return Estimate(mean, min(low, mean), max(high, mean))
