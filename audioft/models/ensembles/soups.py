"""Soups: the mean of the weights of models that are alike, which costs no more than one of them (Wortsman et al. 2022).

The mean means something where all models began from the same weights and stay in one valley of the loss; of models
that began elsewhere it is none better than chance.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch

from audioft.models.classifier import AudioClassifier
from audioft.models.weight_files import misfits


def problem(models: Sequence[AudioClassifier], names: Sequence[str]) -> str | None:
    """Why the weights of models cannot be averaged, in words; None if they can: all are of one architecture."""
    first = models[0]
    if small := [name for model, name in zip(models, names, strict=True) if model.encoder.compressed]:
        return f"{small[0]} was compressed: average first, then compress"
    for model, name in zip(models[1:], names[1:], strict=True):
        if type(model) is not type(first) or not hasattr(model, "spec") or model.spec != first.spec:
            return f"{name} is {_told(model)}, and {names[0]} {_told(first)}"
        if model.encoder.preprocessing != first.encoder.preprocessing or model.encoder.family != first.encoder.family:
            return f"{name} has another kind of encoder than {names[0]}"
        if wrong := misfits(first.state_dict(), model.state_dict()):
            return f"{name} has weights of other shapes than {names[0]}: {', '.join(wrong)}"
    return None


def mixed(models: Sequence[AudioClassifier]) -> AudioClassifier:
    """A model whose weights are the means, in float64, of those of models without a `problem`."""
    states = [m.state_dict() for m in models]
    soup = copy.deepcopy(models[0])
    with torch.no_grad():
        for name, tensor in soup.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(sum(s[name].double() for s in states) / len(states))
    return soup


def greedy(models: Sequence[AudioClassifier], score: Callable[[AudioClassifier], float]) -> tuple[list[int], float]:
    """The models whose soup scores best: begun with the best one, each next is taken if the soup is none the worse.

    Args:
        models: without a `problem`.
        score: on clips that none was trained on; higher is better.

    Returns:
        The positions of those that are in it, and its score.
    """
    alone = [score(m) for m in models]
    order = sorted(range(len(models)), key=lambda i: -alone[i])
    taken, best = order[:1], alone[order[0]]
    for i in order[1:]:
        found = score(mixed([models[j] for j in (*taken, i)]))
        if found >= best:
            taken, best = [*taken, i], found
    return taken, best


def _told(model: AudioClassifier) -> str:
    return ", ".join(f"{k} {v}" for k, v in model.spec.items())
