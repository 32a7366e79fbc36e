"""Where the frozen part of a classifier ends: what crosses from there, clip by clip, and how the rest goes on from it.

Up to the boundary a clip gives the same numbers in every epoch, so they need to be computed once. What crosses is as
little as the rest can do with: the features of frozen convolutions; the states after the last frozen layer, or of
every layer up to it where their sum is learnt; and of an encoder that is frozen to its end what its states are pooled
to, or can be pooled from whatever the layers weigh, where the pooling has nothing to learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audioft.core.runtime import evaluating
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder
from audioft.models.frames import Frames, LatentMask
from audioft.models.pooling import FixedPooling, LinearPooling

Kind = Literal["features", "states", "layers", "pooled"]


@dataclass(frozen=True)
class Boundary:
    """A cut through a classifier.

    Attributes:
        kind: what crosses it, of one clip: `features` `(F, C)` after the feature extractor; `states` `(F, H)` after a
            layer; `layers` `(layer + 1, F, H)`, those before the first layer and after each; `pooled` `(D,)`, or
            `(K, H)` where a sum over the layers is learnt, see `FixedPooling.reduced`.
        layer: the last one below it; 0 is before the first, -1 before what comes ahead of the layers.
    """

    kind: Kind
    layer: int

    def __str__(self) -> str:
        return {
            "features": "features of the frozen convolutions",
            "states": f"states of layer {self.layer}",
            "layers": f"states of the layers up to {self.layer}",
            "pooled": "pooled states of the frozen encoder",
        }[self.kind]


@dataclass(frozen=True)
class Crossing:
    """What crosses a boundary of one clip.

    Attributes:
        states: see `Boundary.kind`; only a clip's own frames, but all of an encoder that lays clips on a canvas.
        samples: of the clip, as it went into the encoder.
        frames: how many are its own, as the layers see them, and as the encoder gives them in the end (SEW's layers see
            two as one).
    """

    states: Tensor
    samples: int
    frames: tuple[int, int]


def boundary(model: AudioClassifier, frozen: Iterable[str], moments: bool = True) -> Boundary | None:
    """The highest boundary with nothing but frozen parts below it; None if there is none.

    Args:
        model: the classifier.
        frozen: names of `Encoder.parts()` whose weights are what they were when the run began.
        moments: of layers whose sum is learnt, moments over time may cross in the place of frames.
    """
    below, frozen = 0, set(frozen)
    for name, parameters in model.encoder.parts():
        if name not in frozen and parameters:
            break
        below += 1
    if not below:
        return None
    layer = below - 2  # the feature extractor and the projection come before the layers
    while layer > 0 and not model.encoder.backbone.can_go_on_from(layer) and layer < model.encoder.num_layers:
        layer -= 1
    if layer < 0:
        return Boundary("features", -1)
    learnt_sum = model.layer_sum is not None
    if layer == model.encoder.num_layers and not model.frame_level:
        learns = any(True for _ in model.pooling.parameters())
        enough = FixedPooling if moments else LinearPooling
        if not learns and (not learnt_sum or isinstance(model.pooling, enough)):
            return Boundary("pooled", layer)
    return Boundary("layers" if learnt_sum else "states", layer)


def cross(
    model: AudioClassifier, cut: Boundary, waveforms: Tensor, lengths: Tensor, mask: LatentMask | None = None
) -> list[Crossing]:
    """What crosses the boundary of each clip of a batch, float32, on the processor; nothing of it carries a gradient.

    Args:
        model: its encoder's part below the boundary acts as in evaluation, whatever its mode.
        cut: the boundary.
        waveforms, lengths, mask: as for `Encoder.frames`; a mask has no effect on features, which come before it.
    """
    encoder = model.encoder
    with evaluating(model), torch.no_grad():
        features, all_frames = encoder.features(waveforms, lengths)
        inner = all_frames
        if cut.kind == "features":
            states: Iterable[Tensor] = features
        else:
            frames = encoder.resume(encoder.begin(features, all_frames, mask, model.every_layer), cut.layer)
            inner = all_frames if frames.layer_lengths is None else frames.layer_lengths
            states = _crossing(model, cut, frames)
    counts = zip(lengths.tolist(), inner.tolist(), all_frames.tolist(), strict=True)
    found = []
    for own, (samples, within, whole) in zip(states, counts, strict=True):
        if encoder.backbone.masks_padding and cut.kind != "pooled":
            finished = cut.kind == "states" and cut.layer == encoder.num_layers and not encoder.backbone.is_cut
            own = own[..., : whole if finished or cut.kind == "features" else within, :]
        # a copy: what is kept of a batch is not the whole batch
        found.append(Crossing(own.float().cpu().clone(), samples, (within, whole)))
    return found


def _crossing(model: AudioClassifier, cut: Boundary, frames: Frames) -> Tensor:
    """Of each clip what crosses, `(B, ...)`."""
    if cut.kind == "states":
        return frames.states
    if model.layer_sum is None:
        return model.pooling(frames)
    if cut.kind == "pooled":
        return model.pooling.reduced(frames)
    assert frames.layers is not None
    return torch.stack(frames.layers, 1)


def go_on(
    model: AudioClassifier, cut: Boundary, crossings: Sequence[Crossing], mask: LatentMask | None = None
) -> Tensor:
    """Logits `(B, C)`, or `(B, F, C)` of a frame-level model, from what crossed the boundary of each clip.

    They are those of `model(waveforms, lengths, mask)` up to rounding, and to the precision the crossings were kept in.

    Args:
        model: the classifier.
        cut: the boundary of all of them.
        crossings: of B clips.
        mask: what to hide from the transformer, above features only; further up it is part of what crossed.
    """
    device = next(model.parameters()).device
    states, inner, whole = (x.to(device) for x in stacked(crossings))
    if cut.kind == "pooled":
        return model.head(embedded(model, states))
    if cut.kind == "features":
        frames = model.encoder.begin(states, whole, mask, every_layer=model.layer_sum is not None)
    else:
        frames = _frames(model.encoder, cut, states, inner, whole)
    return model.head(model.pooled(model.encoder.resume(frames)))


def embedded(model: AudioClassifier, states: Tensor) -> Tensor:
    """What the head sees, `(B, D)`, of what crossed a boundary of the kind `pooled`, one row a clip."""
    return states if model.layer_sum is None else model.pooling.of_sum(states, model.layer_sum.weights)


def stacked(crossings: Sequence[Crossing]) -> tuple[Tensor, Tensor, Tensor]:
    """States of B clips, zero beyond a clip's own, and their two numbers of frames `(B,)`."""
    if crossings[0].states.dim() == 3:  # layers first: padded along the frames
        states = pad_sequence([c.states.transpose(0, 1) for c in crossings], batch_first=True).transpose(1, 2)
    else:
        states = pad_sequence([c.states for c in crossings], batch_first=True)
    inner, whole = zip(*(c.frames for c in crossings), strict=True)
    return states, torch.tensor(inner), torch.tensor(whole)


def _frames(encoder: Encoder, cut: Boundary, states: Tensor, inner: Tensor, whole: Tensor) -> Frames:
    """As `Encoder.resume` left them at the boundary."""
    layers = states.unbind(1) if cut.kind == "layers" else None
    hidden = states if layers is None else layers[-1]
    step, lengths = encoder.seconds_per_frame * encoder.backbone.squeeze, inner
    finishes = cut.layer == encoder.num_layers and not encoder.backbone.is_cut
    if finishes and layers is None:  # what follows the last layer is done
        step, lengths = encoder.seconds_per_frame, whole
    extras = encoder.backbone.extras(cut.layer, hidden, inner, whole)
    return Frames(hidden, lengths, step, layers, inner, cut.layer, extras)
