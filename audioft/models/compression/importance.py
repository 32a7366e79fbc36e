"""How much layers, heads and units matter, and which to take away next.

A layer: by how much the loss on calibration clips rises where it is skipped. Heads and units: by the first term of the
Taylor series of the loss in a factor put on what each gives, squared and summed over batches (Molchanov et al.,
"Importance Estimation for Neural Network Pruning", 2019); within a layer relative to the others of their kind.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioft.core.runtime import evaluating
from audioft.models.classifier import AudioClassifier
from audioft.models.compression import layout, narrowing

Key = TypeVar("Key")
MULTIPLE = 16  #: units of a feed-forward part that stay are a multiple of it, which kernels like
LEAST_UNITS = 0.25  #: of a part that stay, of what it has when it is asked


@dataclass(frozen=True)
class Batch:
    """Some calibration clips.

    Attributes:
        waveforms: `(B, T)`, lengths: `(B,)` samples.
        targets, known: `(B, C)`.
    """

    waveforms: Tensor
    lengths: Tensor
    targets: Tensor
    known: Tensor


@dataclass(frozen=True)
class Cut:
    """Something that can be taken away.

    Attributes:
        what: in words.
        loss: on the calibration clips without it, before anything is trained.
        saved: the share of the layers' weights that goes with it.
        take: takes it away from a model.
    """

    what: str
    loss: float
    saved: float
    take: Callable[[AudioClassifier], None]


def loss_of(model: AudioClassifier, batch: Batch, multilabel: bool) -> Tensor:
    """The mean loss of a batch: cross-entropy, or of what is known of each label the binary one."""
    logits = model(batch.waveforms, batch.lengths).float()
    if not multilabel:
        return functional.cross_entropy(logits, batch.targets.argmax(1))
    each = functional.binary_cross_entropy_with_logits(logits, batch.targets.float(), reduction="none")
    return (each * batch.known).sum() / batch.known.sum().clamp_min(1)


@torch.no_grad()
def mean_loss(model: AudioClassifier, batches: Sequence[Batch], multilabel: bool) -> float:
    """Over all clips of the batches."""
    with evaluating(model):
        total = sum(float(loss_of(model, b, multilabel)) * len(b.lengths) for b in batches)
    return total / sum(len(b.lengths) for b in batches)


def cuts(
    model: AudioClassifier, batches: Sequence[Batch], multilabel: bool, share: float, told: Callable[[int], None]
) -> list[Cut]:
    """What can be taken away of a model: one layer, or a share of all units, or of all heads.

    Args:
        model: it is not changed.
        batches: of the calibration clips.
        multilabel: whether a clip may have several labels.
        share: of units and heads.
        told: how many losses have been measured, after each.
    """
    whole, found = weights(model), list[Cut]()
    takers: list[tuple[str, Callable[[AudioClassifier], None]]] = [
        (f"layer {i + 1}", _without_layer(i)) for i in _layers(model)
    ]
    units, heads = _least(model, batches, multilabel, share)
    takers += [] if not units else [(f"{sum(len(v) for v in units.values()):,} units", _without_units(units))]
    takers += [] if not heads else [(f"{sum(map(len, heads.values()))} heads", _without_heads(heads))]
    for number, (what, take) in enumerate(takers):
        tried = copy.deepcopy(model)
        take(tried)
        found.append(Cut(what, mean_loss(tried, batches, multilabel), 1 - weights(tried) / whole, take))
        told(number + 1)
    return found


def how_many(model: AudioClassifier) -> int:
    """How many losses `cuts` measures, at most."""
    return len(_layers(model)) + 2


def weights(model: AudioClassifier) -> int:
    """How many weights the layers of a model's encoder hold: what a clip takes, but for what is ahead of them."""
    return sum(p.numel() for p in model.encoder.backbone.layers.parameters())


