"""A classifier in the form of a graph: samples as they were recorded go in, probabilities come out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.classifier import AudioClassifier
from audioft.models.frames import valid_frames


class Graph(nn.Module):
    """Normalisation, the model, and what makes probabilities of logits.

    Args:
        model: in eval mode.
        multilabel: a sigmoid a label instead of a softmax.
    """

    def __init__(self, model: AudioClassifier, multilabel: bool):
        super().__init__()
        self.model, self.multilabel = model, multilabel
        self.normalise = model.encoder.preprocessing.normalise

    inputs: tuple[str, ...] = ("waveform", "lengths")

    def example(self) -> tuple[Tensor, ...]:
        """A batch such as it takes."""
        encoder = self.model.encoder
        most = 2 * encoder.sample_rate if encoder.max_samples is None else encoder.max_samples
        samples = max(2 * encoder.min_samples, min(2 * encoder.sample_rate, most)) - 37
        return torch.zeros(2, samples), torch.tensor([samples, samples - 1])

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what `forward` gives."""
        return ("scores", "frame_lengths") if self.model.frame_level else ("scores", "embedding")

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        """Scores `(B, C)` float32 and what speakers are compared by, `(B, D)`; of a model that labels frames scores
        `(B, F, C)` and how many frames are each clip's own, `(B,)`.

        Args:
            waveform: `(B, T)` float32, zero beyond each clip's end; T is at least what the encoder needs.
            lengths: `(B,)` int64 samples.
        """
        vectors, lengths = self._vectors(waveform, lengths)
        logits = self.model.head(vectors).double()
        scores = torch.sigmoid(logits) if self.multilabel else torch.softmax(logits, -1)
        if self.model.frame_level:
            return scores.float(), self.model.encoder.frame_lengths(lengths)
        own: Any = getattr(self.model.head, "embed", lambda pooled: pooled)
        return scores.float(), own(vectors).float()

    def _vectors(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if self.normalise:
            waveform = normalised(waveform, lengths)
        lengths = lengths.clamp(min=self.model.encoder.min_samples)
        return self.model.embed(waveform, lengths), lengths


class PipelineGraph(nn.Module):
    """The same with the names and the division of labour of transformers.js: clips come normalised, logits go out."""

    inputs = ("input_values", "attention_mask")
    outputs = ("logits",)

    def __init__(self, graph: Graph):
        super().__init__()
        self.model, self._example = graph.model, graph.example

    def example(self) -> tuple[Tensor, ...]:
        """As that of `Graph`."""
        waveform, _ = self._example()
        return waveform, torch.ones_like(waveform).long()

    def forward(self, input_values: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits `(B, C)`.

        Args:
            input_values: `(B, T)` float32, as the model's own extractor gives them.
            attention_mask: `(B, T)` int64, 1 for a clip's own samples.
        """
        lengths = attention_mask.sum(1).clamp(min=self.model.encoder.min_samples)
        return self.model(input_values, lengths).float()


def normalised(waveform: Tensor, lengths: Tensor) -> Tensor:
    """Each clip `(B, T)` at mean 0 and variance 1 over its own samples, zero beyond them, as `data` normalises (eps
    1e-7); sums are in float64, as those of a runtime are no better than their type.
    """
    own = valid_frames(lengths, waveform.shape[1])
    count = lengths[:, None].double()
    mean = (waveform * own).double().sum(1, keepdim=True) / count
    centred = (waveform.double() - mean) * own
    variance = (centred * centred).sum(1, keepdim=True) / count
    return (centred * torch.rsqrt(variance + 1e-7)).float()
