"""Encoder, pooling and head as one model."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from audioft.models.encoder import Encoder
from audioft.models.frames import LatentMask
from audioft.models.parts import heads, poolings
from audioft.models.pooling import LayerSum
from audioft.registry import Spec, split_spec

LAYERS = ("last", "weighted")
FRAMES = "none"  # the pooling of a model that labels frames


class AudioClassifier(nn.Module):
    """Waveforms to logits.

    Args:
        encoder: gives the frames.
        num_labels: C.
        layers: `last`, the encoder's output; `weighted`, a learned sum over all its layers.
        pooling: a spec from the `poolings` registry; `none` gives every frame logits of its own.
        head: a spec from the `heads` registry.
    """

    encoder: Encoder
    layer_sum: LayerSum | None
    pooling: Any
    head: Any

    def __init__(
        self,
        encoder: Encoder,
        num_labels: int,
        layers: str = "last",
        pooling: Spec = "mean",
        head: Spec = "projection",
    ):
        super().__init__()
        if layers not in LAYERS:
            raise ValueError(f"layers is one of {LAYERS}, not {layers!r}")
        self.spec = {"layers": layers, "pooling": pooling, "head": head}
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
        return split_spec(self.spec["pooling"])[0] == "mean" and split_spec(self.spec["head"])[0] == "projection"

    def embed(self, waveforms: Tensor, lengths: Tensor, mask: LatentMask | None = None) -> Tensor:
        """What the head sees: pooled vectors `(B, D)`, or of a frame-level model the frames `(B, F, H)`."""
        frames = self.encoder.frames(waveforms, lengths, mask, every_layer=self.layer_sum is not None)
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
