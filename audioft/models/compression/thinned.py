"""A classifier of fewer layers out of one of many: some of its encoder's layers, and its own head."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch

from audioft.models.backbones.canvas import WhisperBackbone
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder


def every_kth(layers: int, wanted: int) -> list[int]:
    """Which of so many layers are kept, evenly spread, the first among them (as DistilBERT, Sanh et al. 2019).

    Raises:
        ValueError: there are not so many.

    >>> every_kth(12, 6), every_kth(4, 3)
    ([0, 2, 4, 6, 8, 10], [0, 1, 2])
    """
    if not 1 <= wanted <= layers:
        raise ValueError(f"layers: {wanted} of {layers}")
    return [i * layers // wanted for i in range(wanted)]


def stands_for(layers: int, wanted: int) -> list[tuple[int, int]]:
    """Of each of the kept layers, counted from 1, after which one of all layers its states are to be those.

    >>> stands_for(12, 6), stands_for(4, 3)
    ([(1, 2), (2, 4), (3, 6), (4, 8), (5, 10), (6, 12)], [(1, 1), (2, 2), (3, 4)])
    """
    after = [*every_kth(layers, wanted)[1:], layers]
    return list(zip(range(1, wanted + 1), after, strict=True))


def thinned_encoder(encoder: Encoder, kept: Sequence[int]) -> Encoder:
    """A copy of an encoder with only some of its layers, in their order, and what follows its last one.

    Args:
        encoder: is not changed.
        kept: positions from 0; the first layer must be among them, which may hold what all need (WavLM's positions).
    """
    if not kept or kept[0] != 0:
        raise ValueError(f"layers {list(kept)}: the first must be kept")
    found = copy.deepcopy(encoder)
    backbone = found.backbone
    holder, _, name = backbone.layers_in.rpartition(".")
    layers = torch.nn.ModuleList(backbone.layers[i] for i in kept)
    setattr(backbone.model.get_submodule(holder), name, layers)
    setattr(backbone.config, backbone.layers_counted, len(kept))
    found.num_layers = len(kept)
    return found


def on_canvas(encoder: Encoder, seconds: int) -> Encoder:
    """A copy of Whisper's encoder that lays every clip on so many seconds instead of 30, at a cost in proportion.

    It is a Whisper made for clips of that length, also where it is saved: its positions, sinusoids, are the first of
    the other's. Its states become others, as more of the canvas is filled.

    Raises:
        ValueError: it is no Whisper, or its own canvas is shorter.
    """
    features = encoder.preprocessing.features
    if not isinstance(encoder.backbone, WhisperBackbone) or features is None:
        raise ValueError(f"{encoder.family} has no canvas that can be shortened")
    own = features["n_samples"] // encoder.sample_rate
    if not 1 <= seconds <= own:
        raise ValueError(f"a canvas of {seconds} s, within 1 to {own}")
    model = copy.deepcopy(encoder.model)
    positions = model.config.max_source_positions * seconds // own
    model.config.max_source_positions = model.max_source_positions = positions
    kept = torch.nn.Embedding(positions, model.config.d_model)
    kept.weight = torch.nn.Parameter(model.embed_positions.weight[:positions].detach().clone(), requires_grad=False)
    model.embed_positions = kept
    samples = seconds * encoder.sample_rate
    shorter = {"chunk_length": seconds, "n_samples": samples, "nb_max_frames": samples // features["hop_length"]}
    return Encoder(model, replace(encoder.preprocessing, features=features | shorter), encoder.name)


def thinned(model: AudioClassifier, wanted: int, canvas: int | None = None) -> AudioClassifier:
    """A copy of a classifier with every k-th layer of its encoder, its pooling and its head.

    Args:
        model: is not changed.
        wanted: layers.
        canvas: seconds, see `on_canvas`; None for its own.

    Raises:
        ValueError: it has not so many layers, or no such canvas.
    """
    layers = model.encoder.num_layers
    kept = every_kth(layers, wanted)
    spec = dict(model.spec)
    if isinstance(spec["layers"], int):
        spec["layers"] = wanted
    encoder = thinned_encoder(model.encoder, kept)
    found = AudioClassifier(encoder if canvas is None else on_canvas(encoder, canvas), model.num_labels, **spec)
    found.head.load_state_dict(model.head.state_dict())
    if model.pooling is not None:
        found.pooling.load_state_dict(model.pooling.state_dict())
    if model.layer_sum is not None and found.layer_sum is not None:
        at = [0, *(after for _, after in stands_for(layers, wanted))]
        for own, theirs in zip(found.layer_sum.parameters(), model.layer_sum.parameters(), strict=True):
            own.data.copy_(theirs.data[at])
    return found.train(model.training)