def _layers(model: AudioClassifier) -> list[int]:
    count = model.encoder.num_layers
    return list(range(1 if layout.first_stays(model.encoder) else 0, count)) if count > 1 else []


def _least(
    model: AudioClassifier, batches: Sequence[Batch], multilabel: bool, share: float
) -> tuple[dict[tuple[int, int], Tensor], dict[int, list[int]]]:
    """The units that stay of each feed-forward part, and the heads of each attention, where some go."""
    encoder = model.encoder
    parts = {(i, k): part for i in range(encoder.num_layers) for k, part in enumerate(layout.feed_forwards(encoder, i))}
    attentions = {i: found for i in range(encoder.num_layers) if (found := layout.attention(encoder, i)) is not None}
    outputs = {part.second for part in parts.values()} | {a.output for a in attentions.values()}
    by_input = _taylor(model, batches, multilabel, sorted(outputs))
    of_units = {at: _relative(by_input[part.second]) for at, part in parts.items()}
    of_heads = {
        i: _relative(by_input[a.output].view(layout.head_count(encoder, a), -1).sum(1)) for i, a in attentions.items()
    }
    units = {at: own for at, own in _stay(of_units, share, MULTIPLE).items() if len(own) < len(of_units[at])}
    heads = {i: own.tolist() for i, own in _stay(of_heads, share, 1).items() if len(own) < len(of_heads[i])}
    return units, heads


def _taylor(
    model: AudioClassifier, batches: Sequence[Batch], multilabel: bool, names: Sequence[str]
) -> dict[str, Tensor]:
    """Of each input of some linear layers how much a factor on it would move the loss, squared, `(I,)`."""
    copied = copy.deepcopy(model).eval()
    copied.requires_grad_(False)
    linears = {name: copied.encoder.model.get_submodule(name) for name in names}
    for linear in linears.values():
        linear.weight.requires_grad_(True)
    found = {name: torch.zeros(linear.in_features) for name, linear in linears.items()}
    copied.encoder._frozen = set()  # or no graph is kept below what trains
    with torch.enable_grad():
        for batch in batches:
            loss = loss_of(copied, batch, multilabel)
            held: list[nn.Parameter] = [linear.weight for linear in linears.values()]
            grads = torch.autograd.grad(loss, held)
            for name, weight, grad in zip(linears, held, grads, strict=True):
                found[name] += (weight.detach() * grad).sum(0).square()
    return found


def _relative(scores: Tensor) -> Tensor:
    return scores / scores.square().mean().sqrt().clamp_min(1e-30)


def _stay(scores: dict[Key, Tensor], share: float, multiple: int) -> dict[Key, Tensor]:
    """The positions that stay of each, when a share of all goes, the least first."""
    if not scores:
        return {}
    limit = torch.quantile(torch.cat(list(scores.values()))[:1_000_000], share)
    found = {}
    for key, own in scores.items():
        least = max(1, round(LEAST_UNITS * len(own)))
        count = max(least, int((own > limit).sum()))
        count = min(len(own), -(-count // multiple) * multiple)
        found[key] = own.topk(count).indices.sort().values
    return found


def _without_layer(index: int) -> Callable[[AudioClassifier], None]:
    return lambda model: narrowing.keep_layers(model, [i for i in range(model.encoder.num_layers) if i != index])


def _without_units(stay: dict[tuple[int, int], Tensor]) -> Callable[[AudioClassifier], None]:
    def take(model: AudioClassifier) -> None:
        for (index, number), own in stay.items():
            narrowing.keep_units(model.encoder, layout.feed_forwards(model.encoder, index)[number], own)

    return take


def _without_heads(stay: dict[int, list[int]]) -> Callable[[AudioClassifier], None]:
    def take(model: AudioClassifier) -> None:
        for index, own in stay.items():
            found = layout.attention(model.encoder, index)
            assert found is not None
            narrowing.keep_heads(model.encoder, found, own)

    return take
