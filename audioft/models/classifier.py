"""Encoder, pooling and head as one model."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from audioft.core.registry import Spec, split_spec
from audioft.models.encoder import Encoder
from audioft.models.families import FAMILIES
from audioft.models.frames import Frames, LatentMask
from audioft.models.pooling import LayerSum
from audioft.models.poolings_and_heads import heads, poolings

Layers = str | int
LAYERS = ("last", "weighted")  # besides numbers
OWN = "own"  # the pooling or head of the family's own classification class
AUTO = "auto"  # own, until a run has chosen
FRAMES = "none"  # the pooling of a model that labels frames


def named(spec: Spec, own: str) -> Spec:
    """A spec with `own` in the place of the names `own` and `auto`.

    >>> named("own", "mean"), named({"name": "own", "dropout": 0.1}, "projection"), named("mlp", "projection")
    ('mean', {'name': 'projection', 'dropout': 0.1}, 'mlp')
    """
    if isinstance(spec, str):
        return own if spec in (OWN, AUTO) else spec
    return {**spec, "name": own} if spec.get("name") in (OWN, AUTO) else spec


class AudioClassifier(nn.Module):
    """Waveforms to logits.

    Args:
        encoder: gives the frames.
        num_labels: C.
        layers: `last`, the encoder's output; `weighted`, a learned sum over all its layers; a number, the states after
            that layer (0: before the first), for which the encoder is cut, see `Encoder.cut`.
        pooling: a spec from the `poolings` registry; `none` gives every frame logits of its own. `own` is how the
            encoder's family pools.
        head: a spec from the `heads` registry; `own` is the family's.

    Raises:
        ValueError: the pooling is not for such an encoder, or it has no such layer.
    """

    pooling: Any
    head: Any

    def __init__(
        self, encoder: Encoder, num_labels: int, layers: Layers = "last", pooling: Spec = OWN, head: Spec = OWN
    ):
        super().__init__()
        pooling, head = named(pooling, encoder.own_pooling), named(head, encoder.own_head)
        _refuse(encoder, layers, pooling)
        if isinstance(layers, int):
            encoder.cut(layers)
        self.spec: dict[str, Any] = {"layers": layers, "pooling": pooling, "head": head}
        self.num_labels = num_labels
        self.encoder = encoder
        self.layer_sum = LayerSum(encoder.num_layers) if layers == "weighted" else None
        self.frame_level = pooling == FRAMES
        self.pooling = None if self.frame_level else poolings.build(pooling, hidden_size=encoder.hidden_size)
        size = encoder.hidden_size if self.frame_level else self.pooling.output_size
        self.head = heads.build(head, input_size=size, num_labels=num_labels)

    @property
    def transformers_equivalent(self) -> bool:
        """Whether transformers has a classification class that computes the same thing."""
        own = FAMILIES[self.encoder.family]
        same = split_spec(self.spec["pooling"])[0] == own.pooling and split_spec(self.spec["head"])[0] == own.head
        same &= not self.encoder.compressed
        return same and self.spec["layers"] in LAYERS and (own.layer_sum or self.layer_sum is None)

    @property
    def every_layer(self) -> bool:
        """Whether what is above the encoder wants the states of every layer."""
        return self.layer_sum is not None or getattr(self.pooling, "every_layer", False)

    def embed(self, waveforms: Tensor, lengths: Tensor, mask: LatentMask | None = None) -> Tensor:
        """What the head sees: pooled vectors `(B, D)`, or of a frame-level model the frames `(B, F, H)`."""
        return self.pooled(self.encoder.frames(waveforms, lengths, mask, every_layer=self.every_layer))

    def pooled(self, frames: Frames) -> Tensor:
        """As `embed`, of what the encoder gave."""
        if self.layer_sum is not None:
            frames = self.layer_sum(frames)
        return frames.states if self.frame_level else self.pooling(frames)

    def forward(self, waveforms: Tensor, lengths: Tensor, mask: LatentMask | None = None) -> Tensor:
        """Logits `(B, C)`, or `(B, F, C)` of a frame-level model, where a clip's own frames are the first
        `encoder.frame_lengths(lengths)`.

        Args:
            waveforms: `(B, T)` float32, preprocessed as `encoder.preprocessing` says, zero beyond each length.
            lengths: `(B,)` samples.
            mask: latent SpecAugment, in training only.
        """
        return self.head(self.embed(waveforms, lengths, mask))

    def head_parameters(self) -> list[nn.Parameter]:
        """All parameters outside the encoder."""
        return [p for name, p in self.named_parameters() if not name.startswith("encoder.")]


def _refuse(encoder: Encoder, layers: Layers, pooling: Spec) -> None:
    if isinstance(layers, bool) or not (isinstance(layers, int) or layers in LAYERS):
        raise ValueError(f"model.layers: expected {', '.join(LAYERS)} or the number of a layer; found {layers!r}")
    if isinstance(layers, int) and not 0 <= layers <= encoder.num_layers:
        name = encoder.name or encoder.family
        raise ValueError(f"model.layers: {layers}, but {name} has 0 (before the first) to {encoder.num_layers}")
    name = split_spec(pooling)[0]
    if name == FRAMES and not encoder.backbone.timed:
        raise ValueError(f"events.use=frames: {encoder.family} answers for a clip, not for each frame; take clips")
    if name == FRAMES and layers != "last" and encoder.backbone.squeeze > 1:
        raise ValueError(
            f"events.use=frames: the layers of {encoder.family} see {encoder.backbone.squeeze} frames as one; leave "
            "model.layers out"
        )
    if name in ("tokens", "all_frames") and name != encoder.own_pooling:
        raise ValueError(f"model.pooling: {name!r} is not for {encoder.family}; use {encoder.own_pooling!r}")
